"""Imports run one way: docs/architecture.md has the order, and the sources keep to it."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

from pages import text_of

import nnscratch

ROOT = Path(nnscratch.__file__).parent
BRIDGE = "_moved"
"""The names of earlier versions, which some modules carry at their end."""

MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for path in ROOT.rglob("*.py")
    if path.stem != BRIDGE and path != ROOT / "__init__.py"
}
"""Every module by its dotted name, without "nnscratch."."""


def imported(name: str, *, in_functions: bool) -> set[str]:
    """Return the modules of the library that a module imports, but for type checkers alone."""
    tree = ast.parse(MODULES[name].read_text("utf-8"))
    tree.body = [node for node in tree.body if not isinstance(node, ast.If)]
    package, found = name.split(".")[:-1], set()
    for node in ast.walk(tree) if in_functions else tree.body:
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            source = base + (node.module.split(".") if node.module else [])
            for alias in node.names:
                inner = ".".join([*source, alias.name])
                found |= {m for m in (inner, f"{inner}.__init__") if m in MODULES} or {
                    m for m in (".".join(source), ".".join([*source, "__init__"])) if m in MODULES
                }
    return found - {name}


def ranks() -> dict[str, int]:
    """Return the line on which each package stands in docs/architecture.md."""
    part = text_of("docs/architecture.md").partition("## Imports run one way")[2]
    lines = re.findall(r"^    ([a-z_ ]+)$", part.partition("##")[0], re.MULTILINE)
    return {name: i for i, line in enumerate(lines) for name in line.split()}


def test_the_page_lists_every_package() -> None:
    assert set(ranks()) == {name.partition(".")[0] for name in MODULES}


def test_no_import_runs_upwards() -> None:
    rank = ranks()
    for name in MODULES:
        here = name.partition(".")[0]
        for other in imported(name, in_functions=True):
            there = other.partition(".")[0]
            lower = rank[there] < rank[here] or rank[there] == rank[here] == 0
            assert there == here or lower, f"{name} imports {other}"


def test_no_two_modules_import_each_other() -> None:
    graph = {name: imported(name, in_functions=False) for name in MODULES}
    TopologicalSorter(graph).prepare()  # raises CycleError


def test_what_an_import_is() -> None:
    assert "core" in imported("layers.dense", in_functions=False)
    assert "models.autoencoder" not in imported("models.batch_first", in_functions=True)
    assert "layers.held" in imported("training.replicas", in_functions=False)
