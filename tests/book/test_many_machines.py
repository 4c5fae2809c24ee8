"""Equations of docs/many_machines.md."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from rank_threads import ThreadRanks, on_ranks

from book.ids import equation
from nnscratch import SGD, Dense
from nnscratch.core import Array
from nnscratch.kernels.plain_optimizers import PIECE
from nnscratch.training.ranks import Ranks
from nnscratch.training.replicas import Replicas


class Counted(ThreadRanks):
    """Ranks that count the bytes they send to others."""

    sent = 0

    def exchange(self, pieces: Sequence[Array], shapes: Sequence[tuple[int, ...]]) -> list[Array]:
        self.sent += sum(piece.nbytes for s, piece in enumerate(pieces) if s != self.rank)
        return super().exchange(pieces, shapes)

    def assemble(self, vector: Array, ends: Sequence[int]) -> None:
        own = vector[ends[self.rank] : ends[self.rank + 1]]
        self.sent += own.nbytes * (self.size - 1)
        super().assemble(vector, ends)


@equation("bytes")
@pytest.mark.parametrize(("R", "S"), [(2, 2), (4, 2), (4, 4), (6, 3)])
def test_bytes(R: int, S: int) -> None:
    def run(ranks: Ranks) -> Any:
        counted = Counted(ranks.rank, ranks.shared, ranks.barrier)  # type: ignore[attr-defined]
        layer = Dense(PIECE, 12, bias=False, rng=np.random.default_rng(0))
        replicas = Replicas(layer, R, counted)
        replicas.step(SGD(0.1))
        return counted.sent, replicas.theta.value.size

    for sent, P in on_ranks(S, run):
        assert sent == 4 * P * (R / S + 1) * (S - 1) / S
