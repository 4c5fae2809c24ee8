"""What each line of a formula computes, seen while it runs.

Python calls a function of ours before every line of the frames that we ask for (sys.settrace).
Between two calls one statement has run: what it has set, or changed in place, are the arrays and
numbers that are there now and were not before. The source stays as it is, and what is shown is
what runs, on the plain path.
"""

import ast
import copy
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from ..core import Array, Parameter
from ..kernels.paths import plain

HERE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Value:
    """An array, or a number, and what it is called."""

    name: str
    array: Array


@dataclass
class Step:
    """A statement that has run: where it stands, what it has set, what it has called.

    Of one that runs again and again in a loop it is the last time, and `times` says how often.
    `targets` are the names that it may set or change, `before` the names and values that it started
    from.
    """

    file: str
    line: int
    text: str
    targets: frozenset[str]
    depth: int
    values: list[Value] = field(default_factory=list)
    steps: "list[Step]" = field(default_factory=list)
    times: int = 1
    before: dict[str, Any] = field(default_factory=dict, repr=False)

    def __iter__(self) -> "Iterator[Step]":
        """Yield this step, and all that it has called."""
        yield self
        for step in self.steps:
            yield from step


@cache
def statements(file: str) -> dict[int, tuple[int, str, frozenset[str]]]:
    """For each line its statement, but no if or for: its first line, its text, and its targets."""
    try:
        source = Path(file).read_text("utf-8")
    except OSError:  # a cell of a notebook, or what was typed into Python
        import linecache

        source = "".join(linecache.getlines(file))
    found: dict[int, tuple[int, str, frozenset[str]]] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Expr | ast.Return):
            text = " ".join((ast.get_source_segment(source, node) or "").split())
            left = getattr(node, "targets", [getattr(node, "target", node)])
            inside = (n for part in left for n in ast.walk(part) if isinstance(n, ast.Name))
            names = frozenset(n.id for n in inside)
            for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                found[line] = node.lineno, text, names
    return found


def shown(value: Any) -> dict[str, Array]:
    """The arrays and numbers in a value, by what is to be written behind its name."""
    if isinstance(value, np.ndarray):
        return {"": value} if value.dtype.kind in "fiub" else {}
    if isinstance(value, float | np.floating):
        return {"": np.asarray(value)}
    if is_dataclass(value) and not isinstance(value, type):
        parts = {f".{f.name}": getattr(value, f.name) for f in fields(value)}
        return {name: a for name, a in parts.items() if isinstance(a, np.ndarray)}
    return {}


def in_tuple(value: Any) -> dict[str, Array]:
    """The arrays and numbers that a function returns, (a, (b, c)) as the results 1, 2 and 3."""
    parts = [part for whole in _flat(value) for part in _flat(whole)]
    found: dict[str, Array] = {}
    for k, part in enumerate(parts, 1):
        found |= {f"result {k}{name}": a for name, a in shown(part).items()}
    return {"result": next(iter(found.values()))} if len(found) == 1 else found


def _flat(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


class Frame:
    """A function that is running, and the statement that it is at."""

    def __init__(self, frame: FrameType, depth: int) -> None:
        self.steps: list[Step] = []
        self.at: Step | None = None
        self.depth = depth
        self.known = _copies(frame)
        self.given = [a for a in frame.f_locals.values() if isinstance(a, np.ndarray)]

    def computes(self, returned: Any) -> bool:
        """Are there numbers to be seen? Sizes are none, and a view of what was given is not new."""
        arrays = [a for whole in _flat(returned) for a in _flat(whole)]
        arrays = [a for a in arrays if isinstance(a, np.ndarray | float)]
        below = [step for top in self.steps for step in top]
        if any(v.name.endswith(".grad") for step in below for v in step.values):
            return True
        return any(not any(np.may_share_memory(a, b) for b in self.given) for a in arrays)


def _copies(frame: FrameType) -> dict[str, Any]:
    changing = np.ndarray | np.random.Generator
    return {
        name: copy.deepcopy(value) if isinstance(value, changing) else value
        for name, value in frame.f_locals.items()
    }


class Tracer:
    """Collects the steps of the functions that stand in some files.

    theta   the parameters by name: a change of a gradient is shown where it happens
    """

    def __init__(self, files: Sequence[str], theta: dict[str, Parameter]) -> None:
        self.files, self.theta = frozenset(files), theta
        self.grads = {name: p.grad.copy() for name, p in theta.items()}
        self.stack: list[Frame] = []
        self.steps: list[Step] = []

    def run(self, call: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """Call a function on the plain path, and look on."""
        before = sys.gettrace()
        with plain():
            sys.settrace(self._enter)
            try:
                return call(*args, **named)
            finally:
                sys.settrace(before)

    def _enter(self, frame: FrameType, event: str, arg: Any) -> Any:
        file, name = frame.f_code.co_filename, frame.f_code.co_name
        if name.startswith("<") or not self._concerns(file):
            return None
        self.stack.append(Frame(frame, len(self.stack)))
        return self._next

    def _concerns(self, file: str) -> bool:
        return file in self.files and bool(statements(file))

    def _next(self, frame: FrameType, event: str, arg: Any) -> Any:
        """Finish the statement that has run, and begin the one that comes."""
        here = self.stack[-1]
        if event == "line":
            known = statements(frame.f_code.co_filename)
            first, text, targets = known.get(frame.f_lineno, (0, "", frozenset()))
            if here.at is not None and first == here.at.line:
                return self._next  # another line of the same statement
            self._finish(here, frame)
            if first:
                file = _short(frame.f_code.co_filename)
                before = frame.f_globals | here.known
                here.at = Step(file, first, text, targets, here.depth, before=before)
        elif event == "return":
            self._finish(here, frame, arg)
            self.stack.pop()
            if not self.stack or here.computes(arg):
                self._home().extend(here.steps)
        return self._next

    def _home(self) -> list[Step]:
        """Where the steps of a function that has returned belong: under the line that called it."""
        if not self.stack:
            return self.steps
        at = self.stack[-1].at
        return at.steps if at else self.stack[-1].steps

    def _finish(self, here: Frame, frame: FrameType, returned: Any = None) -> None:
        """Add what the statement has set, and the statement itself if there is anything to see."""
        step, here.at = here.at, None
        after = _copies(frame)
        if step is not None:
            for name, value in after.items():
                old = shown(here.known.get(name))
                if old and name not in step.targets:
                    continue  # a view of what has been changed, or the same array as before
                for part, a in shown(value).items():
                    if part not in old or not np.array_equal(old[part], a, equal_nan=True):
                        step.values.append(Value(name + part, np.array(a)))
            for name, p in self.theta.items():
                if not np.array_equal(self.grads[name], p.grad, equal_nan=True):
                    self.grads[name] = p.grad.copy()
                    step.values.append(Value(f"{name}.grad", p.grad.copy()))
            if step.text.startswith("return"):
                there = [shown(value) for value in after.values()] if here.depth else []
                known = [a for arrays in there for a in arrays.values()]
                known += [v.array for earlier in here.steps for v in earlier.values]
                for name, a in in_tuple(returned).items():
                    if not any(a.shape == b.shape and np.array_equal(a, b) for b in known):
                        step.values.append(Value(name, np.array(a)))
            if step.values or step.steps:
                _append(here.steps, step)
        here.known = after


def _append(steps: list[Step], step: Step) -> None:
    """Add a step; if it has been here before, in a loop, it takes the place of the earlier one.

    But where other functions are called each time may be another one, as in a Sequential.
    """
    for k, earlier in enumerate(steps):
        if (earlier.file, earlier.line) == (step.file, step.line) and not step.steps:
            step.times = earlier.times + 1
            steps[k] = step
            return
    steps.append(step)


def _short(file: str) -> str:
    """The file as it is called in the package, or its name."""
    path = Path(file)
    return str(path.relative_to(HERE)) if path.is_relative_to(HERE) else path.name
