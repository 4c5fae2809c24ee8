"""How graders fare on trial, the table of docs/exercises.md: python tests/exercises/table.py."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from exercises import changed, equivalent, failures, mistakes, right  # noqa: E402
from exercises.mutants import mutants  # noqa: E402
from nnscratch.exercises.catalogue import EXERCISES  # noqa: E402
from nnscratch.exercises.worker import grade  # noqa: E402

PAGE = ROOT / "docs" / "exercises.md"
BEGIN, END = "<!-- table: graders on trial -->\n", "<!-- end of table -->"
SEEDS = range(20)


def row(name: str) -> list[object]:
    """Return what a grader does with right answers, wrong answers and mutants."""
    claims = len(grade(name, right(name), "", 0))
    passed = sum(not failures(name, right(name), seed) for seed in SEEDS)
    wrong = list(mistakes(name))
    told = 0
    for mistake in wrong:
        told += mistake.told(failures(name, changed(right(name), mistake.changes)))
    mutated = list(mutants(right(name)))
    killed = sum(bool(failures(name, source)) for _, source in mutated)
    same = len(equivalent(name))
    return [
        claims,
        f"{passed} of {len(SEEDS)}",
        f"{told} of {len(wrong)}",
        f"{killed} of {len(mutated) - same}",
        same,
    ]


def table() -> str:
    """Return the table in Markdown."""
    head = ["", "exercise", "claims", "right answer passes", "wrong answers named"]
    head += ["mutants killed", "equivalent"]
    rows = [[f"{e.number}", f"`{e.name}`", *map(str, row(e.name))] for e in EXERCISES]
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def parts() -> tuple[str, str, str]:
    """Return the page: before the table, the table, after it."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    old, _, after = rest.partition(END)
    return before, old, after


if __name__ == "__main__":
    start, _, end = parts()
    PAGE.write_text(f"{start}{BEGIN}{table()}{END}{end}", "utf-8")
