"""How much of the library one must read to follow a formula down to NumPy: python tests/reading.py

From the formulas of a file (the `forward` methods of its layers with the backwards inside, or all
functions of a file without layers) the names they use are followed to where they are defined, and
so on, through functions and methods, until nothing but NumPy and Python is left. A module counts
with all of its lines if something in it was reached. Not followed are
    - decorators: an operation is what its plain definition says (kernels/paths.py),
    - annotations and docstrings, which compute nothing,
    - the package checks, whose functions return what they were given or refuse it.
"""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import nnscratch

ROOT = Path(nnscratch.__file__).parent
Definition = ast.FunctionDef | ast.ClassDef


class Module(NamedTuple):
    """A file, read: its definitions by name, and where each imported name comes from."""

    definitions: dict[str, ast.stmt]
    imports: dict[str, tuple[str, str]]
    lines: int


@cache
def read(file: str) -> Module:
    """Read a file, named from the package's folder, such as "layers/dense.py"."""
    source = (ROOT / file).read_text()
    definitions: dict[str, ast.stmt] = {}
    imports: dict[str, tuple[str, str]] = {}
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            definitions[statement.name] = statement
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            definitions |= {t.id: statement for t in targets if isinstance(t, ast.Name)}
        elif isinstance(statement, ast.ImportFrom) and statement.level:
            folder = Path(file).parents[statement.level - 1]
            found = folder / (statement.module or "").replace(".", "/")
            for name in statement.names:
                imports[name.asname or name.name] = (found.as_posix(), name.name)
    return Module(definitions, imports, source.count("\n"))


def place(folder: str, name: str) -> tuple[str, str]:
    """Return the file of an imported name and the name in it, "" if it is the module itself."""
    for file, inside in ((f"{folder}/{name}.py", ""), (f"{folder}.py", name)):
        if (ROOT / file).is_file():
            return Path(file).as_posix(), inside
    return (Path(folder) / "__init__.py").as_posix(), name


def used(node: ast.AST) -> Iterator[str]:
    """Yield the names that a definition reads, "module.name" where it takes them from a module."""
    if isinstance(node, ast.FunctionDef):
        for part in (*node.args.defaults, *filter(None, node.args.kw_defaults), *node.body):
            yield from used(part)
    elif isinstance(node, ast.AnnAssign):
        yield from used(node.value) if node.value else ()
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        yield f"{node.value.id}.{node.attr}"
    elif isinstance(node, ast.Name):
        yield node.id
    else:
        for child in ast.iter_child_nodes(node):
            yield from used(child)


def reading(file: str) -> dict[str, int]:
    """Return the lines of every module that the formulas of a file lead to."""
    todo: list[tuple[str, str, ast.AST]] = []
    for name, node in read(file).definitions.items():
        if isinstance(node, ast.ClassDef):
            methods = [m for m in node.body if isinstance(m, ast.FunctionDef)]
            todo += [(file, name, m) for m in methods if m.name == "forward"]
    if not todo:
        todo = [(file, "", d) for d in read(file).definitions.values() if isinstance(d, Definition)]
    seen: set[tuple[str, int]] = set()
    while todo:
        at, owner, node = todo.pop()
        if (at, node.lineno) in seen:  # type: ignore[attr-defined]
            continue
        seen.add((at, node.lineno))  # type: ignore[attr-defined]
        for words in used(node):
            first, _, second = words.partition(".")
            here, name = at, first
            if first == "self" and owner:
                todo += [(at, owner, m) for m in methods_of(at, owner) if m.name == second]
                continue
            if first in read(at).imports:
                here, name = place(*read(at).imports[first])
                name = name or second
            if here.startswith("checks/"):
                continue
            while name in read(here).imports:  # a package that passes it on
                here, name = place(*read(here).imports[name])
            if name in read(here).definitions:
                todo.append((here, name, read(here).definitions[name]))
    return {at: read(at).lines for at in sorted({at for at, _ in seen} | {file})}


def methods_of(file: str, owner: str) -> list[ast.FunctionDef]:
    """Return the methods of a class of this file; none if it is no class."""
    node = read(file).definitions.get(owner)
    return [m for m in getattr(node, "body", ()) if isinstance(m, ast.FunctionDef)]


if __name__ == "__main__":
    layers = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("layers/*.py"))
    for file in sys.argv[1:] or [*layers, "losses.py", "likelihoods.py", "optimizers.py"]:
        parts = reading(file)
        names = ", ".join(f"{name} {lines}" for name, lines in parts.items())
        print(f"{file}: {len(parts)} modules, {sum(parts.values())} lines ({names})")
