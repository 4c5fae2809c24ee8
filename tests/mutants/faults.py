"""The faults: each is one small change of one expression or statement of a file."""

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDERS = ("layers", "models", "evaluation")
FILES = ("losses.py", "likelihoods.py", "learned_scale.py", "optimizers.py", "schedules.py")
FILES += ("kernels/plain*.py",)

Node = ast.expr | ast.stmt

OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
NAMES = {
    "maximum": "minimum",
    "minimum": "maximum",
    "max": "min",
    "min": "max",
    "sum": "mean",
    "mean": "sum",
    "exp": "expm1",
    "expm1": "exp",
    "log": "log1p",
    "log1p": "log",
    "sqrt": "square",
    "zeros": "ones",
    "ones": "zeros",
    "any": "all",
    "all": "any",
    "argmax": "argmin",
    "argmin": "argmax",
}


@dataclass(frozen=True)
class Fault:
    """`new` stands in `file` from byte `start` to byte `stop`, in place of `old`.

    `key` names it by the text of its line, so that it stays when lines above it come or go.
    """

    file: str
    start: int
    stop: int
    line: int
    old: str
    new: str
    key: str

    def planted(self, source: bytes) -> bytes:
        """The source with the fault in it."""
        return source[: self.start] + self.new.encode() + source[self.stop :]


def files(root: Path) -> list[str]:
    """The files in which faults are planted, from nnscratch/ on."""
    found = [p for folder in FOLDERS for p in (root / folder).glob("[!_]*.py")]
    found += [p for pattern in FILES for p in root.glob(pattern)]
    return sorted(str(p.relative_to(root)) for p in found)


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what may stand in place of this node."""

    def other(**fields: object) -> ast.AST:
        changed = copy.copy(node)
        for name, value in fields.items():
            setattr(changed, name, value)
        return changed

    match node:
        case ast.BinOp():
            if type(node.op) in OPERATORS:
                yield other(op=OPERATORS[type(node.op)]())
            if isinstance(node.op, ast.MatMult):
                yield other(left=node.right, right=node.left)
            if isinstance(node.op, ast.Add | ast.Sub | ast.Mult):
                yield node.left  # the second term or factor is dropped
                if not isinstance(node.op, ast.Sub):
                    yield node.right
        case ast.UnaryOp():
            yield node.operand
        case ast.BoolOp():
            yield other(op=ast.And() if isinstance(node.op, ast.Or) else ast.Or())
        case ast.Compare() if len(node.ops) == 1:
            yield other(ops=[COMPARISONS[type(node.ops[0])]()])
        case ast.Compare():
            for k, op in enumerate(node.ops):
                yield other(ops=[*node.ops[:k], COMPARISONS[type(op)](), *node.ops[k + 1 :]])
        case ast.Constant(value=bool()):
            yield other(value=not node.value)
        case ast.Constant(value=int()):
            yield other(value=node.value + 1)
        case ast.Constant(value=float()):
            yield other(value=2 * node.value if node.value else 1.0)
        case ast.IfExp():
            yield other(body=node.orelse, orelse=node.body)
        case ast.If():
            pass  # its test is an expression of its own
        case ast.AugAssign():
            yield ast.Assign([node.target], node.value, lineno=node.lineno)
            if type(node.op) in OPERATORS:
                yield other(op=OPERATORS[type(node.op)]())
        case ast.Attribute(attr="T"):
            yield node.value
        case ast.Attribute(attr=attr) if attr in NAMES:
            yield other(attr=NAMES[attr])
        case ast.Name(id=name, ctx=ast.Load()) if name in NAMES and name not in ("sum", "any"):
            yield other(id=NAMES[name])
        case ast.Expr(value=ast.Call()):
            yield ast.Pass()


SKIPPED = (ast.Raise, ast.JoinedStr, ast.Assert, ast.AnnAssign, ast.Import, ast.ImportFrom)


def places(node: ast.AST) -> Iterator[ast.AST]:
    """Yield every node of the code, but for messages, annotations and what is printed."""
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "bases"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, SKIPPED):
                if isinstance(child, ast.AnnAssign) and child.value is not None:
                    yield from places(child.value)
                continue
            if isinstance(child, ast.FunctionDef) and child.name in ("__repr__", "__str__"):
                continue
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            yield from places(child)


def faults(root: Path, file: str) -> list[Fault]:
    """All faults of a file, in the order of their places."""
    source = (root / file).read_bytes()
    lines = [0]
    for line in source.splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    found: list[Fault] = []
    times: Counter[str] = Counter()
    for node in places(ast.parse(source)):
        for changed in changes(node):
            assert isinstance(node, ast.expr | ast.stmt)
            assert node.end_lineno is not None
            assert node.end_col_offset is not None
            start = lines[node.lineno - 1] + node.col_offset
            stop = lines[node.end_lineno - 1] + node.end_col_offset
            new = ast.unparse(ast.fix_missing_locations(changed))
            if isinstance(node, ast.expr):
                new = f"({new})"
            old = " ".join(source[start:stop].decode().split())
            text = source.splitlines()[node.lineno - 1].decode().strip()
            key = f"{file} | {text} | {old} -> {new}"
            times[key] += 1
            key += f" ({times[key]})" if times[key] > 1 else ""
            found.append(Fault(file, start, stop, node.lineno, old, new, key))
    return found
