"""Mutants of an answer: one operator, constant, comparison, term or statement changed at a time."""

import ast
import copy
from collections.abc import Iterator

OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Mult,
}
COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Gt: (ast.GtE, ast.Lt),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Eq: (ast.NotEq,),
}
NAMES = {
    "sum": "mean",
    "mean": "sum",
    "max": "min",
    "maximum": "minimum",
    "exp": "expm1",
    "expm1": "exp",
    "log1p": "log",
    "log": "log1p",
    "sqrt": "square",
    "zeros": "ones",
    "zeros_like": "ones_like",
}


def variants(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what may stand in the place of a node."""
    if isinstance(node, ast.BinOp):
        if type(node.op) in OPERATORS:
            yield ast.BinOp(node.left, OPERATORS[type(node.op)](), node.right)
        if not isinstance(node.op, ast.MatMult):
            yield node.left
        if isinstance(node.op, ast.Add | ast.Mult):
            yield node.right
        if isinstance(node.op, ast.Sub):
            yield ast.UnaryOp(ast.USub(), node.right)
    elif isinstance(node, ast.Compare):
        for op in COMPARISONS.get(type(node.ops[0]), ()):
            yield ast.Compare(node.left, [op()], node.comparators)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield node.operand
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield ast.Constant(node.value + 1)
        yield ast.Constant(node.value - 1)
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        yield node.value
    elif isinstance(node, ast.Attribute) and node.attr in NAMES:
        yield ast.Attribute(node.value, NAMES[node.attr], ast.Load())
    elif isinstance(node, ast.AugAssign):
        yield ast.Assign([node.target], node.value)
        yield ast.Pass()
        if isinstance(node.op, ast.Add):
            yield ast.AugAssign(node.target, ast.Sub(), node.value)
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
        yield ast.Pass()


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """Yield (the statement as it is now, the source) for every mutant of a source."""
    tree = ast.parse(source)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    seen = {ast.unparse(tree)}
    for f in functions:
        for statement in f.body:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                continue  # the docstring
            for k, node in enumerate(ast.walk(statement)):
                for variant in variants(node):
                    there = copy.deepcopy(tree)
                    body = there.body[tree.body.index(f)].body  # type: ignore[attr-defined]
                    at = f.body.index(statement)
                    body[at] = _replaced(body[at], k, copy.deepcopy(variant))
                    text = ast.unparse(ast.fix_missing_locations(there))
                    if text not in seen:
                        seen.add(text)
                        yield f"{f.name}: {_difference(ast.unparse(tree), text)}", text


def _replaced(statement: ast.stmt, k: int, variant: ast.AST) -> ast.stmt:
    """Return a statement whose k-th node, in the order of ast.walk, is another."""
    target = list(ast.walk(statement))[k]
    if target is statement:
        assert isinstance(variant, ast.stmt)
        return variant

    class Swap(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return variant if node is target else super().generic_visit(node)

    result = Swap().visit(statement)
    assert isinstance(result, ast.stmt)
    return result


def _difference(before: str, after: str) -> str:
    """Return the first line that has changed, as it is now."""
    pairs = zip(before.splitlines(), after.splitlines(), strict=False)
    return next((new.strip() for old, new in pairs if old != new), "")
