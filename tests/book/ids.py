"""Which test belongs to which equation of the book, and which function to which number.

A chapter docs/dense.md and its tests, tests/book/test_dense.py, meet in ids:

    <!-- equation: dx -->            @equation("dx")
    $$                               def test_dx(rng): ...
    ...
    $$

    It takes <!-- number: steps -->12<!-- end --> steps.

    @number("steps")
    def steps() -> str: ...          a rerun, which must return "12"

An equation that no code computes, a definition or a step of a proof, has `<!-- step -->` in place
of an id. tests/book/test_ids.py compares pages and tests.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

EQUATIONS: dict[tuple[str, str], Callable[..., Any]] = {}
"""The tests of equations, by chapter and id."""

NUMBERS: dict[tuple[str, str], Callable[[], str]] = {}
"""The functions that return the text of a number, by chapter and name."""

LONG: set[tuple[str, str]] = set()
"""The numbers that take more than a few seconds; they are rerun by `pytest -m once`."""


def equation(name: str) -> Callable[[Any], Any]:
    """Say that the test below evaluates both sides of the equation of this id."""

    def enter(test: Any) -> Any:
        if not test.__name__.startswith("test_"):
            raise ValueError(f"equation {name}: pytest does not run {test.__name__}")
        return _enter(EQUATIONS, name, test)

    return enter


def number(name: str, *, long: bool = False) -> Callable[[Any], Any]:
    """Say that the function below computes the number of this name, and returns it as text."""

    def enter(function: Any) -> Any:
        if long:
            LONG.add((_chapter(function), name))
        return _enter(NUMBERS, name, function)

    return enter


def _chapter(function: Any) -> str:
    return str(function.__module__).rpartition(".")[2].removeprefix("test_")


def _enter(table: dict[tuple[str, str], Any], name: str, function: Any) -> Any:
    key = _chapter(function), name
    if key in table:
        raise ValueError(f"{name}: {table[key].__name__} has this id already")
    table[key] = function
    return function


WITH_SPREAD = re.compile(r"(-?[\d.]+) ± ([\d.]+)")


def agree(told: str, found: str) -> bool:
    """Is what a training has found again what a page tells?

    Another processor adds up in another order, and a training in float32 ends elsewhere there. So
    a mean over several runs agrees if it lies within the spread of these runs that is told, and the
    spread if it is half to twice as large. A number without a spread must be the same.
    """
    a, b = WITH_SPREAD.fullmatch(told), WITH_SPREAD.fullmatch(found)
    if told == found or not (a and b):
        return told == found
    (mean, spread), (again, its_spread) = map(float, a.groups()), map(float, b.groups())
    near = spread / 2 <= its_spread <= 2 * spread
    return near and round(abs(again - mean), 9) <= spread


# What stands on a page

COMMENT = re.compile(r"<!--\s*(.*?)\s*-->", re.DOTALL)
NUMBER = re.compile(r"<!-- number: ([\w-]+) -->(.*?)<!-- end -->", re.DOTALL)
FENCE = re.compile(r"^(```|~~~).*?^\1[ ]*$", re.MULTILINE | re.DOTALL)
EATEN = re.compile(r"\\[,;:!{}|_#%&]")
"""What GitHub, outside of displayed formulas, shows without its backslash."""


def chapters() -> list[str]:
    """Return the chapters in their order, "dense" for docs/dense.md; mkdocs.yml lists them."""
    nav = (ROOT / "mkdocs.yml").read_text("utf-8").partition("\nnav:\n")[2]
    part = re.search(r"^  - The book:\n((?:    .*\n)+)", nav, re.MULTILINE)
    if part is None:
        raise ValueError("mkdocs.yml: its nav has no part that is called The book")
    return re.findall(r"(\w+)\.md$", part[1], re.MULTILINE)


def text_of(chapter: str) -> str:
    """Return a chapter."""
    return (ROOT / "docs" / f"{chapter}.md").read_text("utf-8")


def equations(text: str) -> list[str]:
    """Return the ids of a page's equations."""
    return re.findall(r"^<!-- equation: ([\w-]+) -->$", text, re.MULTILINE)


def numbers(text: str) -> list[tuple[str, str]]:
    """Return the names and texts of a page's numbers."""
    return NUMBER.findall(text)


def faults(text: str) -> list[str]:
    """Return what is against the format in a page, as messages."""
    text = FENCE.sub(lambda fence: "\n" * fence[0].count("\n"), text)
    found, lines, inside = [], text.split("\n"), False
    for k, line in enumerate(lines):
        before = lines[k - 1] if k else ""
        if line.strip() == "$$":
            if not inside and not re.fullmatch(r"<!-- (equation: [\w-]+|step) -->", before):
                found.append(f"line {k + 1}: no id and no step before the equation")
            inside = not inside
        elif "$$" in line:
            found.append(f"line {k + 1}: $$ is not on a line of its own")
        elif re.match(r"<!-- (equation|step)", before) and not inside:
            found.append(f"line {k + 1}: no equation after {before}")
        elif not inside:
            found += [f"line {k + 1}: {fault}" for fault in _faults_of_prose(line)]
    if inside:
        found.append("the last equation has no end")
    ids = equations(text)
    found += [f"{name}: the id of two equations" for name in set(ids) if ids.count(name) > 1]
    found += _faults_of_comments(text)
    return found


def _faults_of_prose(line: str) -> list[str]:
    if line.startswith("    "):
        return []
    line = re.sub(r"`[^`]*`", "", line)
    found = [] if line.count("$") % 2 == 0 else ["a formula has no end on its line"]
    inline = line.split("$")[1::2]
    found += [f"GitHub takes the backslash of {bad}" for bad in EATEN.findall(" ".join(inline))]
    return found


def _faults_of_comments(text: str) -> list[str]:
    known = r"equation: [\w-]+|step|number: [\w-]+|end"
    found = [f"what is this comment: {c}" for c in COMMENT.findall(text) if not re.match(known, c)]
    comments = [c for c in COMMENT.findall(text) if c.startswith(("number", "end"))]
    for first, second in zip(comments[::2], [*comments[1::2], ""], strict=False):
        if not (first.startswith("number") and second == "end"):
            found.append(f"{first}: a number stands between <!-- number: NAME --> and <!-- end -->")
    return found
