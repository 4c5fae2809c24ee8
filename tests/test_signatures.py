"""No function of the library takes more than six parameters, outside of the kernels."""

import ast
from collections.abc import Iterator
from pathlib import Path

import nnscratch

MOST = 6
CONSTRUCTORS = ("__init__", "__new__")

EXCEPTED = {
    "models/lesson.py": "its functions construct the lesson's models",
    "layers/conv.py Conv2d.__init__": "PyTorch's names and order, which the field knows",
    "layers/conv1d.py Conv1d.__init__": "as Conv2d",
    "layers/conv_transpose.py ConvTranspose2d.__init__": "as Conv2d",
    "layers/conv_maps.py": "hands numbers to the kernels",
    "gradcheck/gradcheck.py gradcheck": "how one function is checked: nearly all is by keyword",
    "plots/curves.py curves": "what stands around a picture is by keyword",
}
"""What may take more, by file or by file and name, and why."""


def functions() -> Iterator[tuple[str, str, ast.arguments]]:
    """Yield file, qualified name and parameters of every function."""
    root = Path(nnscratch.__file__).parent
    for path in sorted(root.rglob("*.py")):
        file = str(path.relative_to(root))
        if file.startswith("kernels"):
            continue
        todo: list[tuple[str, ast.AST]] = [("", ast.parse(path.read_text()))]
        while todo:
            prefix, node = todo.pop()
            for inner in ast.iter_child_nodes(node):
                name = getattr(inner, "name", "")
                if isinstance(inner, ast.FunctionDef):
                    yield file, prefix + name, inner.args
                todo.append((f"{prefix}{name}." if name else prefix, inner))


def test_no_function_takes_more_than_six_parameters() -> None:
    """A constructor may take more by keyword: a record of them would be the same list once more."""
    for file, name, arguments in functions():
        if {file, f"{file} {name}"} & EXCEPTED.keys():
            continue
        positional = [a.arg for a in arguments.posonlyargs + arguments.args]
        if positional[:1] in (["self"], ["cls"]):
            del positional[0]
        others = [a.arg for a in arguments.kwonlyargs]
        others += [a.arg for a in (arguments.vararg, arguments.kwarg) if a]
        if name.rpartition(".")[2] in CONSTRUCTORS:
            others = []
        assert len(positional + others) <= MOST, (file, name, positional, others)
