"""How findings are shown: plain text, 80 columns, colours only on a terminal."""

import os
import sys
import textwrap
from collections.abc import Iterator

from .catalogue import Exercise
from .worker import Verdict

WIDTH = 80
CODES = {"green": "32", "red": "31", "bold": "1"}


def coloured(text: str, colour: str) -> str:
    """Return the text in a colour, if the output is a terminal and NO_COLOR is not set."""
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return text
    return f"\x1b[{CODES[colour]}m{text}\x1b[0m"


def wrapped(text: str, indent: int, first: str = "") -> list[str]:
    """Return the lines of a text, indented; `first` stands before the first line of all."""
    lines: list[str] = []
    for line in text.splitlines():
        start = " " * indent if lines else first.ljust(indent)
        lines += textwrap.wrap(
            line,
            WIDTH,
            initial_indent=start,
            subsequent_indent=" " * indent,
            break_on_hyphens=False,
        ) or [""]
    return lines


def report(exercise: Exercise, verdict: Verdict) -> str:
    """Return what a check found, for the learner."""
    return "\n".join(_lines(exercise, verdict))


def _lines(exercise: Exercise, verdict: Verdict) -> Iterator[str]:
    head = f"{exercise.number:02} {exercise.name}"
    held = sum(finding.ok for finding in verdict.findings)
    word = "passed" if verdict.ok else "not written yet" if verdict.blank else "not yet right"
    colour = "green" if verdict.ok else "red"
    count = "" if verdict.blank else f" ({held} of {len(verdict.findings)} claims hold)"
    yield f"{coloured(head, 'bold')}: {coloured(word, colour)}{count}"
    if verdict.blank:
        yield from wrapped(f"Open {exercise.file}: it says what to write.", 4)
        return
    yield ""
    told: list[str] = []
    for finding in verdict.findings:
        mark = coloured("ok   ", "green") if finding.ok else coloured("WRONG", "red")
        evidence = f"  ({finding.found})" if finding.ok and finding.found else ""
        fits = len(finding.claim + evidence) <= WIDTH - 9
        [first, *rest] = wrapped(finding.claim + evidence if fits else finding.claim, 9)
        yield f"  {mark}  {first.strip()}"
        yield from rest
        if finding.ok:
            if not fits and not finding.found.endswith("entries"):
                yield from wrapped(finding.found, 13)
            continue
        if finding.found in told or len(told) == 3:  # one mistake often refutes many claims
            continue
        told.append(finding.found)
        yield from wrapped(finding.found, 13)
        if finding.likely:
            yield from wrapped(finding.likely, 13, " " * 9 + "=>")
    if verdict.printed:
        yield ""
        yield "  Your file printed:"
        yield from ("    " + line[: WIDTH - 4] for line in verdict.printed)
