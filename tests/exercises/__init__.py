"""Right answers, wrong answers and mutants for the graders of the exercises."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from nnscratch.exercises.problem import Finding
from nnscratch.exercises.worker import grade

HERE = Path(__file__).parent


class Mistake(NamedTuple):
    """A wrong answer: what is wrong, the change to the right one, words of the diagnosis.

    Where sizes that are drawn decide what is seen, there are two diagnoses, separated by "|".
    """

    name: str
    changes: dict[str, str]
    words: str

    def told(self, found: list[Finding]) -> bool:
        """Is the mistake named?"""
        text = "\n".join(f"{finding.found}\n{finding.likely}" for finding in found)
        return any(words in text for words in self.words.split("|"))


def right(name: str) -> str:
    """Return the right answer to an exercise."""
    return (HERE / "answers" / f"{name}.py").read_text("utf-8")


def mistakes(name: str) -> Iterator[Mistake]:
    """Yield the wrong answers to an exercise."""
    for entry in import_module(f"exercises.mistakes.{name}").WRONG:
        yield Mistake(*entry)


def other_ways(name: str) -> list[dict[str, str]]:
    """Return changes that leave an answer right: other ways to write it."""
    ways: list[dict[str, str]] = import_module(f"exercises.mistakes.{name}").ALSO_RIGHT
    return ways


def equivalent(name: str) -> dict[str, str]:
    """Return the mutants that change nothing that can be seen, with the reason."""
    return getattr(import_module(f"exercises.mistakes.{name}"), "EQUIVALENT", {})


def changed(source: str, changes: dict[str, str]) -> str:
    """Return a source with these changes; each text must stand there once."""
    for old, new in changes.items():
        assert source.count(old) == 1, f"{old!r} occurs {source.count(old)} times, not once"
        source = source.replace(old, new)
    return source


def failures(name: str, source: str, seed: int = 0) -> list[Finding]:
    """Return what a grader finds wrong with an answer."""
    findings = grade(name, source, f"{name}.py", seed)
    assert findings
    return [finding for finding in findings if not finding.ok]
