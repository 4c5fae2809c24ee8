"""The one file that uses what Numba and LLVM do not promise to keep.

Numba's public interface compiles functions and lets others add intrinsics (numba.extending). Four
things that this library needs go further, and each may change with any version:

    machine code on disk    the cache that a dispatcher asks before it compiles (cache.py), and for
                            which processor code is generated (processor.py)
    options of njit         for what need not be compiled at all (jit.py)
    fork-join               a compiled function that calls another one by its address (fork_join.py)
    intrinsics              what lies behind an array, and names of LLVM functions (intrinsics.py)

pyproject.toml bounds the versions of Numba and llvmlite from above. To try a newer one, raise the
bound and run tests/test_numba_internals.py: it has a probe for each of these interfaces, and the
message of one that fails names it.
"""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from llvmlite import ir  # type: ignore[import-untyped]
from numba import config, types
from numba.core import cgutils
from numba.core.codegen import get_host_cpu_features

I64, ADDRESS = ir.IntType(64), ir.IntType(8).as_pointer()

# --------------------------------------------------------------------- machine code on disk

ELSEWHERE = ("CACHE", "CUDA", "DUMP", "NUMBA_")
"""How the names of those of Numba's settings begin of which machine code does not depend: where
files are, other processors, what is printed, numbers of threads."""


def settings() -> dict[str, Any]:
    """Return Numba's settings on which machine code may depend."""
    names = sorted(name for name in vars(config) if name.isupper())
    return {name: getattr(config, name) for name in names if not name.startswith(ELSEWHERE)}


def set_cache(dispatcher: Any, cache: Any) -> None:
    """Let a dispatcher ask `cache` for machine code before it compiles, and show it the result.

    Raises
        LookupError if this version of Numba has no such attribute.
    """
    if not hasattr(dispatcher, "_cache"):
        raise LookupError(f"version {numba.__version__} is not known")
    dispatcher._cache = cache


def processor_of(codegen: Any) -> tuple[str, ...]:
    """Return the system, the processor and its features that code is generated for."""
    triple: tuple[str, ...] = codegen.magic_tuple()
    return triple


def processor_features() -> set[str]:
    """Return the names of what the processor has that code is generated for, such as "avx2".

    They are those of the processor at hand, or those that NUMBA_CPU_FEATURES lists.
    """
    listed = config.CPU_FEATURES  # type: ignore[attr-defined]
    features = get_host_cpu_features() if listed is None else listed  # type: ignore[no-untyped-call]
    return {name[1:] for name in features.split(",") if name.startswith("+")}


class Storage:
    """Where Numba would keep the machine code of a function, and in which form.

    The folder is NUMBA_CACHE_DIR, the one beside the source, or one of the user's own: the first
    that can be written to.

    Raises
        RuntimeError if there is none.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        from numba.core.caching import CompileResultCacheImpl

        self._numba = CompileResultCacheImpl(function)  # type: ignore[no-untyped-call]
        self.folder = Path(self._numba.locator.get_cache_path())
        self.name = str(self._numba.filename_base)

    def source_stamp(self) -> Any:
        """Return what is another thing once the function's source file has changed."""
        return self._numba.locator.get_source_stamp()

    def dumps(self, compiled: Any) -> bytes | None:
        """Return a compiled function as bytes, None if it belongs to this process alone."""
        from numba.core.serialize import dumps

        if not self._numba.check_cachable(compiled):  # type: ignore[no-untyped-call]
            return None
        content: bytes = dumps(self._numba.reduce(compiled))  # type: ignore[no-untyped-call]
        return content

    def loads(self, target: Any, content: bytes) -> Any:
        """Return the compiled function that `dumps` has made bytes of. They can run any code."""
        target.refresh()
        return self._numba.rebuild(target, pickle.loads(content))  # type: ignore[no-untyped-call]


# --------------------------------------------------------------------- options of njit

LEAN = {"no_cfunc_wrapper": True, "_nrt": False}
"""A kernel is not called from C, and counts no references to arrays: it allocates none, and its
caller holds its arguments. A sixth of the time that compiling takes went into these."""

INNER = {"no_cpython_wrapper": True}
"""A part of a kernel is not called from Python either."""

# --------------------------------------------------------------------- fork-join

CALLABLE = ir.FunctionType(ir.IntType(32), [ADDRESS, I64])
"""A published function: of the address of its arguments and of a number; 0 if all went well."""


def compile_part(part: Any, argument_types: Any) -> None:
    """Have a dispatcher compile the function for these types."""
    part.compile(argument_types)


def emit_publish(
    context: Any, builder: Any, packed: Any, values: Any, part: Any
) -> tuple[Any, Any]:
    """Return addresses of a function that calls part(*values, number), and of these values.

    values  a tuple of the type `packed`; a copy of it stays where it is until the caller returns
    """
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
    return builder.ptrtoint(function, I64), builder.ptrtoint(place, I64)


def emit_call(builder: Any, function: Any, place: Any, number: Any) -> Any:
    """Call a published function, whose addresses are two integers; return what it returns."""
    function = builder.inttoptr(function, CALLABLE.as_pointer())
    return builder.sext(builder.call(function, [builder.inttoptr(place, ADDRESS), number]), I64)


def last_of(builder: Any, values: Any) -> Any:
    """Return the last value of a tuple."""
    return cgutils.unpack_tuple(builder, values)[-1]  # type: ignore[no-untyped-call]


# --------------------------------------------------------------------- intrinsics


def pointer(context: Any, builder: Any, array_type: Any, place: Any, size: Any) -> Any:
    """Return the address of a[i]; with NUMBA_BOUNDSCHECK=1 verify 0 ≤ i ≤ a.size - size first.

    place  the array and the index
    """
    array, i = place
    a = context.make_array(array_type)(context, builder, array)
    if context.enable_boundscheck:
        size = i.type(size) if isinstance(size, int) else size
        below = builder.icmp_signed("<", i, i.type(0))
        beyond = builder.icmp_signed(">", builder.add(i, size), a.nitems)
        with builder.if_then(builder.or_(below, beyond), likely=False):
            why = "vector is out of bounds"
            context.call_conv.return_user_exc(builder, IndexError, (why,))
    return builder.gep(a.data, [i])


def place_on_stack(builder: Any, kind: Any) -> Any:
    """Return the address of room for one number of this LLVM type."""
    return cgutils.alloca_once(builder, kind)  # type: ignore[no-untyped-call]


def call_llvm(builder: Any, name: str, returns: Any, args: Any = (), **flags: Any) -> Any:
    """Call one of LLVM's own functions."""
    shape = ir.FunctionType(returns, [arg.type for arg in args])
    function = cgutils.get_or_insert_function(builder.module, shape, name)  # type: ignore[no-untyped-call]
    return builder.call(function, args, **flags)


# LLVM's names carry the types of arguments, and that of a pointer what it points to.

PREFETCH = "llvm.prefetch.p0i8"
PAUSE = "llvm.x86.sse2.pause"
READ_MODE, WRITE_MODE = "llvm.x86.sse.stmxcsr", "llvm.x86.sse.ldmxcsr"
READ_ARM_MODE, WRITE_ARM_MODE = "llvm.aarch64.get.fpcr", "llvm.aarch64.set.fpcr"


def masked(what: str, count: int, bits: int) -> str:
    """Return the name of the masked load or store of a vector of `count` floats."""
    return f"llvm.masked.{what}.v{count}f{bits}.p0v{count}f{bits}"


def rint(count: int, bits: int) -> str:
    """Return the name of the function that rounds each lane."""
    return f"llvm.rint.v{count}f{bits}"


def reduction(operation: str, count: int, bits: int) -> str:
    """Return the name of the function that joins the lanes: fadd or fmul."""
    return f"llvm.vector.reduce.{operation}.v{count}f{bits}"
