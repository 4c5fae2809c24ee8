"""What compiled code runs in the place of the words of tile.py.

LLVM has no array that lives in registers. So a tile is a structure of its number of rows and of
2·MR vectors, each a value of its own, and a loop is written for every even height: a tile of seven
rows runs that of eight, whose last row nobody reads. See emit.py for the protocol.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import models, register_model

from .emit import first_lanes, zeros_of
from .intrinsics import VectorType
from .numba_internals import I64, call_llvm, masked, pointer, reduction
from .processor import BYTES

MR = 12 if BYTES == 64 else 6
"""Rows of a tile: of 32 registers 12 × 2 are sums and two vectors of b, of 16 registers 6 × 2."""


class TileType(types.Type):
    """A tile of sums in compiled code."""

    def __init__(self, dtype: Any) -> None:
        self.dtype, self.size = dtype, BYTES * 8 // dtype.bitwidth
        super().__init__(f"tile({dtype} x {MR} x {2 * self.size})")


@register_model(TileType)
class TileModel(models.PrimitiveModel):
    """How Numba passes a tile around: as itself."""

    def __init__(self, manager: Any, tile: TileType) -> None:
        vector = ir.VectorType(manager.lookup(tile.dtype).get_value_type(), tile.size)
        super().__init__(  # type: ignore[no-untyped-call]
            manager, tile, ir.LiteralStructType([I64, *[vector] * (2 * MR)])
        )


class Tile:
    """A tile while instructions are written: its rows, and sums[2 r + half]."""

    def __init__(self, context: Any, builder: Any, kind: TileType, rows: Any) -> None:
        self.builder, self.rows = builder, rows
        self.type = context.get_value_type(kind)
        self.vector, self.itemsize = self.type.elements[1], kind.dtype.bitwidth // 8
        self.V = self.vector.count
        self.sums = [zeros_of(self.vector)] * (2 * MR)

    @classmethod
    def of(cls, context: Any, builder: Any, kind: TileType, value: Any) -> "Tile":
        """Take apart a tile that a function was given."""
        tile = cls(context, builder, kind, builder.extract_value(value, 0))
        tile.sums = [builder.extract_value(value, 1 + n) for n in range(2 * MR)]
        return tile

    def value(self) -> Any:
        """Return it as a function returns it."""
        value = self.builder.insert_value(ir.Constant(self.type, ir.Undefined), self.rows, 0)
        for n, one in enumerate(self.sums):
            value = self.builder.insert_value(value, one, 1 + n)
        return value

    def last_or(self, r: int) -> Any:
        """Return r, or the last row if there are fewer."""
        last = self.builder.sub(self.rows, I64(1))
        return self.builder.select(self.builder.icmp_signed("<", last, I64(r)), last, I64(r))

    def load(self, p: Any) -> Any:
        """Read a vector at p."""
        p = self.builder.bitcast(p, self.vector.as_pointer())
        return self.builder.load(p, align=self.itemsize)

    def splat(self, p: Any) -> Any:
        """Read one number at p and spread it."""
        i32, nothing = ir.IntType(32), ir.Constant(self.vector, ir.Undefined)
        first = self.builder.insert_element(nothing, self.builder.load(p), i32(0))
        everywhere = ir.Constant(ir.VectorType(i32, self.V), None)
        return self.builder.shuffle_vector(first, nothing, everywhere)

    def fma(self, x: Any, y: Any, s: Any) -> Any:
        """Return s + x y."""
        product = self.builder.fmul(x, y, flags=("contract",))
        return self.builder.fadd(s, product, flags=("contract",))

    def merge(self, branches: Sequence[tuple[Any, Any]], heights: int = MR) -> None:
        """Take the sums of whichever branch, (block, sums), has led to this block."""
        sums = []
        for n in range(2 * heights):
            phi = self.builder.phi(self.vector)
            for block, values in branches:
                phi.add_incoming(values[n], block)
            sums.append(phi)
        self.sums[: 2 * heights] = sums

    def for_each_height(self, emit: Callable[[int], None], wanted: Any) -> None:
        """Write emit(H) for every even height H and run that of this tile, if `wanted`."""
        builder = self.builder
        before, start = self.sums, builder.block
        chosen, done = (builder.append_basic_block(name) for name in ("height", "done"))
        builder.cbranch(wanted, chosen, done)
        builder.position_at_end(chosen)
        blocks = {H: builder.append_basic_block(f"height_{H}") for H in range(2, MR + 1, 2)}
        half = builder.ashr(builder.add(self.rows, I64(1)), I64(1))
        switch = builder.switch(half, blocks[MR])
        branches = [(start, before)]
        for H, block in blocks.items():
            if H < MR:
                switch.add_case(I64(H // 2), block)
            builder.position_at_end(block)
            self.sums = list(before)
            emit(H)
            branches.append((builder.block, self.sums))
            builder.branch(done)
        builder.position_at_end(done)
        self.merge(branches)

    @contextmanager
    def loop(self, count: Any, heights: int) -> Iterator[Any]:
        """Write a loop over k < count, count > 0, which changes the sums; yield k."""
        builder = self.builder
        start, body = builder.block, builder.append_basic_block("loop")
        builder.branch(body)
        builder.position_at_end(body)
        k, before = builder.phi(I64), self.sums[: 2 * heights]
        self.merge([(start, before)], heights)
        phis = self.sums[: 2 * heights]
        k.add_incoming(I64(0), start)
        yield k
        after = builder.add(k, I64(1))
        k.add_incoming(after, builder.block)
        for phi, value in zip(phis, self.sums, strict=False):
            phi.add_incoming(value, builder.block)
        end = builder.append_basic_block("end")
        builder.cbranch(builder.icmp_signed("<", after, count), body, end)
        builder.position_at_end(end)

    @contextmanager
    def each_row(self, r: int) -> Iterator[None]:
        """Write what is done if there is a row r."""
        with self.builder.if_then(self.builder.icmp_signed("<", I64(r), self.rows)):
            yield


def emit_zero_tile(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Write no instruction: constants."""
    return Tile(context, builder, signature.return_type, args[1]).value()


def emit_bias_tile(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Spread a number a row."""
    b, i, rows = args
    tile = Tile(context, builder, signature.return_type, rows)
    p = pointer(context, builder, signature.args[0], (b, i), rows)
    for r in range(MR):
        tile.sums[2 * r : 2 * r + 2] = [tile.splat(builder.gep(p, [tile.last_or(r)]))] * 2
    return tile.value()


def emit_read_tile(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Read two vectors a row, with a mask where the columns are fewer; the last row repeats."""
    c, q, pitch, rows, n = args
    kind = signature.args[0]
    tile = Tile(context, builder, signature.return_type, rows)
    whole = builder.icmp_signed(">=", n, I64(2 * tile.V))
    branches = []
    full, part, done = (builder.append_basic_block(name) for name in ("full", "part", "done"))
    builder.cbranch(whole, full, part)
    for block in (full, part):
        builder.position_at_end(block)
        sums = []
        for r in range(MR):
            row = builder.add(q, builder.mul(pitch, tile.last_or(r)))
            for half in (0, tile.V):
                if block is full:
                    p = pointer(context, builder, kind, (c, builder.add(row, I64(half))), tile.V)
                    sums.append(tile.load(p))
                else:
                    lanes, count = first_lanes(builder, tile.vector, builder.sub(n, I64(half)))
                    at = builder.select(
                        builder.icmp_signed("==", count, I64(0)),
                        I64(0),
                        builder.add(row, I64(half)),
                    )
                    p = pointer(context, builder, kind, (c, at), count)
                    p = builder.bitcast(p, tile.vector.as_pointer())
                    align = ir.IntType(32)(tile.itemsize)
                    name = masked("load", tile.V, 8 * tile.itemsize)
                    some = [p, align, lanes, zeros_of(tile.vector)]
                    sums.append(call_llvm(builder, name, tile.vector, some))
        branches.append((builder.block, sums))
        builder.branch(done)
    builder.position_at_end(done)
    tile.merge(branches)
    return tile.value()


def emit_write_tile(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Write two vectors a row, with masks where it is not all of the columns."""
    c, q, pitch, first, last, value = args
    kind = signature.args[0]
    tile = Tile.of(context, builder, signature.args[-1], value)
    data = context.make_array(kind)(context, builder, c).data
    bits, align = 8 * tile.itemsize, ir.IntType(32)(tile.itemsize)
    whole = builder.and_(
        builder.icmp_signed("==", first, I64(0)), builder.icmp_signed(">=", last, I64(2 * tile.V))
    )
    size = builder.sub(last, first)
    limit = I64(2 * tile.V)
    size = builder.select(builder.icmp_signed(">", size, limit), limit, size)
    with builder.if_else(whole) as (then, otherwise):
        for branch in (then, otherwise):
            with branch:
                for r in range(MR):
                    with tile.each_row(r):
                        row = builder.add(q, builder.mul(pitch, I64(r)))
                        if context.enable_boundscheck:
                            pointer(context, builder, kind, (c, builder.add(row, first)), size)
                        for half in (0, 1):
                            start, v = I64(half * tile.V), tile.sums[2 * r + half]
                            p = builder.gep(data, [builder.add(row, start)])
                            p = builder.bitcast(p, tile.vector.as_pointer())
                            if branch is then:
                                builder.store(v, p, align=tile.itemsize)
                                continue
                            before, _ = first_lanes(builder, tile.vector, builder.sub(first, start))
                            lanes, _ = first_lanes(builder, tile.vector, builder.sub(last, start))
                            lanes = builder.and_(lanes, builder.not_(before))
                            name = masked("store", tile.V, bits)
                            call_llvm(builder, name, ir.VoidType(), [v, p, align, lanes])
    return context.get_dummy_value()


def emit_multiply(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Write the loop whose rows of `a` are neighbours."""
    value, a, i, step, b, j, K = args
    tile = Tile.of(context, builder, signature.args[0], value)
    check(context, builder, signature, args, [builder.mul(step, builder.sub(K, I64(1))), tile.rows])
    numbers = context.make_array(signature.args[1])(context, builder, a).data
    panel = context.make_array(signature.args[4])(context, builder, b).data
    numbers, panel = builder.gep(numbers, [i]), builder.gep(panel, [j])

    def emit(H: int) -> None:
        with tile.loop(K, H) as k:
            p = builder.gep(panel, [builder.mul(k, I64(2 * tile.V))])
            u, v = tile.load(p), tile.load(builder.gep(p, [I64(tile.V)]))
            p = builder.gep(numbers, [builder.mul(k, step)])
            for r in range(H):
                w = tile.splat(builder.gep(p, [I64(r)]))
                tile.sums[2 * r] = tile.fma(w, u, tile.sums[2 * r])
                tile.sums[2 * r + 1] = tile.fma(w, v, tile.sums[2 * r + 1])

    tile.for_each_height(emit, builder.icmp_signed(">", K, I64(0)))
    return tile.value()


def emit_multiply_rows(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Write the loop whose rows of `a` lie `step` apart; where they have ended the last repeats."""
    value, a, i, step, b, j, K = args
    tile = Tile.of(context, builder, signature.args[0], value)
    check(context, builder, signature, args, [builder.mul(step, builder.sub(tile.rows, I64(1))), K])
    numbers = context.make_array(signature.args[1])(context, builder, a).data
    panel = context.make_array(signature.args[4])(context, builder, b).data
    panel = builder.gep(panel, [j])
    rows = [
        builder.gep(numbers, [builder.add(i, builder.mul(step, tile.last_or(r)))])
        for r in range(MR)
    ]

    def emit(H: int) -> None:
        with tile.loop(K, H) as k:
            p = builder.gep(panel, [builder.mul(k, I64(2 * tile.V))])
            u, v = tile.load(p), tile.load(builder.gep(p, [I64(tile.V)]))
            for r in range(H):
                w = tile.splat(builder.gep(rows[r], [k]))
                tile.sums[2 * r] = tile.fma(w, u, tile.sums[2 * r])
                tile.sums[2 * r + 1] = tile.fma(w, v, tile.sums[2 * r + 1])

    tile.for_each_height(emit, builder.icmp_signed(">", K, I64(0)))
    return tile.value()


def check(context: Any, builder: Any, signature: Any, args: Any, extent: Sequence[Any]) -> None:
    """With NUMBA_BOUNDSCHECK=1, verify what of `a` and b a product reads, if it has any terms."""
    if not context.enable_boundscheck:
        return
    _, a, i, _, b, j, K = args
    with builder.if_then(builder.icmp_signed(">", K, I64(0))):
        V = VectorType(signature.args[1].dtype).size
        pointer(context, builder, signature.args[1], (a, i), builder.add(*extent))
        pointer(context, builder, signature.args[4], (b, j), builder.mul(K, I64(2 * V)))


def emit_multiply_lanes(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Write the loop over whole vectors, then the last numbers by masked loads."""
    value, a, i, step, b, j, m, K = args
    tile = Tile.of(context, builder, signature.args[0], value)
    kinds = signature.args[1], signature.args[4]
    if context.enable_boundscheck:
        with builder.if_then(builder.icmp_signed(">", K, I64(0))):
            extent = builder.add(builder.mul(step, builder.sub(tile.rows, I64(1))), K)
            pointer(context, builder, kinds[0], (a, i), extent)
            pointer(context, builder, kinds[1], (b, j), K)
            pointer(context, builder, kinds[1], (b, m), K)
    numbers, columns = (
        context.make_array(kind)(context, builder, array).data
        for kind, array in zip(kinds, (a, b), strict=True)
    )
    left, right = builder.gep(columns, [j]), builder.gep(columns, [m])
    rows = [
        builder.gep(numbers, [builder.add(i, builder.mul(step, tile.last_or(r)))])
        for r in range(MR)
    ]
    V = I64(tile.V)
    vectors = builder.sdiv(K, V)
    whole = builder.mul(vectors, V)
    rest = builder.sub(K, whole)
    lanes, _ = first_lanes(builder, tile.vector, rest)
    name = masked("load", tile.V, 8 * tile.itemsize)

    def part(p: Any) -> Any:
        p = builder.bitcast(p, tile.vector.as_pointer())
        some = [p, ir.IntType(32)(tile.itemsize), lanes, zeros_of(tile.vector)]
        return call_llvm(builder, name, tile.vector, some)

    def add(H: int, at: Any, load: Callable[[Any], Any]) -> None:
        u, v = load(builder.gep(left, [at])), load(builder.gep(right, [at]))
        for r in range(H):
            w = load(builder.gep(rows[r], [at]))
            tile.sums[2 * r] = tile.fma(w, u, tile.sums[2 * r])
            tile.sums[2 * r + 1] = tile.fma(w, v, tile.sums[2 * r + 1])

    def emit_whole(H: int) -> None:
        with tile.loop(vectors, H) as k:
            add(H, builder.mul(k, V), tile.load)

    tile.for_each_height(emit_whole, builder.icmp_signed(">", vectors, I64(0)))
    tile.for_each_height(lambda H: add(H, whole, part), builder.icmp_signed(">", rest, I64(0)))
    return tile.value()


def emit_rectified_tile(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Compare, select. An ordered comparison is false for a NaN."""
    tile = Tile.of(context, builder, signature.args[0], args[0])
    zero = zeros_of(tile.vector)
    tile.sums = [builder.select(builder.fcmp_ordered("<", v, zero), zero, v) for v in tile.sums]
    return tile.value()


def emit_tile_totals(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Add up the lanes, in whatever order the machine does best."""
    c, q, pitch, m, value = args
    tile = Tile.of(context, builder, signature.args[-1], value)
    name = reduction("fadd", tile.V, 8 * tile.itemsize)
    start = ir.Constant(tile.vector.element, -0.0)
    for r in range(MR):
        with tile.each_row(r):
            at = builder.add(q, builder.mul(pitch, I64(r)))
            for half, place in enumerate((at, builder.add(at, m))):
                some = [start, tile.sums[2 * r + half]]
                sum_ = call_llvm(builder, name, tile.vector.element, some, fastmath=("reassoc",))
                p = pointer(context, builder, signature.args[0], (c, place), 1)
                builder.store(builder.fadd(builder.load(p), sum_), p)
    return context.get_dummy_value()
