"""What a check found, as a table one can read."""

from dataclasses import dataclass, field
from math import prod

from ..core import Shape


@dataclass(frozen=True)
class Row:
    """One array under one method, at the entry where backward and the method differ most.

    `checked` is how many of its entries were looked at, all if None.
    """

    array: str
    shape: Shape
    method: str
    worst: Shape
    analytic: float
    numeric: float
    error: float
    verdict: str
    checked: int | None = None

    def cells(self) -> tuple[str, ...]:
        """Return the columns of the table."""
        size = prod(self.shape)
        some = f", {self.checked} of {size}" if self.checked not in (None, size) else ""
        return (
            self.array,
            str(self.shape) + some,
            self.method,
            str(self.worst),
            f"{self.analytic:+.8e}",
            f"{self.numeric:+.8e}",
            f"{self.error:.1e}",
            self.verdict,
        )


HEAD = ("array", "shape", "method", "worst at", "backward", "numeric", "error", "verdict")


@dataclass(frozen=True, repr=False)
class Report:
    """The findings about one layer, loss or function: true if all is well, a table when printed.

    rows     the derivatives, one row an array and method
    broken   the promises that backward does not keep, in words
    notes    what might be better and is not wrong
    """

    title: str
    rows: list[Row]
    broken: list[str]
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Is every row right and every promise kept?"""
        return not self.broken and all(row.verdict == "ok" for row in self.rows)

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        table = [HEAD, *(row.cells() for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = ["  ".join(map(str.ljust, cells, widths)).rstrip() for cells in table]
        title = f"{self.title}: {'ok' if self else 'FAILED'}"
        return "\n    ".join([title, *lines, *self.broken, *(f"note: {n}" for n in self.notes)])

    __repr__ = __str__

    def raise_if_failed(self) -> None:
        """Raise AssertionError, with the table for its message, unless all is well."""
        if not self:
            raise AssertionError(str(self))
