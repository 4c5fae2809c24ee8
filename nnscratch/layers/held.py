"""What the parts of a model hold: generators, parameters, arrays, wherever they are.

`copy.deepcopy` copies objects and what they hold. Functions, classes and weak references it takes
as they are: what stands in a closure, a default, a class or a global name that a function reads is
not held but shared, by all copies.

A generator that a part holds is no obstacle to a run that is a function of its seed: its state is
set before it is used, from the place in the run (streams.py), and its kind is kept.
"""

import dis
import functools
import gc
import random
import sys
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import (
    BuiltinFunctionType,
    CodeType,
    FrameType,
    FunctionType,
    ModuleType,
    TracebackType,
)
from typing import Any

import numpy as np

from ..core import Array, Parameter

Source = np.random.BitGenerator | np.random.RandomState | random.Random
"""Where randomness comes from: a Generator is a BitGenerator with methods."""

ATOMS: tuple[type, ...] = (str, bytes, int, float, complex, np.dtype, type)
ATOMS += (CodeType, FrameType, ModuleType, TracebackType)

LIBRARIES = sys.stdlib_module_names | {"nnscratch", "numpy", "numba"}
"""Modules whose functions and classes hold nothing that belongs to a model."""

WEAK = "a weak reference"


def sources(root: Any) -> list[Source]:
    """Return every source of randomness that `root` holds, once, always in the same order."""
    found = (thing for thing, sharer in walk(root) if not sharer)
    return list({id(s): s for s in found if isinstance(s, Source)}.values())


def shared(root: Any) -> list[tuple[Source | Parameter, str]]:
    """Return the sources and parameters that copies of `root` would share, and who shares them."""
    found = ((thing, sharer) for thing, sharer in walk(root) if sharer)
    return [(s, sharer) for s, sharer in found if isinstance(s, Source | Parameter)]


def check_shared(who: str, model: Any, copies: int) -> None:
    """Raise ValueError if so many copies of a model would share what each must have for itself.

    A generator that is not held is refused for one copy as well: others may draw from it.
    """
    for thing, sharer in shared(model):
        kind = type(thing).__name__
        if isinstance(thing, Source):
            raise ValueError(
                f"{who}: {sharer} draws from a generator ({kind}) that is no attribute of a part "
                "of the model, so that all threads would share it: hold it in the part, or set "
                "noisy and take rng"
            )
        if copies > 1 and sharer != WEAK:
            raise ValueError(
                f"{who}: {sharer} reads a {kind} that is no attribute of a part of the model, so "
                f"that {copies} replicas would add to one gradient: hold it in the part, or take "
                "replicas=1"
            )
    if any(isinstance(source, random.SystemRandom) for source in sources(model)):
        raise ValueError(f"{who}: expected generators whose state can be set, got a SystemRandom")


def check_apart(who: str, found: Sequence[Sequence[Source]]) -> None:
    """Raise ValueError unless each replica has sources of its own, as many as the first."""
    own = {id(source) for each in found for source in each}
    if len(own) != len(found) * len(found[0]):
        raise ValueError(f"{who}: expected each copy of the model to have generators of its own")


def check_left_behind(who: str, model: Any, before: Sequence[Array]) -> None:
    """Raise ValueError if a part kept one of the arrays that were θ before it was packed.

    It would never learn of a step.
    """
    for thing, _ in walk(model):
        if isinstance(thing, np.ndarray) and any(np.may_share_memory(thing, a) for a in before):
            raise ValueError(
                f"{who}: a part of the model holds a Parameter's value, {thing.shape} "
                f"{thing.dtype}, beside the Parameter; θ is moved into one vector: read `value` "
                "where it is used"
            )


def restart(source: Source, *place: int) -> None:
    """Set the state of a source to a function of some numbers ≥ 0; what kind it is stays."""
    seed = np.random.SeedSequence(place)
    if isinstance(source, random.Random):
        source.seed(int.from_bytes(seed.generate_state(8).tobytes(), "little"))
    elif isinstance(source, np.random.RandomState):
        kind = getattr(np.random, source.get_state(legacy=False)["bit_generator"])
        source.set_state({**kind(seed).state, "has_gauss": 0, "gauss": 0.0})
    else:
        source.state = type(source)(seed).state


def restart_all(found: Iterable[Source], *place: int) -> None:
    """Set the states of some sources, each to another function of the place."""
    for k, source in enumerate(found):
        restart(source, *place, k)


@contextmanager
def unmoved(found: Sequence[Source]) -> Iterator[None]:
    """Give these sources back the states that they have now."""
    found = [source for source in found if not isinstance(source, random.SystemRandom)]
    states = [_state(source) for source in found]
    try:
        yield
    finally:
        for source, state in zip(found, states, strict=True):
            if isinstance(source, random.Random):
                source.setstate(state)
            elif isinstance(source, np.random.RandomState):
                source.set_state(state)
            else:
                source.state = state


def _state(source: Source) -> Any:
    if isinstance(source, random.Random):
        return source.getstate()
    if isinstance(source, np.random.RandomState):
        return source.get_state(legacy=False)
    return source.state


def walk(root: Any) -> Iterator[tuple[Any, str]]:
    """Yield all that `root` consists of, and the name of who shares it, or ""."""
    todo, seen = [(root, "")], {}
    while todo:
        thing, sharer = todo.pop()
        if (id(thing), bool(sharer)) in seen or isinstance(thing, ATOMS):
            continue
        seen[id(thing), bool(sharer)] = thing  # and alive: no other will have its id
        if isinstance(thing, np.random.Generator):
            thing = thing.bit_generator
        yield thing, sharer
        if not isinstance(thing, Source | Parameter):
            todo += reversed([(part, by or sharer) for part, by in _parts(thing)])


def _parts(thing: Any) -> Iterator[tuple[Any, str]]:
    """Yield what a thing refers to, and its name where copies of the thing would share that."""
    if isinstance(thing, FunctionType):
        if not _of_a_library(thing.__module__):
            yield from ((part, thing.__qualname__) for part in _read_by(thing))
    elif isinstance(thing, weakref.ref):
        yield thing(), WEAK
    elif isinstance(thing, functools._lru_cache_wrapper):
        yield thing.__wrapped__, ""
    elif isinstance(thing, BuiltinFunctionType):
        yield thing.__self__, thing.__qualname__
    elif isinstance(thing, np.ndarray):
        yield from ((part, "") for part in (thing.flat if thing.dtype == object else ()))
    elif type(thing).__module__.startswith("numba."):
        yield getattr(thing, "py_func", None), ""  # of a compiled function
    else:
        yield from ((part, type(thing).__qualname__) for part in _class_attributes(thing))
        yield from ((part, "") for part in gc.get_referents(thing))


def _read_by(function: FunctionType) -> Iterator[Any]:
    """Yield what a function reads beside its arguments: closure, defaults, global names."""
    for cell in function.__closure__ or ():
        yield from gc.get_referents(cell)
    yield from function.__defaults__ or ()
    yield from (function.__kwdefaults__ or {}).values()
    yield from _globals_of(function.__code__, function.__globals__)


def _globals_of(code: CodeType, names: dict[str, Any]) -> Iterator[Any]:
    """Yield what a function, and the functions made inside of it, load by a global name.

    Of a module that is what they take from it, such as np.random.normal. Not `co_names`, for those
    have the names of all attributes.
    """
    value = None
    for step in dis.get_instructions(code):
        if step.opname == "LOAD_GLOBAL":
            value = names.get(step.argval)
        elif step.opname in ("LOAD_ATTR", "LOAD_METHOD") and isinstance(value, ModuleType):
            value = getattr(value, step.argval, None)
        else:
            value = None
        yield value
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _globals_of(inner, names)


def _class_attributes(thing: Any) -> Iterator[Any]:
    """Yield what a thing has from its class and uses once it is made."""
    try:
        own = object.__getattribute__(thing, "__dict__")  # which no __getattr__ makes up
    except AttributeError:
        own = {}
    for kind in type(thing).__mro__:
        if not _of_a_library(kind.__module__):
            for name, value in vars(kind).items():
                if name not in own and (name == "__call__" or not name.startswith("__")):
                    if isinstance(value, classmethod | staticmethod):
                        value = value.__func__
                    yield value.fget if isinstance(value, property) else value


def _of_a_library(module: str | None) -> bool:
    """Is this module one whose functions hold nothing of a model?"""
    package = (module or "").partition(".")[0]
    return package in LIBRARIES or _installed(package)


@functools.cache
def _installed(package: str) -> bool:
    """Is it a package that pip or the system has installed, and not the user's own code?"""
    place = Path(getattr(sys.modules.get(package), "__file__", None) or "")
    return not {"site-packages", "dist-packages"}.isdisjoint(place.parts)
