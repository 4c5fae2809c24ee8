"""Fork-join: a kernel whose work several threads share, as `omp parallel for` does in C.

    @parallel
    def halve(x, workers, me):                 # what every thread runs, me = 0, 1, …
        piece = next_piece(workers, me, PIECES)
        while piece < PIECES:
            ...                                # no other thread has this piece
            piece = next_piece(workers, me, PIECES)

    halve(x, workers)                          # what Python calls: without `me`

The thread that Python runs in is number 0. It publishes its call, the addresses of a function and
of the arguments, and opens a parallel region; helper threads, which run `spin_and_help` and nothing
else, make the same call (fork). When no piece is left, thread 0 closes the region and waits for
the helpers that are still at work (join).

The schedule is static, with work stealing: each thread begins with a share of its own, the same in
every kernel, so that it finds in its cache what it has written there; a thread that is done takes
pieces from the others' shares. A helper that comes late finds the region closed, so nobody waits
for a thread that the operating system keeps from working. A piece is computed whole by one thread,
in an order of its own: which thread it was leaves no trace in the result.

Waits are spin-waits: they burn their core, but are short. To wake a thread that sleeps takes longer
than most kernels.
"""

import platform
from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types

from ...core import IntArray
from .counters import ACTIVE, BLOCK, CALL, FAILED, LINE, REGION, SHARES, THREADS
from .intrinsics import intrinsic
from .jit import cached, compiled, kernel
from .numba_internals import (
    I64,
    INNER,
    PAUSE,
    call_llvm,
    compile_part,
    emit_call,
    emit_publish,
    last_of,
    pointer,
)
from .processor import X86

# Intrinsics


def is_counters(a: Any) -> bool:
    """Is this the type of an array of counters?"""
    return isinstance(a, types.Array) and a.dtype == types.int64 and a.ndim == 1


def emit_fetch_add(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Write one locked instruction; all memory is as the source says, before it and after it."""
    p = pointer(context, builder, signature.args[0], args[:2], 1)
    return builder.atomic_rmw("add", p, args[2], "seq_cst")


def emit_atomic_load(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Write a load that no optimisation takes out of a loop."""
    p = pointer(context, builder, signature.args[0], args, 1)
    return builder.load_atomic(p, "seq_cst", 8)


def emit_pause(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Tell an x86 processor that this is a spin-wait; no other has an instruction for it here."""
    if platform.machine() in X86:
        call_llvm(builder, PAUSE, ir.VoidType())
    return context.get_dummy_value()


def emit_call_published(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Read both addresses and call."""
    workers, me = args
    function, place = (
        builder.load(pointer(context, builder, signature.args[0], (workers, I64(at)), 1))
        for at in (CALL, CALL + 1)
    )
    return emit_call(builder, function, place, me)


@intrinsic(
    lambda a, i, v: types.int64(a, types.intp, types.int64) if is_counters(a) else None,
    emit_fetch_add,
)
def fetch_add(a: IntArray, i: int, v: int) -> int:
    """Return a[i] and add v to it, as one act."""
    before = int(a[i])
    a[i] += v
    return before


@intrinsic(lambda a, i: types.int64(a, types.intp) if is_counters(a) else None, emit_atomic_load)
def atomic_load(a: IntArray, i: int) -> int:
    """Return a[i] as it is now: another thread may change it."""
    return int(a[i])


@intrinsic(lambda workers: types.none(workers), emit_pause)
def pause(workers: IntArray) -> None:
    """Wait for a moment, some ten cycles."""


@intrinsic(
    lambda workers, me: types.int64(workers, types.int64) if is_counters(workers) else None,
    emit_call_published,
)
def call_published(workers: IntArray, me: int) -> int:
    """Make the published call as thread `me`; return 0 if it went well."""
    return 0


def publishing(part: Any) -> Any:
    """Return the intrinsic publish(arguments): helpers find part(*arguments) until its caller ends.

    The last of the arguments are the workers, whose counters get the two addresses.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        (packed,), (values,) = signature.args, args
        workers = last_of(builder, values)
        for i, address in enumerate(emit_publish(context, builder, packed, values, part)):
            at = workers, I64(CALL + i)
            builder.store(address, pointer(context, builder, packed.types[-1], at, 1))
        return context.get_dummy_value()

    def typing(arguments: Any) -> Any:
        compile_part(part, (*arguments.types, types.int64))
        return types.none(arguments)

    @intrinsic(typing, emit)
    def publish(arguments: Any) -> None:
        """Do nothing: there are no helpers where kernels are plain Python."""

    return publish


# Kernels

FORK = """
def {name}({arguments}):
    publish(({arguments},))
    for share in range(SHARES, workers.size, LINE):
        workers[share] = 0
    fetch_add(workers, REGION, 1)                   # fork
    part({arguments}, THREAD_0)
    fetch_add(workers, REGION, 1)
    while atomic_load(workers, ACTIVE) > 0:         # join
        pause(workers)
    if workers[FAILED] != 0:
        raise RuntimeError("a helper's part of a kernel failed")
"""
"""What thread 0 does. It is a text because Numba calls a function of named arguments faster than
one of *args, and the names are those of the kernel's arguments."""


def parallel(function: Callable[..., None]) -> Callable[..., None]:
    """Make a kernel of what every thread is to run: function(…, workers, me).

    The kernel takes the same arguments without `me`; how many threads share its work is a matter of
    the workers it is called with (helpers.py).
    """
    *arguments, me = signature(function).parameters
    if (arguments[-1:], me) != (["workers"], "me"):
        raise ValueError(f"{function.__name__}: expected the last arguments to be workers, me")
    part = compiled(function, **INNER)
    names: dict[str, Any] = globals() | {"part": part, "publish": publishing(part)}
    names["THREAD_0"] = np.int64(0)  # a literal 0 would be another type, and compiled once more
    names["__name__"] = function.__module__
    exec(FORK.format(name=function.__name__, arguments=", ".join(arguments)), names)
    fork = names[function.__name__]
    fork.__doc__ = function.__doc__
    return cached(compiled(fork), function)


@kernel
def spin_and_help(workers: IntArray, me: int, spins: int) -> None:
    """Help with every parallel region, until none has opened for so many spins."""
    seen, idle = 0, 0
    while idle < spins:
        region = atomic_load(workers, REGION)
        if region == seen or region % 2 == 0:
            idle += 1
            pause(workers)
            continue
        # Thread 0 looks at ACTIVE after it has closed the region. So whoever finds the region still
        # open after it has registered will be waited for.
        fetch_add(workers, ACTIVE, 1)
        if atomic_load(workers, REGION) == region and call_published(workers, me) != 0:
            fetch_add(workers, FAILED, 1)
        fetch_add(workers, ACTIVE, -1)
        seen, idle = region, 0


@kernel
def next_piece(workers: IntArray, me: int, pieces: int) -> int:
    """Return the number of a piece that no other thread has; `pieces` if there is none left."""
    T = workers[THREADS]
    for k in range(T):  # the shares, beginning with this thread's own
        t = (me + k) % T
        taken = fetch_add(workers, SHARES + LINE * t, 1)
        if pieces * t // T + taken < pieces * (t + 1) // T:
            return pieces * t // T + taken
    return pieces


@kernel
def next_block(workers: IntArray, me: int, start: int, stop: int) -> tuple[int, int]:
    """Return the ends of a block that no other thread has; both are `stop` if none is left."""
    blocks = (stop - start + BLOCK - 1) // BLOCK
    a = start + BLOCK * next_piece(workers, me, blocks)
    return min(a, stop), min(a + BLOCK, stop)
