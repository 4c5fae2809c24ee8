"""What an answer may import: NumPy and a little of Python, but not the answer.

The check is made twice: in the source, before it runs, and while it runs. It keeps a learner from
looking something up by habit; it is no prison for hostile code.
"""

import ast
import builtins
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def words_of(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


ALLOWED = words_of(
    "numpy math cmath itertools functools operator collections typing dataclasses __future__"
)
ANSWERS = words_of(
    "nnscratch torch torchvision jax jaxlib flax tensorflow keras tinygrad autograd scipy "
    "sklearn mxnet paddle theano chainer thinc cupy numba"
)
"""What has layers, losses or derivatives to give away."""

ROUNDABOUT = words_of("__import__ eval exec compile open __builtins__ __loader__ __spec__")
ATTRIBUTES = words_of(
    "sys modules importlib import_module __globals__ __builtins__ __subclasses__ "
    "__loader__ f_globals f_back"
)
"""Ways to a module that need no import statement."""


class NotAllowed(ImportError):
    """An answer asks for something that it may not use."""


def refused(module: str) -> str:
    """Return why a module is refused, "" if it is not."""
    root = module.partition(".")[0]
    if root in ALLOWED and not module.startswith(("numpy.f2py", "numpy.ctypeslib")):
        return ""
    if root in ANSWERS:
        return f"`{module}` is not allowed: it has the answer. NumPy is all you need"
    return f"`{module}` is not allowed here: NumPy and math are all you need"


def check_source(tree: ast.AST) -> None:
    """Look for imports, and for ways around them, in a source.

    Raises
        NotAllowed with the line.
    """
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Import):
            why = next(filter(None, (refused(alias.name) for alias in node.names)), "")
        elif isinstance(node, ast.ImportFrom):
            why = refused(node.module or "") if not node.level else "relative imports do not work"
        elif isinstance(node, ast.Name) and node.id in ROUNDABOUT:
            why = f"`{node.id}` is not allowed in an answer"
        elif isinstance(node, ast.Attribute) and node.attr in ATTRIBUTES:
            why = f"`.{node.attr}` is not allowed in an answer"
        else:
            continue
        if why:
            raise NotAllowed(f"line {line}: {why}")


def own_builtins() -> dict[str, Any]:
    """Return Python's built-in names for an answer: its imports are checked, the rest is as usual.

    A string that is put together at run time escapes the check of the source, and not this one.
    """

    def guarded(name: str, *args: Any, **kwargs: Any) -> Any:
        level = args[3] if len(args) > 3 else kwargs.get("level", 0)
        why = "relative imports do not work" if level else refused(name)
        if why:
            raise NotAllowed(why)
        return builtins.__import__(name, *args, **kwargs)

    def no(name: str) -> Any:
        def refuse(*args: Any, **kwargs: Any) -> Any:
            raise NotAllowed(f"`{name}` is not allowed in an answer")

        return refuse

    names = dict(vars(builtins)) | {name: no(name) for name in ("eval", "exec", "compile", "open")}
    return names | {"__import__": guarded}


class _Finder:
    """Refuses to find modules that have the answer, whoever asks."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.partition(".")[0] in ANSWERS:
            raise NotAllowed(refused(name))


_FINDER = _Finder()


@contextmanager
def hidden() -> Iterator[None]:
    """Keep modules that have the answer out of reach while an answer runs."""
    known = {name: m for name, m in sys.modules.items() if name.partition(".")[0] in ANSWERS}
    for name in known:
        del sys.modules[name]
    sys.meta_path.insert(0, _FINDER)
    try:
        yield
    finally:
        sys.meta_path.remove(_FINDER)
        sys.modules.update(known)
