"""Two paths through every operation: the plain one is its definition, the fast one is what runs.

    @accelerated("rectifiers")
    def relu(x):
        return np.maximum(x, 0)

    y = relu(x)                 # runs kernels/rectifiers.relu(x), compiled by Numba
    with nnscratch.plain():
        y = relu(x)             # runs the two lines above

A fast operation has the name and the signature of its definition, and returns the same numbers up
to rounding. Its module is imported when it is called for the first time, since Numba takes a second
to import. The definition runs in its place
    - where the plain path is chosen: by `with plain():`, or for the whole process by the
      environment variable NNSCRATCH_PLAIN=1; Numba is then not imported at all,
    - where the array is complex: kernels know real numbers only, and the complex step of a gradient
      check (gradcheck/numerical.py) goes through the definition,
    - where Numba cannot be imported, which a RuntimeWarning says once.
"""

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, wraps
from importlib import import_module
from typing import Any, ParamSpec, Protocol, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Operation(Protocol[P, R_co]):
    """A function with two implementations; a call chooses one of them."""

    definition: Callable[..., Any]
    fast: Callable[[], Callable[..., Any]]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Run the fast operation, or the definition where the module's docstring says so."""
        ...


def from_environment() -> bool:
    """Return whether NNSCRATCH_PLAIN chooses the plain path.

    Raises
        ValueError if it is set to something else than 0 or 1.
    """
    value = os.environ.get("NNSCRATCH_PLAIN", "").strip()
    if value not in ("", "0", "1"):
        raise ValueError(f"NNSCRATCH_PLAIN: expected 0 or 1, got {value!r}")
    return value == "1"


FOR_ALL = from_environment()

_chosen: ContextVar[bool] = ContextVar("plain path", default=FOR_ALL)
"""Whether the plain path is chosen here. A thread that the library starts runs its work in a copy
of the context of the thread that asked for it, and so on the same path (machine/threads.py)."""


@contextmanager
def plain() -> Iterator[None]:
    """Run the definitions of all operations, in this thread and those that it shares its work with.

    On exit, also by an exception, the path is what it was before. Other threads are not concerned.
    """
    before = _chosen.set(True)
    try:
        yield
    finally:
        _chosen.reset(before)


def on_plain_path() -> bool:
    """Return whether operations run their definitions here: by choice, or for want of Numba."""
    return _chosen.get() or not numba_is_there()


@cache
def numba_is_there() -> bool:
    """Return whether Numba can be imported; a RuntimeWarning says why not, once."""
    try:
        import numba  # noqa: F401
    except ImportError as error:
        warnings.warn(
            f"nnscratch: Numba cannot be imported ({error}), so that all operations run as plain "
            "NumPy, which is slow; NNSCRATCH_PLAIN=1 chooses that without this warning",
            RuntimeWarning,
            stacklevel=2,
        )
        return False
    return True


def accelerated(module: str, array: int | None = 0) -> Callable[[Callable[P, R]], Operation[P, R]]:
    """Make a plain definition an operation that runs kernels/<module>.<its name> where it can.

    array  which argument is the array that may be complex, by its position, in which it must be
           given; None if there is none
    """

    def decorate(definition: Callable[P, R]) -> Operation[P, R]:
        name = definition.__name__
        functions: dict[str, Any] = {}

        def fast() -> Callable[..., Any]:
            return cast(Callable[..., Any], vars(import_module(f"{__package__}.{module}"))[name])

        @wraps(definition)
        def operation(*args: Any, **named: Any) -> Any:
            nonlocal functions
            if _chosen.get() or (array is not None and args[array].dtype.kind == "c"):
                return definition(*args, **named)
            if not functions:
                if not numba_is_there():
                    return definition(*args, **named)
                functions = vars(import_module(f"{__package__}.{module}"))
            return functions[name](*args, **named)

        operation.definition = definition  # type: ignore[attr-defined]
        operation.fast = fast  # type: ignore[attr-defined]
        return cast(Operation[P, R], operation)

    return decorate
