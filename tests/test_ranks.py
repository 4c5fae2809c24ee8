"""Several ranks end with the bits of one process: weights, moments, history, checkpoints."""

import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rank_threads import on_ranks

from nnscratch import (
    SGD,
    Adam,
    AdversarialAutoencoder,
    AdversarialTrainer,
    Dense,
    Flatten,
    ReLU,
    Reshape,
    Sequential,
    Trainer,
)
from nnscratch.kernels.plain_optimizers import PIECE
from nnscratch.models import build
from nnscratch.training import TrainingDiverged, mpi_ranks
from nnscratch.training.ranks import Alone, Ranks, shares, slices

pytestmark = pytest.mark.plain

IMAGES = np.random.default_rng(0).random((70, 6, 6)).astype(np.float32)
"""70 of 32 a batch: the last batch has 6 samples, and with 8 replicas some have none."""


def trainer(ranks: Ranks | None, **options: Any) -> Trainer[Any]:
    rng = np.random.default_rng(1)
    model = build("dense_vae", (6, 6), latent_dim=3, hidden=(150, 130), rng=rng)
    given = {"batch_size": 32, "replicas": 8, "micro_batch": 3, "seed": 5} | options
    optimizer = given.pop("optimizer", None) or Adam(1e-2, clip_norm=0.5)
    return Trainer(model, optimizer, ranks=ranks, **given)


def outcome(ranks: Ranks | None, **options: Any) -> tuple[Any, ...]:
    t = trainer(ranks, **options)
    history = t.fit(IMAGES, validation=IMAGES[:40], epochs=2)
    t.replicas.assemble_moments()
    moments = {name: a.tobytes() for name, a in t.optimizer.state.items()}
    return t.replicas.theta.value.tobytes(), moments, history


@pytest.fixture(scope="module")
def alone() -> Any:
    return outcome(None)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 8])
def test_any_number_of_ranks_ends_with_the_bits_of_one(size: int, alone: Any) -> None:
    assert trainer(None).replicas.theta.value.size > 3 * PIECE  # or slices would be empty
    for result in on_ranks(size, outcome):
        assert result == alone


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_change_no_bit_on_ranks(threads: int, alone: Any) -> None:
    assert on_ranks(2, lambda ranks: outcome(ranks, threads=threads)) == [alone, alone]


@pytest.mark.parametrize("options", [{"momentum": 0.9}, {"clip_norm": (0.1, 8.0)}])
def test_optimisers_on_ranks(options: dict[str, Any]) -> None:
    want = outcome(None, optimizer=SGD(1e-3, **options))
    found = on_ranks(3, lambda ranks: outcome(ranks, optimizer=SGD(1e-3, **options)))
    assert found == [want] * 3


def test_both_players_of_an_adversarial_autoencoder_on_ranks() -> None:
    def run(ranks: Ranks | None) -> bytes:
        new: Any = {"rng": np.random.default_rng(1)}
        encoder = Sequential(Flatten(), Dense(36, 200, **new), ReLU(), Dense(200, 2, **new))
        decoder = Sequential(Dense(2, 200, **new), ReLU(), Dense(200, 36, **new), Reshape(6, 6))
        judge = Sequential(Dense(2, 50, **new), ReLU(), Dense(50, 1, **new))
        model = AdversarialAutoencoder(encoder, decoder, judge, input_shape=(6, 6))
        players = Adam(1e-3), Adam(1e-3, clip_norm=0.1)
        t = AdversarialTrainer(model, *players, seed=0, replicas=3, batch_size=16, ranks=ranks)
        t.fit(IMAGES, epochs=1)
        return t.replicas.theta.value.tobytes()

    assert on_ranks(3, run) == [run(None)] * 3


# Files


def train_an_epoch(ranks: Ranks, path: Path) -> None:
    trainer(ranks).fit(IMAGES, validation=IMAGES[:40], epochs=1, checkpoint=path)


def test_a_run_goes_on_on_another_number_of_ranks(tmp_path: Path, alone: Any) -> None:
    path = tmp_path / "run.safetensors"
    on_ranks(3, lambda ranks: train_an_epoch(ranks, path))

    def resumed(ranks: Ranks | None) -> tuple[Any, ...]:
        t = trainer(ranks)
        t.resume(path)
        history = t.fit(IMAGES, validation=IMAGES[:40], epochs=2)
        return t.replicas.theta.value.tobytes(), history

    assert resumed(None) == (alone[0], alone[2])
    assert on_ranks(2, resumed) == [(alone[0], alone[2])] * 2


def test_rank_0_alone_writes(tmp_path: Path) -> None:
    def run(ranks: Ranks) -> None:
        path = tmp_path / f"{ranks.rank}.safetensors"
        trainer(ranks).fit(IMAGES, epochs=1, checkpoint=path)

    on_ranks(2, run)
    assert [path.name for path in tmp_path.iterdir()] == ["0.safetensors"]


def test_all_ranks_learn_that_a_checkpoint_could_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "run.safetensors"
    errors = on_ranks(2, lambda ranks: trainer(ranks).fit(IMAGES, epochs=1, checkpoint=path))
    assert all(isinstance(error, OSError) for error in errors), errors


# What ranks may differ in, and what goes wrong on one


def different(ranks: Ranks, what: str) -> Any:
    t, images = trainer(ranks), IMAGES.copy()
    if ranks.rank == 1:
        if what == "weights":
            t.replicas.theta.value[7] += 1e-6
        elif what == "data":
            images[69, 5, 5] /= 2
        elif what == "settings":
            t = trainer(ranks, seed=6)
        elif what == "validation data":
            return t.fit(images, validation=images[:39], epochs=1)
    return t.fit(images, validation=images[:40], epochs=1)


@pytest.mark.parametrize("what", ["weights", "data", "settings", "validation data"])
def test_ranks_that_differ_are_named(what: str) -> None:
    for error in on_ranks(3, lambda ranks: different(ranks, what)):
        assert isinstance(error, ValueError), error
        assert "rank 1 (" in str(error)
        assert what in str(error)
        assert "rank 2" not in str(error)


def test_another_gradient_is_seen_whatever_the_reason() -> None:
    def run(ranks: Ranks) -> Any:
        t = trainer(ranks)
        loss = t.model.loss

        def other(*args: Any, **noise: Any) -> Any:
            terms, backward = loss(*args, **noise)
            return terms, lambda weight: backward((1 + ranks.rank) * weight)

        t.model.loss = other
        return t.fit(IMAGES, epochs=1)

    for error in on_ranks(2, run):
        assert "rank 1" in str(error)
        assert "a gradient" in str(error)


def test_data_that_one_rank_refuses_is_refused_by_all() -> None:
    def run(ranks: Ranks) -> Any:
        return trainer(ranks).fit(IMAGES[:, : 6 - ranks.rank], epochs=1)

    for error in on_ranks(2, run):
        assert isinstance(error, ValueError)
        assert error.__notes__[0] == "on rank 1"


def test_a_loss_that_is_no_number_on_one_rank_ends_all() -> None:
    images = IMAGES.copy()

    def run(ranks: Ranks) -> Any:
        t = trainer(ranks)
        loss = t.replicas.models[7].loss

        def broken(*args: Any, **noise: Any) -> Any:
            terms, backward = loss(*args, **noise)
            return terms | {"total": np.nan}, backward

        t.replicas.models[7].loss = broken  # which is rank 1's
        return t.fit(images, epochs=1)

    errors = on_ranks(2, run)
    assert all(isinstance(error, TrainingDiverged) for error in errors), errors
    assert str(errors[0]) == str(errors[1])


def test_fewer_replicas_than_ranks_are_refused() -> None:
    for error in on_ranks(3, lambda ranks: trainer(ranks, replicas=2)):
        assert "expected as many replicas as ranks or more, so 3, got 2" in str(error)


# Shares and slices


@given(st.integers(0, 99), st.integers(1, 12))
def test_shares_are_equal_to_one(count: int, size: int) -> None:
    parts = shares(count, size)
    assert [i for part in parts for i in part] == list(range(count))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@given(st.integers(0, 9 * PIECE), st.integers(0, 9 * PIECE), st.integers(1, 12))
def test_slices_end_at_multiples_of_a_piece(start: int, length: int, size: int) -> None:
    stop = start + length
    ends = slices(start, stop, size)
    assert (len(ends), ends[0], ends[-1]) == (size + 1, start, stop)
    assert all(a <= b for a, b in pairwise(ends))
    assert all(end % PIECE == 0 or end in (start, stop) for end in ends)


def test_alone_is_one_of_one() -> None:
    ranks = Alone()
    assert (ranks.rank, ranks.size, ranks.gather("x"), ranks.share(4)) == (0, 1, ["x"], range(4))
    with pytest.raises(ValueError, match="this"):
        ranks.first(lambda: int("this"))


# What mpiexec has started, and what mpi4py knows of it


def with_mpi(monkeypatch: pytest.MonkeyPatch, size: int, *, launched: bool = True) -> None:
    """Let there be an mpi4py that knows so many ranks."""
    world = SimpleNamespace(size=size, rank=0, Split_type=lambda _: world, Free=lambda: None)
    mpi = SimpleNamespace(
        COMM_WORLD=world, COMM_TYPE_SHARED=0, Get_library_version=lambda: "Open MPI v5, package"
    )
    monkeypatch.setitem(sys.modules, "mpi4py", SimpleNamespace(MPI=mpi))
    if launched:
        monkeypatch.setitem(sys.modules, "mpi4py.run", SimpleNamespace())


def test_a_process_that_nobody_started_in_a_group_is_alone() -> None:
    assert isinstance(mpi_ranks(), Alone)


def test_one_rank_by_itself_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with_mpi(monkeypatch, 1)
    assert isinstance(mpi_ranks(), Alone)


def test_ranks_without_mpi4py_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMI_SIZE", "4")
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(ValueError, match=r'started 4 .* pip install "nnscratch\[cluster\]"'):
        mpi_ranks()


@pytest.mark.parametrize("variable", ["PMI_SIZE", "OMPI_COMM_WORLD_SIZE"])
def test_an_mpi_that_is_not_the_one_that_started_them(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of the four would train a run of its own, and all would write the same files."""
    monkeypatch.setenv(variable, "4")
    with_mpi(monkeypatch, 1)
    with pytest.raises(ValueError, match=r"started 4 .* knows 1: it uses another MPI \(Open MPI"):
        mpi_ranks()


def test_ranks_that_would_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMI_SIZE", "2")
    with_mpi(monkeypatch, 2, launched=False)
    with pytest.raises(ValueError, match="python -m mpi4py"):
        mpi_ranks()


def test_ranks_of_a_launcher_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with_mpi(monkeypatch, 3)
    assert mpi_ranks().size == 3
