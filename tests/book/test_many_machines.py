"""Equations of docs/many_machines.md."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from rank_threads import ThreadRanks, on_ranks

from benchmarks.step_cost import Network, bytes_sent, step_time
from book.ids import equation
from nnscratch import SGD, Dense, Trainer
from nnscratch.core import Array
from nnscratch.kernels.plain_optimizers import PIECE
from nnscratch.models import build
from nnscratch.training.ranks import Ranks
from nnscratch.training.replicas import Replicas


class Counted(ThreadRanks):
    """Ranks that count the bytes they send to others."""

    sent = meetings = 0

    def gather(self, value: Any) -> list[Any]:
        self.meetings += 2  # mpi4py says first how long the value is
        return super().gather(value)

    def exchange(self, pieces: Sequence[Array], shapes: Sequence[tuple[int, ...]]) -> list[Array]:
        self.meetings -= 1  # for it is one call, and gathers among threads
        self.sent += sum(piece.nbytes for s, piece in enumerate(pieces) if s != self.rank)
        return super().exchange(pieces, shapes)

    def assemble(self, vector: Array, ends: Sequence[int]) -> None:
        own = vector[ends[self.rank] : ends[self.rank + 1]]
        self.meetings -= 1
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
        assert sent == 4 * P * (R / S + 1) * (S - 1) / S == bytes_sent(P, R, S)


@equation("rank-step")
@pytest.mark.parametrize("S", [2, 3, 8])
def test_step(S: int) -> None:
    """The number of meetings is counted in a run, as the difference that a step more makes."""

    def met(ranks: Ranks, images: int) -> int:
        counted = Counted(ranks.rank, ranks.shared, ranks.barrier)  # type: ignore[attr-defined]
        rng = np.random.default_rng(0)
        model = build("dense_vae", (6, 6), latent_dim=2, hidden=(8,), rng=rng)
        options: Any = {"seed": 0, "replicas": S, "batch_size": 16, "ranks": counted}
        data = rng.random((images, 6, 6)).astype(np.float32)
        Trainer(model, SGD(1e-3), **options).fit(data, epochs=1)
        return counted.meetings

    one, two = (on_ranks(S, lambda ranks, N=N: met(ranks, N)) for N in (16, 32))  # type: ignore[misc]
    meetings = {b - a for a, b in zip(one, two, strict=True)}
    assert meetings == {6}
    own, P, latency, beta = 0.1, 123_456, 3e-5, 1.1e8
    B = 4 * P * 2 * (S - 1) / S
    want = own + B / beta + 6 * latency * (S - 1)
    assert step_time(own, P, S, Network(latency, beta)) == pytest.approx(want)
