"""An explanation as text, for a terminal of a hundred columns."""

from collections.abc import Iterator

import numpy as np

from ..core import Array, Shape
from .explanation import Explanation, Gradient
from .trace import Step, Value

MOST = 8
"""Rows, columns and matrices of an array that are shown."""

NUMBERS = 32
"""The column from which numbers are written at the latest, however deep the call."""

Table = list[list[str]]


def cell(number: float) -> str:
    """Four decimals; fewer if the others are 0, an exponent for what is very small or large.

    What is below 1e-9 is rounding in an example of such numbers, and is written as 0.
    """
    if abs(number) < 1e-9:
        return "0"
    if not np.isfinite(number) or number == round(number):
        return f"{number:.0f}" if abs(number) < 1e6 or not np.isfinite(number) else f"{number:.3e}"
    if not 1e-3 <= abs(number) < 1e5:
        return f"{number:.3e}"
    words = f"{number:.4f}".rstrip("0")
    return f"{words}0" if words.endswith(".") else words


def index(i: Shape) -> str:
    """An index as it is written behind a name."""
    return f"[{', '.join(map(str, i))}]" if i else ""


def matrices(a: Array, last: bool) -> Iterator[tuple[str, Table]]:
    """Cut an array into matrices, each with its index; `last`: the last axis is that of samples.

    A matrix of (C, H, W, N) is an image, one of (F, C, KH, KW) a filter.
    """
    if a.ndim <= 2:
        yield "", _table(np.atleast_2d(a))
        return
    rows = a.ndim - (3 if last else 2)
    for fixed in np.ndindex(*a.shape[:rows], *a.shape[rows + 2 :]):
        i: list[int | slice] = [*fixed[:rows], slice(None), slice(None), *fixed[rows:]]
        words = (":" if isinstance(k, slice) else str(k) for k in i)
        yield f"[{', '.join(words)}]", _table(a[tuple(i)])


def _table(a: Array) -> Table:
    some = a[:MOST, :MOST]
    table = [[cell(float(number)) for number in row] for row in some]
    if some.shape[1] < a.shape[1]:
        table = [[*row, "…"] for row in table]
    return [*table, ["…"]] if len(some) < len(a) else table


def tables(explanation: Explanation, value: Value) -> list[tuple[str, Table]]:
    """The matrices of a value, as many as are shown, with the index of each."""
    theta = {v.array.shape for v in explanation.inputs if v.name in explanation.parameters}
    shape = value.array.shape
    last = shape not in theta and bool(shape) and shape[-1] == explanation.batch
    found = list(matrices(value.array, last))
    return [*found[:MOST], ("…", [])] if len(found) > MOST else found


def aligned(table: Table) -> list[str]:
    """The lines of a table, its columns flush right."""
    width = max((len(word) for row in table for word in row), default=0)
    return ["  ".join(word.rjust(width) for word in row) for row in table]


def text(explanation: Explanation) -> str:
    """Return all of it."""
    return "\n".join(_lines(explanation))


def _lines(e: Explanation) -> Iterator[str]:
    yield e.title
    yield "=" * min(len(e.title), 100)
    yield from e.doc.splitlines()
    yield from ("", "The example", "-----------")
    for value in e.inputs:
        yield from _value(e, value, 2)
    yield from ("", "Forward, line by line", "---------------------")
    for step in e.forward:
        yield from _step(e, step)
    if e.dy is not None:
        yield from ("", "Backward, line by line", "----------------------")
        yield from _value(e, Value("dy", e.dy), 2)
        for step in e.backward:
            yield from _step(e, step)
    yield from ("", "The chain rule, beside finite differences")
    yield "-----------------------------------------"
    for gradient in e.gradients:
        yield from _gradient(e, gradient)


def _value(e: Explanation, value: Value, margin: int) -> Iterator[str]:
    head = " " * margin + f"{value.name} {value.array.shape if value.array.ndim else ''}".rstrip()
    column = min(margin + 22, NUMBERS)
    for label, table in tables(e, value):
        lines = aligned(table)
        if label or len(head) >= column:
            yield f"{head} {label}".rstrip() if head.strip() else " " * (margin + 2) + label
            head = ""
        for line in lines:
            yield f"{head:<{column}}{line}"
            head = ""


def _step(e: Explanation, step: Step) -> Iterator[str]:
    margin = 2 + 4 * step.depth
    times = f"   (in a loop, {step.times} times; the last is shown)" if step.times > 1 else ""
    yield " " * margin + f"{step.file}:{step.line}{times}"
    yield " " * margin + f"    {step.text}"
    for inner in step.steps:
        yield from _step(e, inner)
    for value in step.values:
        yield from _value(e, value, margin + 8)


def terms(gradient: Gradient) -> Table:
    """The terms of the chain rule, one a row, with their sum."""
    a = gradient.name + index(gradient.i)
    head = ["entry of y", "∂L/∂y", f"∂y/∂{a}", "by difference", "product"]
    rows = [
        ["y" + index(t.j), *map(cell, (t.dy, t.backward, t.difference, t.dy * t.backward))]
        for t in gradient.terms
    ]
    total = sum(t.dy * t.backward for t in gradient.terms)
    return [head, *rows, [f"∂L/∂{a}", "", "", "", cell(total)]]


def _gradient(e: Explanation, gradient: Gradient) -> Iterator[str]:
    name = gradient.name
    yield from _value(e, Value(f"∂L/∂{name}", gradient.backward), 2)
    yield from _value(e, Value("by differences", gradient.difference), 2)
    yield f"  they differ by {disagreement(gradient):.0e} at most; the terms of one entry:"
    table = terms(gradient)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        yield "    " + "  ".join(map(str.rjust, row, widths))
    yield ""


def disagreement(gradient: Gradient) -> float:
    """The largest difference between what backward and differences give."""
    return float(np.abs(gradient.backward - gradient.difference).max())
