"""What compiled code runs in the place of the intrinsics of simd.py: a few LLVM instructions each.

Every function is emit(context, builder, signature, args), which is Numba's protocol: it writes
instructions with `builder` and returns the value of the call. Nothing is checked, unless
NUMBA_BOUNDSCHECK=1.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]

from .intrinsics import VectorType
from .numba_internals import PREFETCH, call_llvm, masked, pointer, reduction, rint


def zeros_of(vector: Any) -> Any:
    """Return the constant zero of an LLVM vector type."""
    return ir.Constant(vector, [ir.Constant(vector.element, 0.0)] * vector.count)


def emit_size(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Write no instruction: a constant, which `a.itemsize` is not to Numba."""
    return ir.IntType(64)(VectorType(signature.args[0].dtype).size)


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


def first_lanes(builder: Any, vector: Any, n: Any) -> tuple[Any, Any]:
    """Return which lanes are among the first n, and n within 0 … V."""
    V, none = n.type(vector.count), n.type(0)
    n = builder.select(builder.icmp_signed(">", n, V), V, n)
    n = builder.select(builder.icmp_signed("<", n, none), none, n)
    lanes, i32 = ir.VectorType(ir.IntType(32), vector.count), ir.IntType(32)
    one = builder.insert_element(ir.Constant(lanes, ir.Undefined), builder.trunc(n, i32), i32(0))
    everywhere = builder.shuffle_vector(one, one, ir.Constant(lanes, None))
    return builder.icmp_signed("<", ir.Constant(lanes, [*range(vector.count)]), everywhere), n


def part(context: Any, builder: Any, array_type: Any, place: Any, n: Any, vector: Any) -> Any:
    """Return the address of a vector whose first n numbers are a's; any address if n is 0."""
    array, i = place
    i = builder.select(builder.icmp_signed("==", n, n.type(0)), i.type(0), i)
    p = pointer(context, builder, array_type, (array, i), n)
    return builder.bitcast(p, vector.as_pointer())


def emit_load_part(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Read the first neighbours, and touch no others."""
    a, vector = signature.args[0], context.get_value_type(signature.return_type)
    lanes, n = first_lanes(builder, vector, args[2])
    bits = a.dtype.bitwidth
    p = part(context, builder, a, args[:2], n, vector)
    arguments = [p, ir.IntType(32)(bits // 8), lanes, zeros_of(vector)]
    return call_llvm(builder, masked("load", vector.count, bits), vector, arguments)


def emit_store_part(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Write the first neighbours, and touch no others."""
    a, (*place, v, n) = signature.args[0], args
    lanes, n = first_lanes(builder, v.type, n)
    bits = a.dtype.bitwidth
    p = part(context, builder, a, place, n, v.type)
    arguments = [v, p, ir.IntType(32)(bits // 8), lanes]
    call_llvm(builder, masked("store", v.type.count, bits), ir.VoidType(), arguments)
    return context.get_dummy_value()


def emit_store_between(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Write the lanes from one to another, and touch no other numbers."""
    a, (array, i, v, first, last) = signature.args[0], args
    before, first = first_lanes(builder, v.type, first)
    lanes, last = first_lanes(builder, v.type, last)
    if context.enable_boundscheck:
        size = builder.sub(last, first)
        n = builder.select(builder.icmp_signed(">", size, size.type(0)), size, size.type(0))
        part(context, builder, a, (array, builder.add(i, first)), n, v.type)
    data = context.make_array(a)(context, builder, array).data
    p = builder.bitcast(builder.gep(data, [i]), v.type.as_pointer())
    bits = a.dtype.bitwidth
    arguments = [v, p, ir.IntType(32)(bits // 8), builder.and_(lanes, builder.not_(before))]
    call_llvm(builder, masked("store", v.type.count, bits), ir.VoidType(), arguments)
    return context.get_dummy_value()


def emit_transpose(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Swap the off-diagonal halves of the square, then those of its quarters, and so on."""
    kind, (a, i, step, b, j, width) = signature.args[0], args
    vector = context.get_value_type(VectorType(kind.dtype))
    V, align, i32 = vector.count, kind.dtype.bitwidth // 8, ir.IntType(32)

    def address(array: Any, start: Any, pitch: Any, row: int) -> Any:
        place = array, builder.add(start, builder.mul(pitch, pitch.type(row)))
        p = pointer(context, builder, kind, place, V)
        return builder.bitcast(p, vector.as_pointer())

    rows = [builder.load(address(a, i, step, r), align=align) for r in range(V)]
    half = V // 2
    while half > 0:
        for r in range(V):
            if r & half:
                continue
            s = r + half
            low = [q if not q & half else V + q - half for q in range(V)]
            high = [q + half if not q & half else V + q for q in range(V)]
            rows[r], rows[s] = (
                builder.shuffle_vector(rows[r], rows[s], ir.Constant(ir.VectorType(i32, V), lanes))
                for lanes in (low, high)
            )
        half //= 2
    for q in range(V):
        builder.store(rows[q], address(b, j, width, q), align=align)
    return context.get_dummy_value()


def spread(builder: Any, p: Any, vector: Any) -> Any:
    """Read the number at p into every lane of a vector of this type."""
    undefined, i32 = ir.Constant(vector, ir.Undefined), ir.IntType(32)
    first = builder.insert_element(undefined, builder.load(p), i32(0))
    everywhere = ir.Constant(ir.VectorType(i32, vector.count), None)
    return builder.shuffle_vector(first, undefined, everywhere)


def emit_splat(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Read one number and spread it."""
    p = pointer(context, builder, signature.args[0], args, 1)
    return spread(builder, p, context.get_value_type(signature.return_type))


def emit_prefetch(to_write: int) -> Callable[..., Any]:
    """Ask for a cache line, to write to it or to read it."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        i8, i32 = ir.IntType(8).as_pointer(), ir.IntType(32)
        p = builder.bitcast(pointer(context, builder, signature.args[0], args, 1), i8)
        call_llvm(builder, PREFETCH, ir.VoidType(), [p, i32(to_write), i32(3), i32(1)])
        return context.get_dummy_value()

    return emit


def emit_zero(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Write no instruction: a constant."""
    return zeros_of(context.get_value_type(signature.return_type))


def emit_add(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Add lane by lane."""
    return builder.fadd(*args)


def multiply_add(builder: Any, v: Any, x: Any, s: Any) -> Any:
    """Return s + v x, rounded once where the machine can (`contract`)."""
    return builder.fadd(s, builder.fmul(v, x, flags=("contract",)), flags=("contract",))


def emit_fma(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Multiply and add lane by lane."""
    return multiply_add(builder, *args)


def emit_divide(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Divide lane by lane."""
    return builder.fdiv(*args)


def emit_rounded(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Round lane by lane."""
    (v,) = args
    name = rint(v.type.count, signature.return_type.dtype.bitwidth)
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
        name = reduction(operation, v.type.count, signature.return_type.bitwidth)
        start = ir.Constant(v.type.element, neutral)
        return call_llvm(builder, name, v.type.element, [start, v], fastmath=("reassoc",))

    return emit


def emit_relu(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Compare, select. An ordered comparison is false for a NaN."""
    (v,) = args
    zero = zeros_of(v.type)
    return builder.select(builder.fcmp_ordered("<", v, zero), zero, v)


def emit_extreme(order: str) -> Callable[..., Any]:
    """Compare, select: one instruction where the machine has one for that."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v, u = args
        return builder.select(builder.fcmp_ordered(order, v, u), v, u)

    return emit


def emit_where_equal(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Compare, select."""
    a, b, v = args
    return builder.select(builder.fcmp_ordered("==", a, b), v, zeros_of(v.type))


def emit_where_larger(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Compare, select. The larger or the NaN: `larger` orders, `nan` does not."""
    a, b, v, u = args
    larger, nan = builder.fcmp_ordered(">", a, b), builder.fcmp_unordered("uno", a, a)
    return builder.select(builder.or_(larger, nan), v, u)
