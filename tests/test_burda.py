"""The table of Burda et al.: several cells in one command, without MPI (with it: test_mpi.py)."""

import io
import json
import signal
import sys
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from demos import _burda_farm as farm
from demos._burda_runs import Settings
from nnscratch.models import IWAE
from nnscratch.training import Trainer

WORDS = ("burda", "--smoke")
CELLS = ("vae-1", "iwae-5", "vae-5")


def weights(folder: Path, cell: str, stage: int = 1) -> bytes:
    return (folder / f"{cell}-stage{stage}.safetensors").read_bytes()


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where each cell has run by itself, up to stage 2."""
    from demos.__main__ import main

    folder = tmp_path_factory.mktemp("alone")
    for cell in CELLS:
        assert main([*WORDS, "--stages", "2", "--cell", cell, "--out", str(folder / cell)]) == 0
    return folder


def test_cells_in_one_command_are_those_of_one_command_each(
    alone: Path, tmp_path: Path, demo
) -> None:
    found = demo(*WORDS, "--stages", "2", "--cells", ",".join(CELLS), "--out", tmp_path)
    assert (found.code, found.stderr) == (0, "")
    for cell in CELLS:
        for stage in (1, 2):
            assert weights(tmp_path, cell, stage) == weights(alone / cell, cell, stage)
        row = f"{cell}-stage2.json"
        assert (tmp_path / row).read_bytes() == (alone / cell / row).read_bytes()
    numbers = json.loads((tmp_path / "numbers.json").read_text("utf-8"))
    assert [row["cell"] for row in numbers["table"]] == ["vae-1", "vae-5", "iwae-5"]
    assert [row["vs vae-1, paired"] is None for row in numbers["table"]] == [True, False, False]
    assert [len(rows) for rows in numbers["history"].values()] == [4, 4, 4]


def test_each_line_of_progress_names_its_cell_and_the_table_comes_once(
    tmp_path: Path, demo
) -> None:
    found = demo(*WORDS, "--cells", "vae-1,iwae-5", "--out", tmp_path)
    lines = found.stdout.splitlines()
    told = [line for line in lines if "epoch " in line or "stage 1 of" in line]
    assert [line.partition(": ")[0] for line in told] == ["vae-1"] * 2 + ["iwae-5"] * 2
    assert found.stdout.count("active units") == 1


def test_a_cell_whose_checkpoint_is_refused_is_named_and_the_others_finish(
    alone: Path, tmp_path: Path, demo
) -> None:
    (tmp_path / "vae-1.safetensors").write_bytes(b"no checkpoint")
    found = demo(*WORDS, "--cells", "vae-1,iwae-5", "--out", tmp_path, "--resume")
    assert found.code == 1
    assert found.stderr.startswith(f"error: vae-1: {tmp_path / 'vae-1.safetensors'}")
    assert found.stderr.count("\n") == 1
    assert weights(tmp_path, "iwae-5") == weights(alone / "iwae-5", "iwae-5")
    assert not (tmp_path / "vae-1-stage1.json").exists()
    rows = json.loads((tmp_path / "numbers.json").read_text("utf-8"))["table"]
    assert [row["cell"] for row in rows] == ["iwae-5"]


def test_a_missing_file_a_diverged_loss_and_a_bug_are_named_and_the_last_cell_finishes(
    alone: Path, tmp_path: Path, demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The weights of stage 1 of vae-1 are gone, and its checkpoint is of stage 2."""
    kept = (alone / "vae-1" / "vae-1.safetensors").read_bytes()
    (tmp_path / "vae-1.safetensors").write_bytes(kept)
    loss = IWAE.loss

    def faulty(self: IWAE, x: Any, **noise: Any) -> Any:
        if self.samples == 50:
            raise KeyError("a bug")
        terms, backward = loss(self, x, **noise)
        return terms | ({"total": np.nan} if self.objective == "iwae" else {}), backward

    monkeypatch.setattr(IWAE, "loss", faulty)
    names = "vae-1,iwae-5,vae-50,vae-5"
    found = demo(*WORDS, "--cells", names, "--out", tmp_path, "--resume")
    assert found.code == 1
    missing, diverged, bug = found.stderr.split("\n", 2)
    assert missing.startswith("error: vae-1: ")
    assert "vae-1-stage1.safetensors" in missing
    assert diverged.startswith("iwae-5: ")
    assert "total nan" in diverged
    assert bug.startswith("vae-50: Traceback")
    assert "KeyError: 'a bug'" in bug
    assert weights(tmp_path, "vae-5") == weights(alone / "vae-5", "vae-5")


def test_if_no_cell_finishes_there_is_no_table(tmp_path: Path, demo) -> None:
    (tmp_path / "vae-1.safetensors").write_bytes(b"no checkpoint")
    found = demo(*WORDS, "--out", tmp_path, "--resume")
    assert found.code == 1
    assert found.stderr.startswith("error: vae-1: ")
    assert not (tmp_path / "numbers.json").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_the_checkpoint_of_its_cell_and_all_go_on_to_the_same_bits(
    number: signal.Signals, alone: Path, tmp_path: Path, demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped within the third epoch of the second cell; the third cell does not begin."""

    def stop(self: Trainer, *arguments: Any) -> Any:
        if self.model.samples == 5 and self.epoch == 2 and self.batch_index == 3:
            signal.raise_signal(number)
        return gradient(self, *arguments)

    gradient, before = Trainer.gradient, signal.getsignal(number)
    words = (*WORDS, "--stages", "2", "--cells", ",".join(CELLS), "--out", tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "gradient", stop)
        stopped = demo(*words)
    assert stopped.code == 128 + number
    assert stopped.stderr == ""
    path = tmp_path / "iwae-5.safetensors"
    assert f"Stopped; {path} is written. Go on:  python -m demos burda" in stopped.stdout
    assert not (tmp_path / "vae-5.safetensors").exists()
    assert signal.getsignal(number) is before

    resumed = demo(*words, "--resume")
    assert resumed.code == 0, resumed.stderr
    assert f"iwae-5: {path} goes on after epoch 2" in resumed.stdout
    for cell in CELLS:
        assert weights(tmp_path, cell, 2) == weights(alone / cell, cell, 2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--cells", "vae-1,vae-2"), "--cells: expected cells of vae-1, vae-5, vae-50, iwae-5, "),
        (("--cells", "vae-1,vae-1"), "each once, got vae-1,vae-1\n"),
        (("--cells", "vae-1,"), "each once, got vae-1,\n"),
        (("--cells", "vae-1", "--cell", "vae-1"), "expected --cell or --cells, got both\n"),
        (("--cells", "vae-1,dreg-5", "--layers", "2"), "vae-K or iwae-K, got dreg-5\n"),
    ],
)
def test_cells_that_cannot_be_are_refused_before_the_work(
    words: tuple[str, ...], message: str, tmp_path: Path, demo
) -> None:
    found = demo(*WORDS, *words, "--out", tmp_path)
    assert found.code == 1
    assert found.stderr.startswith("error: ")
    assert message in found.stderr
    assert "to learn from" not in found.stdout


def with_mpi(monkeypatch: pytest.MonkeyPatch, size: int, *, pool: bool) -> None:
    """Let there be an mpi4py that knows so many ranks."""
    mpi = SimpleNamespace(COMM_WORLD=SimpleNamespace(size=size))
    monkeypatch.setitem(sys.modules, "mpi4py", SimpleNamespace(MPI=mpi))
    if pool:
        monkeypatch.setitem(sys.modules, "mpi4py.futures", SimpleNamespace())


@pytest.mark.parametrize("size", [1, 3])
def test_all_ranks_but_the_first_are_workers(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert farm.workers() == 0
    monkeypatch.setenv("PMI_SIZE", str(size))
    with_mpi(monkeypatch, size, pool=True)
    assert farm.workers() == size - 1


def test_processes_without_a_manager_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, demo
) -> None:
    monkeypatch.setenv("PMI_SIZE", "3")
    with_mpi(monkeypatch, 3, pool=False)
    found = demo(*WORDS, "--out", tmp_path)
    assert found.code == 1
    assert "mpiexec -n 3 python -m mpi4py.futures -m demos burda" in found.stderr


def test_without_mpi4py_it_is_said_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, demo
) -> None:
    monkeypatch.setenv("PMI_SIZE", "3")
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    found = demo(*WORDS, "--out", tmp_path)
    assert found.code == 1
    assert found.stderr.startswith("error: mpiexec has started 3 processes")
    assert 'pip install "nnscratch[cluster]"' in found.stderr


def settings(out: Path, **others: Any) -> Settings:
    """A cell that nobody has to train."""
    made = {"cell": "vae-1", "layers": 1, "textbook": None, "stages": 1, "seed": 0, "samples": 20}
    return Settings(**made | {"threads": None, "out": out, "resume": False} | others)


@pytest.mark.parametrize(
    ("workers", "cores", "asked", "expected"),
    [(1, 4, None, 4), (2, 4, None, 2), (3, 4, None, 1), (8, 4, None, 1), (2, 4, 3, 3)],
)
def test_the_workers_of_a_machine_share_its_cores(
    workers: int, cores: int, asked: int | None, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []
    monkeypatch.setattr(farm.here, "workers", workers)
    monkeypatch.setattr(farm, "cores", lambda: cores)
    monkeypatch.setattr(farm, "run_cell", lambda *arguments: taken.append(arguments[-1]))
    farm.attempt(settings(Path(), threads=asked), np.zeros(1), np.zeros(1))
    assert taken == [expected]


def test_a_signal_while_no_cell_runs_ends_nothing_but_lets_none_begin(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(farm, "here", farm.Here())
    monkeypatch.setattr(farm, "run_cell", lambda *_: pytest.fail("it began"))
    with farm.here.stoppable():
        signal.raise_signal(signal.SIGTERM)
        ended = farm.attempt(settings(tmp_path), np.zeros(1), np.zeros(1))
    assert ended == (settings(tmp_path), None, "")


def test_a_folder_that_a_machine_does_not_have_is_named(tmp_path: Path) -> None:
    """That of --out is made by the manager, and the workers are on other machines."""
    its = settings(tmp_path / "nowhere")
    ended = farm.attempt(its, np.zeros((1, 1)), np.zeros((1, 1)))
    assert ended.problem.startswith(f"{tmp_path / 'nowhere'} on ")
    assert not (tmp_path / "nowhere").exists()


def test_what_a_worker_raises_between_its_cells_is_told(tmp_path: Path) -> None:
    its, broken, stopped, cancelled = settings(tmp_path), *(Future[Any]() for _ in range(3))
    broken.set_exception(RuntimeError("no more memory"))
    stopped.set_exception(KeyboardInterrupt())
    assert farm.result(broken, its) == (its, None, "RuntimeError: no more memory")
    cancelled.cancel()
    assert farm.result(stopped, its) == farm.result(cancelled, its) == (its, None, "")


def test_lines_are_written_whole_each_with_its_name() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="cp1252", write_through=True)
    named = farm.Named("vae-1", stream)
    written = []
    for text in ("epoch ", "1\n", "two\nthree\nfo", "ur\n"):
        print(text, end="", file=named)
        written.append(stream.buffer.getvalue())  # type: ignore[attr-defined]
    assert written[0] == b""
    assert written[1] == b"vae-1: epoch 1\n"
    assert written[-1] == written[1] + b"vae-1: two\nvae-1: three\nvae-1: four\n"
    assert named.encoding == "cp1252"
