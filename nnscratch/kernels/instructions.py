"""What the words of simd.py and team.py are made of: Numba's protocol, LLVM's instructions.

A word is a function with two bodies. Its Python body is its definition; what compiled code runs in
its place is what an `emit` of this file writes, an instruction or two. They check nothing, unless
NUMBA_BOUNDSCHECK=1.

Numba does not see that this file has changed: after an edit, delete what `cache=True` has kept.
"""

import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

from llvmlite import ir  # type: ignore[import-untyped]
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

from ..core import Array
from ..processor import BYTES

Vector: TypeAlias = Array
"""In Python a vector is a small array (V,)."""


class VectorType(types.Type):
    """In compiled code a vector is LLVM's <V x dtype>."""

    def __init__(self, dtype: Any) -> None:
        self.dtype, self.size = dtype, BYTES * 8 // dtype.bitwidth
        super().__init__(f"vector({dtype} x {self.size})")


@register_model(VectorType)
class VectorModel(models.PrimitiveModel):
    """How Numba passes a vector around: as itself."""

    def __init__(self, manager: Any, vector: VectorType) -> None:
        element = manager.lookup(vector.dtype).get_value_type()
        super().__init__(manager, vector, ir.VectorType(element, vector.size))  # type: ignore[no-untyped-call]


def instruction(typing: Callable[..., Any], emit: Callable[..., Any]) -> Callable[..., Any]:
    """Compile calls of the decorated function to what `emit` writes; `typing` gives the types.

    emit(context, builder, signature, args) is Numba's protocol; typing(*argument_types) returns
    the signature, or None to refuse.
    """

    def decorate(definition: Callable[..., Any]) -> Callable[..., Any]:
        if config.DISABLE_JIT:  # type: ignore[attr-defined]
            return definition

        def choose(context: Any, *argument_types: Any) -> Any:
            signature = typing(*argument_types)
            return signature and (signature, emit)

        words = ["context", *inspect.signature(definition).parameters]
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        choose.__signature__ = inspect.Signature([inspect.Parameter(w, kind) for w in words])  # type: ignore[attr-defined]
        choose.__name__, choose.__doc__ = definition.__name__, definition.__doc__
        return intrinsic(choose)

    return decorate


def flat(a: Any) -> bool:
    """Is this the type of a flat contiguous array of floats?"""
    is_array = isinstance(a, types.Array) and isinstance(a.dtype, types.Float)
    return is_array and a.ndim == 1 and a.layout == "C"


def pointer(context: Any, builder: Any, array_type: Any, place: Any, size: int) -> Any:
    """Return the address of a[i]; with NUMBA_BOUNDSCHECK=1 verify 0 ≤ i ≤ a.size - size first."""
    array, i = place
    a = context.make_array(array_type)(context, builder, array)
    if context.enable_boundscheck:
        below = builder.icmp_signed("<", i, i.type(0))
        beyond = builder.icmp_signed(">", builder.add(i, i.type(size)), a.nitems)
        with builder.if_then(builder.or_(below, beyond), likely=False):
            why = "vector is out of bounds"
            context.call_conv.return_user_exc(builder, IndexError, (why,))
    return builder.gep(a.data, [i])


def zeros_of(vector: Any) -> Any:
    """Return the constant zero of an LLVM vector type."""
    return ir.Constant(vector, [ir.Constant(vector.element, 0.0)] * vector.count)


def call_llvm(builder: Any, name: str, returns: Any, args: Any = (), **flags: Any) -> Any:
    """Call one of LLVM's own functions."""
    shape = ir.FunctionType(returns, [arg.type for arg in args])
    function = cgutils.get_or_insert_function(builder.module, shape, name)  # type: ignore[no-untyped-call]
    return builder.call(function, args, **flags)


def emit_load(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Read `count` neighbours, which are aligned as one of them is."""
    a, vector = signature.args[0], context.get_value_type(signature.return_type)
    p = pointer(context, builder, a, args, vector.count)
    return builder.load(builder.bitcast(p, vector.as_pointer()), align=a.dtype.bitwidth // 8)


def emit_store(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Write `count` neighbours."""
    a, (*place, v) = signature.args[0], args
    p = pointer(context, builder, a, place, v.type.count)
    builder.store(v, builder.bitcast(p, v.type.as_pointer()), align=a.dtype.bitwidth // 8)
    return context.get_dummy_value()


def emit_splat(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Read one number and spread it."""
    vector = context.get_value_type(signature.return_type)
    number = builder.load(pointer(context, builder, signature.args[0], args, 1))
    undefined, i32 = ir.Constant(vector, ir.Undefined), ir.IntType(32)
    first = builder.insert_element(undefined, number, i32(0))
    everywhere = ir.Constant(ir.VectorType(i32, vector.count), None)
    return builder.shuffle_vector(first, undefined, everywhere)


def emit_prefetch(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Ask for a cache line, to write to it."""
    i8, i32 = ir.IntType(8).as_pointer(), ir.IntType(32)
    p = builder.bitcast(pointer(context, builder, signature.args[0], args, 1), i8)
    call_llvm(builder, "llvm.prefetch.p0i8", ir.VoidType(), [p, i32(1), i32(3), i32(1)])
    return context.get_dummy_value()


def emit_zero(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Write no instruction: a constant."""
    return zeros_of(context.get_value_type(signature.return_type))


def emit_add(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Add lane by lane."""
    return builder.fadd(*args)


def emit_fma(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Multiply and add, rounding once where the machine can (`contract`)."""
    v, x, s = args
    return builder.fadd(s, builder.fmul(v, x, flags=("contract",)), flags=("contract",))


def emit_divide(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Divide lane by lane."""
    return builder.fdiv(*args)


def emit_rounded(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Round lane by lane."""
    (v,) = args
    name = f"llvm.rint.v{v.type.count}f{signature.return_type.dtype.bitwidth}"
    return call_llvm(builder, name, v.type, [v])


def emit_power_of_two(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Write n into the exponent's bits."""
    (v,) = args
    bits, fraction, bias = {32: (32, 23, 127), 64: (64, 52, 1023)}[
        signature.return_type.dtype.bitwidth
    ]
    integer = ir.IntType(bits)
    whole = ir.VectorType(integer, v.type.count)

    def all_lanes(number: int) -> Any:
        return ir.Constant(whole, [ir.Constant(integer, number)] * v.type.count)

    exponent = builder.add(builder.fptosi(v, whole), all_lanes(bias))
    return builder.bitcast(builder.shl(exponent, all_lanes(fraction)), v.type)


def emit_reduction(operation: str, neutral: float) -> Callable[..., Any]:
    """Join the lanes, in whatever order the machine does best."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        (v,) = args
        name = f"llvm.vector.reduce.{operation}.v{v.type.count}f{signature.return_type.bitwidth}"
        start = ir.Constant(v.type.element, neutral)
        return call_llvm(builder, name, v.type.element, [start, v], fastmath=("reassoc",))

    return emit


def emit_relu(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Compare, select. An ordered comparison is false for a NaN."""
    (v,) = args
    zero = zeros_of(v.type)
    return builder.select(builder.fcmp_ordered("<", v, zero), zero, v)


def emit_where_equal(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Compare, select."""
    a, b, v = args
    return builder.select(builder.fcmp_ordered("==", a, b), v, zeros_of(v.type))


def emit_where_larger(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Compare, select. The larger or the NaN: `larger` orders, `nan` does not."""
    a, b, v, u = args
    larger, nan = builder.fcmp_ordered(">", a, b), builder.fcmp_unordered("uno", a, a)
    return builder.select(builder.or_(larger, nan), v, u)
