"""How graders fare on trial, the table of docs/exercises.md: python tests/exercises/table.py."""

import sys
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from exercises import changed, equivalent, failures, mistakes, right  # noqa: E402
from exercises.mutants import mutants  # noqa: E402
from nnscratch.data import digits  # noqa: E402
from nnscratch.evaluation.baselines import PCA  # noqa: E402
from nnscratch.evaluation.metrics import bce  # noqa: E402
from nnscratch.exercises.catalogue import EXERCISES, find  # noqa: E402
from nnscratch.exercises.graders import lesson_1  # noqa: E402
from nnscratch.exercises.report import report  # noqa: E402
from nnscratch.exercises.trained import bands  # noqa: E402
from nnscratch.exercises.worker import Verdict, grade  # noqa: E402

PAGE = ROOT / "docs" / "exercises.md"
TRIAL, RUNS, REPORT = "graders on trial", "our own runs", "a report"
END = "<!-- end of table -->"
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


def runs() -> str:
    """Return the table of our own runs of the lesson's tasks, and PCA beside them."""
    train, test = digits()
    two, sixteen = PCA(2).fit(train.images), PCA(16).fit(train.images)
    pca: dict[str, dict[str, float]] = {
        "lesson_1": lesson_1.measured(two),
        "lesson_5": {"reconstruction": bce(test.images, sixteen.reconstruct(test.images))},
    }
    head = ["", "figure", "ours, median", "lowest to highest", "PCA"]
    lines = [head, ["---"] * len(head)]
    for task, figures in bands().items():
        for figure, values in figures.items():
            linear = pca[task].get(figure)
            spread = f"{min(values):.2f} to {max(values):.2f}"
            cells = [f"`{task}`", figure, f"{median(values):.2f}", spread]
            lines.append([*cells, "" if linear is None else f"{linear:.2f}"])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def example() -> str:
    """Return the part of a report that names a mistake."""
    [mistake] = [m for m in mistakes("batch_norm") if m.name == "σ constant"]
    found = failures("batch_norm", changed(right("batch_norm"), mistake.changes))
    lines = report(find("batch_norm"), Verdict(found)).splitlines()[2:]
    return "".join(f"    {line}\n" for line in ["", *lines, ""]).replace("    \n", "\n")


def parts(name: str) -> tuple[str, str, str]:
    """Return the page: before a table, the table, after it."""
    before, begin, rest = PAGE.read_text("utf-8").partition(f"<!-- table: {name} -->\n")
    old, _, after = rest.partition(END)
    return before + begin, old, END + after


if __name__ == "__main__":
    for name, make in ((REPORT, example), (RUNS, runs), (TRIAL, table)):
        start, _, end = parts(name)
        PAGE.write_text(f"{start}{make()}{end}", "utf-8")
