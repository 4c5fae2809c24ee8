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
