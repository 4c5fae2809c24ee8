"""A tile of sums in registers, for the functions that write its instructions (emit_tile.py).

LLVM has no array that lives in registers. So a tile is a structure of its number of rows and of
2·MR vectors, each a value of its own; and a loop over the terms of the sums is written for every
even height: a tile of seven rows runs that of eight, whose last row nobody reads.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import models, register_model

from .emit import first_lanes, multiply_add, spread, zeros_of
from .numba_internals import I64, call_llvm, masked
from .processor import BYTES, REGISTERS

MR = 12 if REGISTERS >= 32 else 6
"""Rows of a tile: of 32 registers 24 hold sums, of 16 registers 12; two hold vectors of b."""

I32 = ir.IntType(32)


class TileType(types.Type):
    """The type of a tile in compiled code."""

    def __init__(self, dtype: Any) -> None:
        self.dtype, self.size = dtype, BYTES * 8 // dtype.bitwidth
        super().__init__(f"tile({dtype} x {MR} x {2 * self.size})")


@register_model(TileType)
class TileModel(models.PrimitiveModel):
    """How Numba passes a tile around: as itself."""

    def __init__(self, manager: Any, tile: TileType) -> None:
        vector = ir.VectorType(manager.lookup(tile.dtype).get_value_type(), tile.size)
        fields = [I64, *[vector] * (2 * MR)]
        super().__init__(manager, tile, ir.LiteralStructType(fields))  # type: ignore[no-untyped-call]


class Tile:
    """A tile while instructions are written.

    rows  how many it has
    sums  its vectors: sums[2 r] and sums[2 r + 1] are the halves of row r
    """

    def __init__(self, context: Any, builder: Any, kind: TileType, rows: Any) -> None:
        self.builder, self.rows, self.V = builder, rows, kind.size
        self.type = context.get_value_type(kind)
        self.vector, self.bits = self.type.elements[1], kind.dtype.bitwidth
        self.sums = [zeros_of(self.vector)] * (2 * MR)

    @classmethod
    def of(cls, context: Any, builder: Any, kind: TileType, value: Any) -> "Tile":
        """Take apart the tile that a function was given."""
        tile = cls(context, builder, kind, builder.extract_value(value, 0))
        tile.sums = [builder.extract_value(value, 1 + n) for n in range(2 * MR)]
        return tile

    def value(self) -> Any:
        """Return the tile as a function returns it."""
        value = ir.Constant(self.type, ir.Undefined)
        for n, field in enumerate([self.rows, *self.sums]):
            value = self.builder.insert_value(value, field, n)
        return value

    # Rows

    def last_or(self, r: int) -> Any:
        """Return r, or the number of the last row if that is less."""
        last = self.builder.sub(self.rows, I64(1))
        return self.builder.select(self.builder.icmp_signed("<", last, I64(r)), last, I64(r))

    @contextmanager
    def row(self, r: int) -> Iterator[None]:
        """Write what is done only if there is a row r."""
        with self.builder.if_then(self.builder.icmp_signed("<", I64(r), self.rows)):
            yield

    # Vectors

    def load(self, p: Any) -> Any:
        """Read the vector at p."""
        p = self.builder.bitcast(p, self.vector.as_pointer())
        return self.builder.load(p, align=self.bits // 8)

    def load_lanes(self, p: Any, lanes: Any) -> Any:
        """Read these lanes of the vector at p; the others are zero."""
        p = self.builder.bitcast(p, self.vector.as_pointer())
        arguments = [p, I32(self.bits // 8), lanes, zeros_of(self.vector)]
        return call_llvm(self.builder, masked("load", self.V, self.bits), self.vector, arguments)

    def store(self, v: Any, p: Any) -> None:
        """Write a vector to p."""
        p = self.builder.bitcast(p, self.vector.as_pointer())
        self.builder.store(v, p, align=self.bits // 8)

    def store_lanes(self, v: Any, p: Any, lanes: Any) -> None:
        """Write these lanes of a vector to p."""
        p = self.builder.bitcast(p, self.vector.as_pointer())
        arguments = [v, p, I32(self.bits // 8), lanes]
        call_llvm(self.builder, masked("store", self.V, self.bits), ir.VoidType(), arguments)

    def lanes(self, first: Any, last: Any, half: int) -> Any:
        """Return which lanes of a half are columns first … last - 1 of the tile."""
        builder, start = self.builder, I64(half * self.V)
        before, _ = first_lanes(builder, self.vector, builder.sub(first, start))
        until, _ = first_lanes(builder, self.vector, builder.sub(last, start))
        return builder.and_(until, builder.not_(before))

    def splat(self, p: Any) -> Any:
        """Read the number at p and spread it."""
        return spread(self.builder, p, self.vector)

    def multiply_add(self, r: int, w: Any, u: Any, v: Any) -> None:
        """Add w u to the left half of row r and w v to the right one."""
        self.add_product(2 * r, w, u)
        self.add_product(2 * r + 1, w, v)

    def add_product(self, n: int, w: Any, x: Any) -> None:
        """Add w x to vector n, counted row by row."""
        self.sums[n] = multiply_add(self.builder, w, x, self.sums[n])

    # Branches and loops

    def merge(self, branches: list[tuple[Any, list[Any]]]) -> None:
        """Take the sums of whichever branch, (block, its sums), has led here."""
        self.sums = []
        for n in range(2 * MR):
            phi = self.builder.phi(self.vector)
            for block, sums in branches:
                phi.add_incoming(sums[n], block)
            self.sums.append(phi)

    def add_terms(self, count: Any, add: Callable[[int, Any], None]) -> None:
        """Write a loop in which add(H, k) adds term k of `count` to the first H rows.

        It is written for each even H, and that of the tile's height is run.
        """
        builder, before, start = self.builder, self.sums, self.builder.block
        some, done = (builder.append_basic_block(name) for name in ("some", "done"))
        builder.cbranch(builder.icmp_signed(">", count, I64(0)), some, done)
        heights = {H: builder.append_basic_block(f"height.{H}") for H in range(2, MR + 1, 2)}
        builder.position_at_end(some)
        switch = builder.switch(builder.ashr(builder.add(self.rows, I64(1)), I64(1)), heights[MR])
        branches = [(start, before)]
        for H, block in heights.items():
            if H < MR:
                switch.add_case(I64(H // 2), block)
            builder.position_at_end(block)
            self.sums = list(before)
            self._loop(count, H, add)
            branches.append((builder.block, self.sums))
            builder.branch(done)
        builder.position_at_end(done)
        self.merge(branches)

    def _loop(self, count: Any, H: int, add: Callable[[int, Any], None]) -> None:
        builder, start, before = self.builder, self.builder.block, self.sums[: 2 * H]
        body, end = (builder.append_basic_block(name) for name in ("terms", "end"))
        builder.branch(body)
        builder.position_at_end(body)
        k, *phis = builder.phi(I64), *(builder.phi(self.vector) for _ in before)
        self.sums[: 2 * H] = phis
        add(H, k)
        after = builder.add(k, I64(1))
        for phi, first, then in zip(
            (k, *phis), (I64(0), *before), (after, *self.sums), strict=False
        ):
            phi.add_incoming(first, start)
            phi.add_incoming(then, builder.block)
        builder.cbranch(builder.icmp_signed("<", after, count), body, end)
        builder.position_at_end(end)
