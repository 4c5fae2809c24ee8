"""Words for a kernel that several threads run at once, each taking pieces of the work as it can.

    @shared
    def _halve(x, team, me):        # what every thread runs, me = 0, 1, …
        piece = claim(team, me, PIECES)
        while piece < PIECES:
            ...                     # nobody else has this piece
            piece = claim(team, me, PIECES)

    @kernel
    def halve(*args):               # what Python calls, with x and team
        _halve(*args)

One thread leads, the one that Python runs in. It publishes the call and opens a turn; helpers, who
`serve` and do nothing else, make the same call. When no piece is left it closes the turn and
waits for those who are still at work. Each begins with a share of its own, the same in every
kernel, so that it finds in its cache what it has written there; who is done takes from the others,
and who comes late finds the turn closed. So nobody waits for a thread that the machine keeps from
working. A piece is computed whole by one thread, in an order of its own: which thread it was leaves
no trace in the result.

The waits burn their core, but they are short: to be woken takes a thread longer than most kernels.
"""

import platform
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.core import cgutils

from ...core import IntArray
from .intrinsics import call_llvm, instruction, pointer
from .jit import kernel

TURN, CALL, BUSY, SHARES, LINE = 0, 8, 16, 24, 8
"""Where a team's counters are, each on a cache line of its own: the turn, odd while it is open; the
addresses of the function and the arguments of a call, and how many threads there are; helpers at
work, and their calls that failed; how much of each share is taken."""

THREADS, FAILED = CALL + 2, BUSY + 1

BLOCK = 8192
"""Neighbours in a block, which is small enough for a core's cache and takes a microsecond."""


def team_of(threads: int) -> IntArray:
    """Return counters for a team of so many threads."""
    team = np.zeros(SHARES + LINE * threads, np.int64)
    team[THREADS] = threads
    return team


# What the words are made of


def counters(a: Any) -> bool:
    """Is this the type of an array of counters?"""
    return isinstance(a, types.Array) and a.dtype == types.int64 and a.ndim == 1


def emit_fetch_add(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """One locked instruction; all memory is as the source says, before it and after it."""
    p = pointer(context, builder, signature.args[0], args[:2], 1)
    return builder.atomic_rmw("add", p, args[2], "seq_cst")


def emit_look(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """A load that is really made, each time."""
    p = pointer(context, builder, signature.args[0], args, 1)
    return builder.load_atomic(p, "seq_cst", 8)


def emit_pause(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Tell the processor that this is a wait; one without a word for it is told nothing."""
    if platform.machine() in ("x86_64", "AMD64"):
        call_llvm(builder, "llvm.x86.sse2.pause", ir.VoidType())
    return context.get_dummy_value()


I64, ADDRESS = ir.IntType(64), ir.IntType(8).as_pointer()

CALLABLE = ir.FunctionType(ir.IntType(32), [ADDRESS, I64])
"""A published function of the address of its arguments and of `me`: 0 if all went well."""


def emit_call(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Read both addresses and call."""
    team, me = args
    function, place = (
        builder.load(pointer(context, builder, signature.args[0], (team, I64(at)), 1))
        for at in (CALL, CALL + 1)
    )
    function = builder.inttoptr(function, CALLABLE.as_pointer())
    return builder.sext(builder.call(function, [builder.inttoptr(place, ADDRESS), me]), I64)


def publishing(part: Any) -> Any:
    """Return the word publish(*args): let helpers find part(*args) until the caller returns."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        """Lay the arguments down, make a function that picks them up, write both addresses."""
        (packed,), (values,) = signature.args, args
        compiled = part.overloads[(*packed.types, types.int64)]
        context.active_code_library.add_linking_library(compiled.library)
        place = cgutils.alloca_once_value(builder, values)  # type: ignore[no-untyped-call]

        function = ir.Function(builder.module, CALLABLE, f"{builder.function.name}.part")
        function.linkage = "internal"
        inside = ir.IRBuilder(function.append_basic_block())
        found = inside.load(inside.bitcast(function.args[0], place.type))
        status, _ = context.call_conv.call_function(
            inside,
            context.declare_function(builder.module, compiled.fndesc),
            compiled.fndesc.restype,
            compiled.fndesc.argtypes,
            [*cgutils.unpack_tuple(inside, found), function.args[1]],  # type: ignore[no-untyped-call]
        )
        inside.ret(status.code)

        team = cgutils.unpack_tuple(builder, values)[-1]  # type: ignore[no-untyped-call]
        for i, address in enumerate((function, place)):
            at, number = (team, I64(CALL + i)), builder.ptrtoint(address, I64)
            builder.store(number, pointer(context, builder, packed.types[-1], at, 1))
        return context.get_dummy_value()

    def typing(args: Any) -> Any:
        part.compile((*args.types, types.int64))
        return types.none(args)

    @instruction(typing, emit)
    def publish(args: Any) -> None:
        """There is nobody to find it."""

    return publish


# The words


@instruction(
    lambda a, i, v: types.int64(a, types.intp, types.int64) if counters(a) else None,
    emit_fetch_add,
)
def fetch_add(a: IntArray, i: int, v: int) -> int:
    """Return a[i] and add v to it, as one act."""
    before = int(a[i])
    a[i] += v
    return before


@instruction(lambda a, i: types.int64(a, types.intp) if counters(a) else None, emit_look)
def look(a: IntArray, i: int) -> int:
    """Return a[i] as it is now: another thread may change it."""
    return int(a[i])


@instruction(lambda team: types.none(team), emit_pause)
def pause(team: IntArray) -> None:
    """Wait for a moment."""


@instruction(lambda team, me: types.int64(team, types.int64) if counters(team) else None, emit_call)
def call(team: IntArray, me: int) -> int:
    """Make the published call; 0 if it went well."""
    return 0


def shared(function: Callable[..., Any]) -> Any:
    """Make a kernel of what every thread is to run; calling it leads the turn.

    It is compiled into the kernel that calls it, and not kept on disk by itself.
    """
    part = kernel(function)
    publish = publishing(part)

    @njit(nogil=True)
    def lead(*args: Any) -> None:
        team = args[-1]
        publish(args)
        for share in range(SHARES, team.size, LINE):
            team[share] = 0
        fetch_add(team, TURN, 1)
        part(*args, 0)
        fetch_add(team, TURN, 1)
        while look(team, BUSY) > 0:
            pause(team)
        if team[FAILED] != 0:
            raise RuntimeError("a helper's part of a kernel failed")

    return lead


@kernel
def serve(team: IntArray, me: int, looks: int) -> None:
    """Help with every turn, until so many looks for another one have been in vain."""
    seen, idle = 0, 0
    while idle < looks:
        turn = look(team, TURN)
        if turn == seen or turn % 2 == 0:
            idle += 1
            pause(team)
            continue
        fetch_add(team, BUSY, 1)
        if look(team, TURN) == turn and call(team, me) != 0:
            fetch_add(team, FAILED, 1)
        fetch_add(team, BUSY, -1)
        seen, idle = turn, 0


@kernel
def claim(team: IntArray, me: int, pieces: int) -> int:
    """Return the number of a piece that is nobody else's; `pieces` if there is none left."""
    T = team[THREADS]
    for k in range(T):
        t = (me + k) % T
        taken = fetch_add(team, SHARES + LINE * t, 1)
        if pieces * t // T + taken < pieces * (t + 1) // T:
            return pieces * t // T + taken
    return pieces


@kernel
def claim_block(team: IntArray, me: int, start: int, stop: int) -> tuple[int, int]:
    """Return the ends of a block that is nobody else's; both are `stop` if none is left."""
    blocks = (stop - start + BLOCK - 1) // BLOCK
    a = start + BLOCK * claim(team, me, blocks)
    return min(a, stop), min(a + BLOCK, stop)
