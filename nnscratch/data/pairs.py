"""A set of inputs and targets: what goes in, and what should come out."""

from dataclasses import dataclass

import numpy as np

from ..checks.arrays import check_numbers, images_of, plain
from ..core import IntArray
from .dataset import Images


@dataclass(frozen=True, eq=False)
class Pairs:
    """Inputs and targets, row by row: the table of a regression, or noisy signals and clean ones.

        inputs   (N, …), uint8 in 0 … 255 or finite floats
        targets  (N, …) of another shape perhaps; (N,) is taken for (N, 1)

    Both may be lists, data frames or tensors (see arrays.py); what the set holds are plain arrays.
    `pairs[rows]` is the set of some rows: a view if `rows` is a slice, else a copy.

    Raises
        ValueError if a set is empty, there are not as many inputs as targets, or a number is not
        finite.
    """

    inputs: Images
    targets: Images

    def __post_init__(self) -> None:
        """Refuse what is not such a set."""
        inputs = images_of("Pairs inputs", self.inputs)
        targets = plain("Pairs targets", self.targets)
        targets = images_of("Pairs targets", targets[:, None] if targets.ndim == 1 else targets)
        for name, a in (("inputs", inputs), ("targets", targets)):
            check_numbers(f"Pairs {name}", a)
            object.__setattr__(self, name, a)
        if len(inputs) != len(targets):
            raise ValueError(f"Pairs: expected {len(inputs)} targets, got {len(targets)}")

    def __len__(self) -> int:
        """Return N."""
        return len(self.inputs)

    def __getitem__(self, rows: slice | IntArray) -> "Pairs":
        """Return the set of these rows."""
        if not isinstance(rows, slice) and np.ndim(rows) != 1:
            raise ValueError(f"Pairs: expected a slice or row numbers, got {rows!r}")
        return Pairs(self.inputs[rows], self.targets[rows])
