"""What compiled code runs in the place of the words of tile.py. See emit.py for the protocol."""

from collections.abc import Callable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]

from .emit import first_lanes, zeros_of
from .numba_internals import I64, call_llvm, pointer, reduction
from .registers import MR, Tile

ROWS = range(MR)
HALVES = range(2)


def start_of(context: Any, builder: Any, kind: Any, array: Any, i: Any) -> Any:
    """Return the address of array[i], unchecked."""
    return builder.gep(context.make_array(kind)(context, builder, array).data, [i])


def check(context: Any, builder: Any, if_any: Any, reads: list[tuple[Any, Any, Any, Any]]) -> None:
    """With NUMBA_BOUNDSCHECK=1 verify, if `if_any` > 0, what is read: (type, array, i, size)."""
    if context.enable_boundscheck:
        with builder.if_then(builder.icmp_signed(">", if_any, I64(0))):
            for kind, array, i, size in reads:
                pointer(context, builder, kind, (array, i), size)


def extent(builder: Any, count: Any, step: Any, size: Any) -> Any:
    """Return how many numbers lie in `count` > 0 runs of `size` numbers that begin `step` apart."""
    return builder.add(builder.mul(builder.sub(count, I64(1)), step), size)


def emit_zero_tile(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Write no instruction: constants."""
    return Tile(context, builder, signature.return_type, args[1]).value()


def emit_bias_tile(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Spread a number a row."""
    b, i, rows = args
    tile = Tile(context, builder, signature.return_type, rows)
    p = pointer(context, builder, signature.args[0], (b, i), rows)
    tile.sums = [tile.splat(builder.gep(p, [tile.last_or(r)])) for r in ROWS for _ in HALVES]
    return tile.value()


def emit_read_tile(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Read two vectors a row, with masks if that is not all of the columns."""
    c, q, pitch, rows, n = args
    tile = Tile(context, builder, signature.return_type, rows)
    width = I64(2 * tile.V)
    n = builder.select(builder.icmp_signed(">", n, width), width, n)
    size = extent(builder, rows, pitch, n)
    check(context, builder, n, [(signature.args[0], c, q, size)])
    start = start_of(context, builder, signature.args[0], c, q)
    branches = []
    whole, part, done = (builder.append_basic_block(name) for name in ("whole", "part", "done"))
    builder.cbranch(builder.icmp_signed("==", n, width), whole, part)
    for block in (whole, part):
        builder.position_at_end(block)
        lanes, sums = [tile.lanes(I64(0), n, half) for half in HALVES], []
        for r in ROWS:
            # Beyond the last row that one is read once more.
            row = builder.gep(start, [builder.mul(pitch, tile.last_or(r))])
            for half in HALVES:
                p = builder.gep(row, [I64(half * tile.V)])
                sums.append(tile.load(p) if block is whole else tile.load_lanes(p, lanes[half]))
        branches.append((block, sums))
        builder.branch(done)
    builder.position_at_end(done)
    tile.merge(branches)
    return tile.value()


def emit_write_tile(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Write two vectors a row, with masks if that is not all of the columns."""
    c, q, pitch, first, last, value = args
    tile = Tile.of(context, builder, signature.args[-1], value)
    width = I64(2 * tile.V)
    last = builder.select(builder.icmp_signed(">", last, width), width, last)
    n = builder.sub(last, first)
    size = extent(builder, tile.rows, pitch, n)
    check(context, builder, n, [(signature.args[0], c, builder.add(q, first), size)])
    start = start_of(context, builder, signature.args[0], c, q)
    with builder.if_else(builder.icmp_signed("==", n, width)) as (whole, part):
        for branch in (whole, part):
            with branch:
                lanes = [tile.lanes(first, last, half) for half in HALVES]
                for r in ROWS:
                    with tile.row(r):
                        row = builder.gep(start, [builder.mul(pitch, I64(r))])
                        for half in HALVES:
                            v, p = tile.sums[2 * r + half], builder.gep(row, [I64(half * tile.V)])
                            if branch is whole:
                                tile.store(v, p)
                            else:
                                tile.store_lanes(v, p, lanes[half])
    return context.get_dummy_value()


def emit_product(neighbours: bool) -> Callable[..., Any]:
    """Return what writes a product's loop: a's rows are neighbours of step k, or lie apart."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value, a, i, step, b, j, K = args
        of_a, of_b = signature.args[1], signature.args[4]
        tile = Tile.of(context, builder, signature.args[0], value)
        width = I64(2 * tile.V)
        count, size = (K, tile.rows) if neighbours else (tile.rows, K)
        read = of_a, a, i, extent(builder, count, step, size)
        check(context, builder, K, [read, (of_b, b, j, builder.mul(K, width))])
        numbers = start_of(context, builder, of_a, a, i)
        panel = start_of(context, builder, of_b, b, j)
        last = [tile.last_or(r) for r in ROWS]
        apart = [builder.gep(numbers, [builder.mul(step, r)]) for r in last]

        def add(H: int, k: Any) -> None:
            p = builder.gep(panel, [builder.mul(k, width)])
            u, v = tile.load(p), tile.load(builder.gep(p, [I64(tile.V)]))
            p = builder.gep(numbers, [builder.mul(k, step)])
            for r in range(H):
                # Of an odd number of rows the last one is read twice: no number behind it is.
                row = last[r] if r == H - 1 else I64(r)
                place = builder.gep(p, [row]) if neighbours else builder.gep(apart[r], [k])
                tile.multiply_add(r, tile.splat(place), u, v)

        tile.add_terms(K, add)
        return tile.value()

    return emit


def filters_of(tile: Tile) -> Any:
    """Return of how many filters a tile holds three vectors each."""
    return tile.builder.sdiv(tile.builder.mul(tile.rows, I64(2)), I64(3))


def emit_multiply_lanes(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Write a loop over whole vectors, then the last numbers with masks."""
    value, a, i, step, b, at, K = args
    of_a, of_b = signature.args[1], signature.args[4]
    tile = Tile.of(context, builder, signature.args[0], value)
    filters, places = filters_of(tile), [builder.extract_value(at, n) for n in range(3)]
    reads = [(of_a, a, i, extent(builder, filters, step, K))]
    check(context, builder, K, [*reads, *((of_b, b, j, K) for j in places)])
    numbers = start_of(context, builder, of_a, a, i)
    three = [start_of(context, builder, of_b, b, j) for j in places]
    last = builder.sub(filters, I64(1))
    apart = []
    for r in range((2 * MR + 2) // 3):
        row = builder.select(builder.icmp_signed("<", last, I64(r)), last, I64(r))
        apart.append(builder.gep(numbers, [builder.mul(step, row)]))
    vectors = builder.sdiv(K, I64(tile.V))
    whole = builder.mul(vectors, I64(tile.V))
    lanes, rest = first_lanes(builder, tile.vector, builder.sub(K, whole))

    def add(H: int, k: Any, load: Callable[[Any], Any]) -> None:
        right = [load(builder.gep(p, [k])) for p in three]
        for n in range(2 * H):
            if n % 3 == 0:
                left = load(builder.gep(apart[n // 3], [k]))
            tile.add_product(n, left, right[n % 3])

    tile.add_terms(vectors, lambda H, k: add(H, builder.mul(k, I64(tile.V)), tile.load))
    some = builder.select(builder.icmp_signed(">", rest, I64(0)), I64(1), I64(0))
    tile.add_terms(some, lambda H, _: add(H, whole, lambda p: tile.load_lanes(p, lanes)))
    return tile.value()


def emit_rectified_tile(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Compare, select. An ordered comparison is false for a NaN."""
    tile = Tile.of(context, builder, signature.args[0], args[0])
    zero = zeros_of(tile.vector)
    tile.sums = [builder.select(builder.fcmp_ordered("<", v, zero), zero, v) for v in tile.sums]
    return tile.value()


def emit_add_totals(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Add up the lanes, in whatever order the machine does best."""
    c, q, pitch, value = args
    tile = Tile.of(context, builder, signature.args[-1], value)
    name, filters = reduction("fadd", tile.V, tile.bits), filters_of(tile)
    nothing = ir.Constant(tile.vector.element, -0.0)
    for r in range(2 * MR // 3):
        with builder.if_then(builder.icmp_signed("<", I64(r), filters)):
            at = builder.add(q, builder.mul(pitch, I64(r)))
            for n in range(3):
                lanes = [nothing, tile.sums[3 * r + n]]
                total = call_llvm(builder, name, nothing.type, lanes, fastmath=("reassoc",))
                p = pointer(context, builder, signature.args[0], (c, builder.add(at, I64(n))), 1)
                builder.store(builder.fadd(builder.load(p), total), p)
    return context.get_dummy_value()
