"""Ranks by MPI, in processes of their own: the same bits, and what happens when one fails."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from benchmarks import namespaces
from nnscratch.training.checkpoint import read

MPIEXEC = Path(sys.executable).parent / "mpiexec"
PROGRAM = Path(__file__).with_name("mpi_program.py")

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(
        find_spec("mpi4py") is None or not MPIEXEC.exists(),
        reason='needs pip install "nnscratch[cluster]"',
    ),
]


def command(size: int, *words: object, runner: tuple[str, ...] = ("-m", "mpi4py")) -> list[str]:
    return [str(MPIEXEC), "-n", str(size), sys.executable, *runner, str(PROGRAM), *map(str, words)]


def run(size: int, *words: object, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(size, *words, **options), capture_output=True, text=True, timeout=120, check=False
    )


def content(path: Path) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Return all of a file but the order of its entries, which is never the same twice."""
    arrays, info = read(path)
    return {name: a.tobytes() for name, a in arrays.items()}, info


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The checkpoint of a process that runs without MPI."""
    path = tmp_path_factory.mktemp("alone") / "run.safetensors"
    subprocess.run([sys.executable, PROGRAM, path, "3"], check=True, capture_output=True)
    return content(path)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 8])
def test_ranks_write_the_checkpoint_of_one_process(size: int, whole: Any, tmp_path: Path) -> None:
    done = run(size, tmp_path / "run.safetensors", 3)
    assert done.returncode == 0, done.stderr
    assert content(tmp_path / "run.safetensors") == whole
    assert done.stdout.count("epoch 3/3") == 1  # rank 0 alone prints


@pytest.mark.parametrize("fault", ["dies", "raises", "nan"])
def test_a_rank_that_fails_ends_all_and_the_run_goes_on(
    fault: str, whole: Any, tmp_path: Path
) -> None:
    """The checkpoint of the epoch before is good, and any number of ranks goes on from it."""
    path = tmp_path / "run.safetensors"
    failed = run(3, path, 3, fault)
    assert failed.returncode != 0
    assert {"dies": "signal 9", "raises": "of rank 1 alone", "nan": "total nan"}[fault] in (
        failed.stdout + failed.stderr
    )
    assert "epoch 1/3" in failed.stdout
    assert "epoch 2/3" not in failed.stdout
    assert run(2, path, 3).returncode == 0
    assert content(path) == whole


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_a_checkpoint_in_the_midst_of_an_epoch(
    number: signal.Signals, whole: Any, tmp_path: Path
) -> None:
    path = tmp_path / "run.safetensors"
    with subprocess.Popen(
        command(2, path, 3, "waits"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        while not path.exists():
            time.sleep(0.05)
        before = path.stat().st_mtime_ns
        time.sleep(0.5)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert path.stat().st_mtime_ns > before, errors
    assert run(4, path, 3).returncode == 0
    assert content(path) == whole


def test_without_mpi4py_as_the_runner_ranks_are_refused(tmp_path: Path) -> None:
    done = run(2, tmp_path / "run.safetensors", 1, runner=())
    assert done.returncode != 0
    assert "python -m mpi4py" in done.stderr
    assert os.listdir(tmp_path) == []


def train_digits(out: Path, *mpi: str) -> subprocess.CompletedProcess[str]:
    """Run the command line on the package's digits."""
    options = [
        "--model",
        "dense_vae",
        "--hidden",
        "64",
        "--epochs",
        "1",
        "--batch-size",
        "500",
        "--replicas",
        "3",
    ]
    words = [*mpi, "-m", "nnscratch", "train", "digits", *options, "--out", str(out)]
    return subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)


def test_the_command_line_on_ranks_writes_the_model_of_one_process(tmp_path: Path) -> None:
    alone = train_digits(tmp_path / "one", sys.executable)
    ranks = train_digits(tmp_path / "two", str(MPIEXEC), "-n", "2", sys.executable, "-m", "mpi4py")
    assert (alone.returncode, ranks.returncode) == (0, 0), alone.stderr + ranks.stderr
    one, two = (tmp_path / name / "checkpoint.safetensors" for name in ("one", "two"))
    assert content(one) == content(two)
    assert ranks.stdout.count("to learn from") == 1
    assert {p.name for p in one.parent.iterdir()} == {p.name for p in two.parent.iterdir()}


def test_the_command_line_on_ranks_fails_with_one_message(tmp_path: Path) -> None:
    words = str(MPIEXEC), "-n", "4", sys.executable, "-m", "mpi4py"
    failed = train_digits(tmp_path / "run", *words)
    assert failed.returncode != 0
    assert (failed.stdout + failed.stderr).count("error:") == 1
    assert "expected as many replicas as ranks or more, so 4, got 3" in failed.stderr


CELLS = ("vae-1", "iwae-5", "vae-5")
SMALL = ("--smoke", "--stages", "3", "--cells", ",".join(CELLS))


def burda(out: Path, *words: str, workers: int = 0) -> list[str]:
    """Return the command that runs cells of the table of Burda et al., on workers if there are."""
    pool = (str(MPIEXEC), "-n", str(workers + 1), sys.executable, "-m", "mpi4py.futures")
    demo = ("-m", "nnscratch", "demo", "burda", "--out", str(out))
    return [*(pool if workers else (sys.executable,)), *demo, *words]


def run_burda(out: Path, *words: str, workers: int = 0) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        burda(out, *words, workers=workers),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def files(folder: Path) -> dict[str, bytes]:
    """Return what runs of cells have left; the pictures and the numbers are the manager's."""
    return {path.name: path.read_bytes() for path in folder.glob("*-*")}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where one process without MPI has run all cells, one after the other."""
    folder = tmp_path_factory.mktemp("here")
    done = run_burda(folder, *SMALL)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_workers_write_the_files_of_cells_that_ran_one_after_the_other(
    workers: int, here: Path, tmp_path: Path
) -> None:
    done = run_burda(tmp_path, *SMALL, workers=workers)
    assert done.returncode == 0, done.stderr
    assert files(tmp_path) == files(here)
    assert len(files(here)) == 3 * (1 + 3 + 1)
    assert done.stdout.count("active units") == 1
    for cell in CELLS:
        assert done.stdout.count(f"\n{cell}: epoch ") == 13


def test_a_cell_that_fails_on_its_worker_is_named_and_the_others_finish(
    here: Path, tmp_path: Path
) -> None:
    (tmp_path / "iwae-5.safetensors").write_bytes(b"no checkpoint")
    done = run_burda(tmp_path, *SMALL, "--resume", workers=2)
    assert done.returncode == 1
    assert f"error: iwae-5: {tmp_path / 'iwae-5.safetensors'}" in done.stderr
    assert done.stderr.count("error: ") == 1
    found = files(tmp_path)
    del found["iwae-5.safetensors"]
    assert found == {name: data for name, data in files(here).items() if "iwae" not in name}


SHARE = """
from mpi4py.futures import MPIPoolExecutor
from demos._burda_farm import begin_worker
with MPIPoolExecutor(main=False, initializer=begin_worker) as pool:
    print(pool.submit(eval, "__import__('demos._burda_farm')._burda_farm.here.workers").result())
"""


def test_workers_of_one_machine_know_how_many_they_are() -> None:
    words = (str(MPIEXEC), "-n", "4", sys.executable, "-m", "mpi4py.futures", "-c", SHARE)
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "3\n", done.stderr


def test_processes_that_would_train_the_same_cells_are_refused(tmp_path: Path) -> None:
    words = [str(MPIEXEC), "-n", "2", *burda(tmp_path, *SMALL)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "mpiexec -n 2 python -m mpi4py.futures -m nnscratch demo burda" in done.stderr
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_the_checkpoints_of_all_cells_that_run(
    number: signal.Signals, tmp_path: Path
) -> None:
    """Two of three workers have a cell, and the idle one does not end them before they have."""
    paths = [tmp_path / "iwae-5.safetensors", tmp_path / "vae-5.safetensors"]
    command = burda(tmp_path, "--cells", "iwae-5,vae-5", workers=3)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        while not all(path.exists() for path in paths):
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(number)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number, errors
    assert output.count("Stopped; ") == 1
    assert f"Stopped; {paths[0]} and {paths[1]} are written" in output
    for path in paths:
        assert content(path)[1]["progress"]["step"] > 0  # which is written on a signal alone


@pytest.fixture
def two_hosts(tmp_path: Path) -> Iterator[namespaces.Machines]:
    """Two hosts that share a wire of 1 Gbit/s."""
    if why := namespaces.missing():
        pytest.skip(why)
    with namespaces.machines(2, 1, tmp_path) as machines:
        yield machines


@pytest.mark.parametrize("size", [2, 4])
def test_ranks_of_two_hosts_write_the_checkpoint_of_one_process(
    size: int, whole: Any, two_hosts: namespaces.Machines, tmp_path: Path
) -> None:
    path, before = tmp_path / "run.safetensors", two_hosts.bytes_sent()
    words = [*two_hosts.mpiexec(MPIEXEC), *command(size, path, 3)[1:]]
    done = subprocess.run(
        words,
        env=two_hosts.environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert content(path) == whole
    assert two_hosts.bytes_sent() - before > 1e6, "the ranks did not talk by the wire"
