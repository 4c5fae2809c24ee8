"""What the library uses of Numba and LLVM beyond their promises is there, and does what it did.

Each probe is of one interface. Where a newer version has changed it, the message says which: the
place to mend is then nnscratch/kernels/machine/numba_internals.py.
"""

import re
import tomllib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numba.core.caching
import numpy as np
import pytest
from llvmlite import ir
from numba import config, njit

import nnscratch
from nnscratch.core import Array, IntArray
from nnscratch.kernels.machine import numba_internals as internals
from nnscratch.kernels.machine.counters import REGION, workers_of
from nnscratch.kernels.machine.fork_join import (
    call_published,
    next_piece,
    parallel,
    publishing,
)
from nnscratch.kernels.machine.jit import compiled
from nnscratch.kernels.machine.processor import BYTES
from nnscratch.kernels.machine.simd import load, store, total

pytestmark = pytest.mark.skipif(bool(config.DISABLE_JIT), reason="nothing is compiled")

Probe = Callable[[], None]
INTERFACES: dict[str, Probe] = {}


def interface(name: str) -> Callable[[Probe], Probe]:
    """Enter a probe under the name of what it probes."""

    def enter(probe: Probe) -> Probe:
        INTERFACES[name] = probe
        return probe

    return enter


def check(name: str) -> None:
    """Run a probe; a failure of any kind names the interface and the versions."""
    try:
        INTERFACES[name]()
    except Exception as error:
        versions = f"Numba {version('numba')}, llvmlite {version('llvmlite')}"
        pytest.fail(f"{name} is not what it was ({versions}): {type(error).__name__}: {error}")


def twice(x: float) -> float:
    return 2 * x


class Asked:
    """A cache that has nothing, and notes what it is asked."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def load_overload(self, sig: Any, target_context: Any) -> None:
        self.calls.append(("load", tuple(map(str, sig)), target_context.codegen()))

    def save_overload(self, sig: Any, data: Any) -> None:
        self.calls.append(("save", tuple(map(str, sig)), data.codegen))


@interface("Dispatcher._cache, which is asked before a function is compiled and shown it after")
def _cache() -> None:
    dispatcher, asked = njit(twice), Asked()
    internals.set_cache(dispatcher, asked)
    assert dispatcher(1.5) == 3
    load, save = asked.calls
    assert load[:2] == ("load", ("float64",))
    assert save[:2] == ("save", ("float64",))
    assert load[2] is save[2]


@interface("CompileResultCacheImpl: locator, filename_base, check_cachable, reduce, rebuild")
def _storage() -> None:
    dispatcher, storage = njit(twice), internals.Storage(twice)
    assert dispatcher(1.5) == 3
    (result,) = dispatcher.overloads.values()
    content = storage.dumps(result)
    assert content is not None
    again = storage.loads(dispatcher.targetctx, content)
    assert again.signature == result.signature
    assert storage.folder.is_absolute()
    assert "twice" in storage.name
    assert storage.source_stamp() == internals.Storage(check).source_stamp()


@interface("codegen().magic_tuple(): system, processor, features")
def _magic() -> None:
    triple = internals.processor_of(njit(twice).targetctx.codegen())
    assert len(triple) == 3
    assert all(isinstance(text, str) and text for text in triple)


@interface("get_host_cpu_features(), config.CPU_FEATURES: what code may use")
def _features() -> None:
    assert all(re.fullmatch(r"[a-z0-9.\-]+", name) for name in internals.processor_features())
    with pytest.MonkeyPatch.context() as other:
        other.setattr(config, "CPU_FEATURES", "+avx2,-avx512f,+fma")
        assert internals.processor_features() == {"avx2", "fma"}


@interface("numba.config: settings in capitals, among them those that change machine code")
def _settings() -> None:
    found = internals.settings()
    assert {"OPT", "BOUNDSCHECK", "LOOP_VECTORIZE", "SLP_VECTORIZE", "CPU_NAME"} <= set(found)
    assert not {"CACHE_DIR", "DUMP_LLVM", "NUMBA_NUM_THREADS"} & set(found)


def _first(x: Array) -> float:
    return float(x[1:][0])


@interface("options of njit: forceinline, no_cpython_wrapper, no_cfunc_wrapper, _nrt")
def _options() -> None:
    part = compiled(_first, forceinline=True, **internals.INNER)

    @njit
    def through(x: Array) -> float:
        return part(x)  # type: ignore[no-any-return]

    assert through(np.arange(3.0)) == 1
    (result,) = part.overloads.values()
    assert "NRT_incref" not in result.library.get_llvm_str()
    assert not any(name in result.library.get_llvm_str() for name in ("cpython.", "cfunc."))


def _add_number(x: Array, workers: IntArray, me: int) -> None:
    x[0] += 10 + me


@interface(
    "Dispatcher.overloads, add_linking_library, call_conv.call_function: calls by an address"
)
def _published() -> None:
    part = njit(_add_number)
    publish = publishing(part)

    @njit
    def call_twice(x: Array, workers: IntArray) -> int:
        publish((x, workers))
        return call_published(workers, 1) + call_published(workers, 2)

    x = np.zeros(1)
    assert call_twice(x, workers_of(3)) == 0
    assert x[0] == 23


@interface("intrinsics of integers: atomicrmw, load atomic, pause")
def _atomics() -> None:
    @parallel
    def count(x: IntArray, workers: IntArray, me: int) -> None:
        while next_piece(workers, me, 5) < 5:
            x[0] += 1

    x, workers = np.zeros(1, np.int64), workers_of(2)
    count(x, workers)
    assert x[0] == 5
    assert workers[REGION] == 2


def _first_vector(x: Array, y: Array) -> float:
    v = load(x, 0)
    store(y, 0, v)
    return float(total(v))


@interface("context.make_array(type): data, nitems; models.PrimitiveModel: vectors as values")
def _arrays() -> None:
    x = np.arange(BYTES // 8, dtype=np.float64)
    y = np.empty_like(x)
    assert njit(_first_vector)(x, y) == x.sum()
    np.testing.assert_array_equal(x, y)


@interface("context.enable_boundscheck, call_conv.return_user_exc: a vector outside of its array")
def _bounds() -> None:
    x = np.zeros(BYTES // 8 - 1)
    with pytest.raises(IndexError, match="vector is out of bounds"):
        njit(_first_vector, boundscheck=True)(x, x)


V, BITS = 8, 32
F = ir.VectorType(ir.FloatType(), V)
MASK, I1, I32 = ir.VectorType(ir.IntType(1), V), ir.IntType(1), ir.IntType(32)
BYTE, NONE, I64 = ir.IntType(8).as_pointer(), ir.VoidType(), ir.IntType(64)
LLVM: dict[str, tuple[Any, list[Any]]] = {
    internals.PREFETCH: (NONE, [BYTE, I32, I32, I32]),
    internals.PAUSE: (NONE, []),
    internals.READ_MODE: (NONE, [BYTE]),
    internals.WRITE_MODE: (NONE, [BYTE]),
    internals.READ_ARM_MODE: (I64, []),
    internals.WRITE_ARM_MODE: (NONE, [I64]),
    internals.masked("load", V, BITS): (F, [F.as_pointer(), I32, MASK, F]),
    internals.masked("store", V, BITS): (NONE, [F, F.as_pointer(), I32, MASK]),
    internals.rint(V, BITS): (F, [F]),
    internals.reduction("fadd", V, BITS): (ir.FloatType(), [ir.FloatType(), F]),
    internals.reduction("fmul", V, BITS): (ir.FloatType(), [ir.FloatType(), F]),
}
"""LLVM's functions by name: what each returns, what it takes."""


def known_to_llvm(name: str, returns: Any, takes: list[Any]) -> bool:
    """Does LLVM take this declaration for a function of its own? To such it adds attributes."""
    module = ir.Module()
    ir.Function(module, ir.FunctionType(returns, takes), name)
    parsed = llvm.parse_assembly(str(module))
    parsed.verify()
    (function,) = parsed.functions
    return any(True for _ in function.attributes)


def enter_llvm(name: str) -> None:
    @interface(f"LLVM's {name}")
    def probe() -> None:
        assert known_to_llvm(name, *LLVM[name]), "no function of LLVM's own"


for _name in LLVM:
    enter_llvm(_name)


@pytest.mark.parametrize("name", INTERFACES)
def test_an_interface_is_as_it_was(name: str) -> None:
    check(name)


def test_a_change_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(numba.core.caching.CompileResultCacheImpl, "rebuild")
    with pytest.raises(pytest.fail.Exception, match=r"CompileResultCacheImpl.* is not what it was"):
        check("CompileResultCacheImpl: locator, filename_base, check_cachable, reduce, rebuild")


def test_a_name_that_llvm_does_not_know_is_found() -> None:
    assert not known_to_llvm("llvm.no.such.function", NONE, [])


def test_versions_are_bounded_from_above() -> None:
    project = tomllib.loads((Path(nnscratch.__file__).parents[1] / "pyproject.toml").read_text())
    requirements = " ".join(project["project"]["dependencies"])
    for package in ("numba", "llvmlite"):
        found = re.search(rf"\b{package}>=([\d.]+),<([\d.]+)", requirements)
        assert found, f"{package} has no bounds"
        lowest, bound, installed = (
            tuple(map(int, text.split(".")[:2])) for text in (*found.groups(), version(package))
        )
        assert lowest <= installed < bound
