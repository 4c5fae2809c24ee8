"""Kernels on disk: whatever is wrong with them, the kernel runs, and is right."""

import os
import pickle
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numba.core.caching
import numpy as np
import pytest
from damage import Bomb, flipped
from hypothesis import given
from hypothesis import strategies as st
from kept import SOURCE, Kept, fuzz_kept_kernels, keeping
from numba import config, njit

import nnscratch
from nnscratch.kernels.machine import cache
from nnscratch.kernels.machine.cache import opened, sealed, write

pytestmark = pytest.mark.skipif(bool(config.DISABLE_JIT), reason="nothing is compiled")


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    with keeping(tmp_path) as kept:
        yield kept


def heals(kept: Kept, damage: Callable[[Path], object], what: str = "damaged") -> None:
    """Damage is told once, and the file is as it should be afterwards."""
    assert kept.hits() == 0
    good, path = kept.file().read_bytes(), kept.file()
    damage(path)
    with pytest.warns(RuntimeWarning, match=f"kernel cache: {path.parent}: .*{what}") as told:
        assert kept.hits() == 0
    assert len(told) == 1
    assert len(path.read_bytes()) == len(good)
    assert kept.hits() == 1


# What a file holds


@given(payload=st.binary(max_size=300), stamp=st.binary(min_size=32, max_size=32), data=st.data())
def test_a_sealed_file_opens_for_its_stamp_alone(
    payload: bytes, stamp: bytes, data: st.DataObject
) -> None:
    content = sealed(stamp, payload)
    assert opened(content, stamp) == payload
    assert opened(content, flipped(stamp, data.draw(st.integers(0, 255)))) is None
    with pytest.raises(ValueError, match="damaged"):
        opened(flipped(content, data.draw(st.integers(0, 8 * len(content) - 1))), stamp)
    with pytest.raises(ValueError, match="damaged"):
        opened(content[: data.draw(st.integers(0, len(content) - 1))], stamp)


def test_damage_of_any_kind_is_found(kept: Kept) -> None:
    with pytest.warns(RuntimeWarning, match="damaged") as told:
        fuzz_kept_kernels(kept, 300, np.random.default_rng(0))
    assert len(told) == 1


@pytest.mark.parametrize("where", [0, 31, 32, 63, 64, 100, 0.5, -100, -1])
def test_a_flipped_byte_anywhere(kept: Kept, where: float) -> None:
    def flip(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[where if isinstance(where, int) else int(where * len(content))] ^= 0xFF
        path.write_bytes(content)

    heals(kept, flip)


@pytest.mark.parametrize("length", [0, 1, 31, 32, 64, 65, 0.5, -1])
def test_a_file_cut_short(kept: Kept, length: float) -> None:
    def cut(path: Path) -> None:
        size = path.stat().st_size
        os.truncate(path, int(length * size) if isinstance(length, float) else length % size)

    heals(kept, cut)


def test_a_foreign_pickle_is_not_unpickled(kept: Kept, tmp_path: Path) -> None:
    bomb = pickle.dumps(Bomb(tmp_path / "exploded"))
    heals(kept, lambda path: path.write_bytes(bomb))
    assert not (tmp_path / "exploded").exists()


def test_a_payload_that_is_no_kernel(kept: Kept) -> None:
    """It was written as it is, by whatever: the digest is right, and Numba fails."""

    def other(path: Path) -> None:
        write(path, sealed(path.read_bytes()[32:64], pickle.dumps("no kernel")))

    heals(kept, other, "TypeError")


def test_the_file_of_another_kernel_is_not_taken(kept: Kept) -> None:
    """Two names were exchanged: the stamp is another, and nothing is damaged."""
    assert [kept.hits(), kept.hits(np.float32)] == [0, 0]
    first, second = kept.place.rglob("*.nbc")
    shutil.copy(first, second)
    assert sorted([kept.hits(), kept.hits(np.float32)]) == [0, 1]


# Disks


def test_a_folder_in_the_place_of_a_file(kept: Kept) -> None:
    assert kept.hits() == 0
    path = kept.file()
    path.unlink()
    path.mkdir()
    with pytest.warns(RuntimeWarning, match="IsADirectoryError") as told:
        assert [kept.hits(), kept.hits()] == [0, 0]
    assert len(told) == 1
    assert [*path.parent.iterdir()] == [path]


def test_a_folder_that_is_deleted_while_all_goes_on(kept: Kept) -> None:
    assert [kept.hits(), kept.hits()] == [0, 1]
    shutil.rmtree(kept.place)
    assert [kept.hits(), kept.hits()] == [0, 1]


def test_no_place_to_write_to(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise PermissionError("refused")

    locator = numba.core.caching._CacheLocator
    monkeypatch.setattr(locator, "ensure_cache_path", refuse)
    with pytest.warns(RuntimeWarning, match="kernel cache: doubling: .*no locator") as told:
        assert [kept.hits(), kept.hits(), kept.hits()] == [0, 0, 0]
    assert len(told) == 1


def test_a_place_that_cannot_be_made(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numba goes on to the next: beside the source."""
    monkeypatch.setattr(config, "CACHE_DIR", str(kept.source / "in a file"))
    assert [kept.hits(), kept.hits()] == [0, 1]
    assert len([*kept.source.parent.glob("__pycache__/*.nbc")]) == 1


def test_no_room(kept: Kept) -> None:
    kept.place.mkdir()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # Python ignores the signal
    try:
        with pytest.warns(RuntimeWarning, match="File too large"):
            assert [kept.hits(), kept.hits()] == [0, 0]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not [path for path in kept.place.rglob("*") if path.is_file()]
    assert [kept.hits(), kept.hits()] == [0, 1]


OTHER_USER = """
import os, sys, warnings
import numpy as np
sys.path.insert(0, sys.argv[1])

def hits():
    sys.modules.pop("doubling", None)
    from doubling import double
    x, y = np.ones(3), np.empty(3)
    double(x, y)
    assert y.tolist() == [2, 2, 2]
    return sum(double.stats.cache_hits.values())

print(hits(), hits())
for folder, _, files in os.walk(sys.argv[2]):
    for file in files:
        os.chmod(os.path.join(folder, file), 0)
    os.chmod(folder, 0o777)
if os.getuid() == 0:  # who may read everything
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    print(hits(), len(told), told[0].message)
"""


def test_a_file_that_may_not_be_read() -> None:
    """It is another user's; and the kernel is compiled and kept as one's own."""
    with tempfile.TemporaryDirectory() as name:  # pytest's own are closed to others
        home = Path(name)
        home.chmod(0o755)
        kept = Kept(home)
        first, second = in_process(
            OTHER_USER, home, kept.place, NUMBA_CACHE_DIR=kept.place
        ).splitlines()
    assert first == "0 1"
    assert second.startswith(f"0 1 kernel cache: {kept.place}")
    assert "PermissionError" in second


# Processes


def in_process(code: str, *args: object, **variables: object) -> str:
    """Run code in a process of its own, and return what it prints."""
    env = os.environ | {name: str(value) for name, value in variables.items()}
    command = [sys.executable, "-W", "error", "-c", code, *map(str, args)]
    return subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout


HITS = """
import sys
import numpy as np
sys.path.insert(0, sys.argv[1])
from doubling import double
x, y = np.ones(3), np.empty(3)
double(x, y)
print(y.tolist(), sum(double.stats.cache_hits.values()))
"""


def test_processes_that_begin_at_once(kept: Kept) -> None:
    env = os.environ | {"NUMBA_CACHE_DIR": str(kept.place)}
    command = [sys.executable, "-W", "error", "-c", HITS, str(kept.source.parent)]
    pipe = subprocess.PIPE
    many = [subprocess.Popen(command, env=env, stdout=pipe, text=True) for _ in range(3)]
    outputs = [each.communicate()[0] for each in many]
    assert all(output.startswith("[2.0, 2.0, 2.0]") for output in outputs)
    assert in_process(HITS, kept.source.parent, NUMBA_CACHE_DIR=kept.place).endswith(" 1\n")
    assert [*kept.file().parent.iterdir()] == [kept.file()]


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path, stamp, end = tmp_path / "folder" / "kernel.nbc", bytes(32), threading.Event()
    payloads = [bytes([i]) * 50_000 * (i + 1) for i in range(3)]

    def writer(payload: bytes) -> None:
        while not end.is_set():
            write(path, sealed(stamp, payload))

    writers = [threading.Thread(target=writer, args=(payload,)) for payload in payloads]
    for each in writers:
        each.start()
    try:
        while not path.exists():
            pass
        assert all(opened(path.read_bytes(), stamp) in payloads for _ in range(300))
    finally:
        end.set()
        for each in writers:
            each.join()
    assert [*path.parent.iterdir()] == [path]


def test_a_package_in_a_zip(tmp_path: Path) -> None:
    package = Path(nnscratch.__file__).parent
    with zipfile.ZipFile(tmp_path / "package.zip", "w") as archive:
        for file in package.rglob("*.py"):
            archive.write(file, file.relative_to(package.parent))
    code = """
import numpy as np, nnscratch
from nnscratch.kernels.activations import normal_cdf_kernel
assert ".zip" in nnscratch.__file__
normal_cdf_kernel(np.ones(3), np.ones(3))
print(sum(normal_cdf_kernel.stats.cache_hits.values()))
"""
    home = {"HOME": tmp_path, "XDG_CACHE_HOME": tmp_path / "cache", "NUMBA_CACHE_DIR": ""}
    home["PYTHONPATH"] = tmp_path / "package.zip"
    run = f"import os; os.chdir({str(tmp_path)!r})\n" + code
    assert [in_process(run, **home).strip() for _ in range(2)] == ["0", "1"]


# What machine code depends on

SETTINGS = {
    "OPT": 1,
    "BOUNDSCHECK": 0 if config.BOUNDSCHECK else 1,
    "LOOP_VECTORIZE": 0,
    "SLP_VECTORIZE": 1,
    "DEBUGINFO_DEFAULT": 1,
    "DISABLE_INTEL_SVML": True,
    "A_SETTING_OF_LATER": 1,
}


@pytest.mark.parametrize("name", [*SETTINGS, "vector", "processor", "features"])
def test_kernels_of_other_settings_lie_side_by_side(
    name: str, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kept.hits() == 0
    with monkeypatch.context() as other:
        codegen = type(kept.fresh().targetctx.codegen())
        triple, cpu, features = kept.fresh().targetctx.codegen().magic_tuple()
        if name == "vector":
            other.setattr(cache, "BYTES", 16)
        elif name == "processor":
            other.setattr(codegen, "magic_tuple", lambda _: (triple, "another", features))
        elif name == "features":
            other.setattr(codegen, "magic_tuple", lambda _: (triple, cpu, "+none"))
        else:
            other.setattr(config, name, SETTINGS[name], raising=False)
        assert [kept.hits(), kept.hits()] == [0, 1]
    assert kept.hits() == 1
    assert len([*kept.place.rglob("*.nbc")]) == 2


@pytest.mark.parametrize(
    ("name", "value"), [("NUMBA_NUM_THREADS", 1), ("CUDA_DRIVER", "x"), ("DUMP_LLVM", 0)]
)
def test_what_changes_no_code_changes_nothing(
    name: str, value: object, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kept.hits() == 0
    monkeypatch.setattr(config, name, value)
    assert kept.hits() == 1


@pytest.mark.parametrize("what", ["sources", "version", "own source"])
def test_a_kernel_from_before_a_change_is_written_over(
    what: str, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kept.hits() == 0
    if what == "sources":
        monkeypatch.setattr(cache, "stamp_of_sources", lambda: b"other sources")
    elif what == "version":
        monkeypatch.setattr(numba, "__version__", "0.0")
        cache.stamp_of_sources.cache_clear()
    else:
        kept.source.write_text(SOURCE + "# another\n")
    try:
        assert [kept.hits(), kept.hits()] == [0, 1]
    finally:
        monkeypatch.undo()
        cache.stamp_of_sources.cache_clear()
    assert kept.file()


# Another Numba


@pytest.mark.parametrize("error", [AttributeError, TypeError, ImportError])
def test_a_numba_with_other_insides_keeps_nothing(
    error: type[Exception], kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unlike(*_: object) -> None:
        raise error("unlike")

    monkeypatch.setattr(numba.core.caching, "CompileResultCacheImpl", unlike)
    with pytest.warns(RuntimeWarning, match=f"{error.__name__}: unlike") as told:
        assert [kept.hits(), kept.hits()] == [0, 0]
    assert len(told) == 1


@pytest.mark.usefixtures("kept")
def test_a_numba_that_has_no_cache_is_told() -> None:
    class Jit:
        py_func = staticmethod(lambda: None)

    jit = Jit()
    with pytest.warns(RuntimeWarning, match="Numba: version .* is not known"):
        assert cache.kept(jit) is jit


@pytest.mark.usefixtures("kept")
def test_no_sources_no_keeping(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> bytes:
        raise FileNotFoundError("processor.py")

    monkeypatch.setattr(cache, "stamp_of_sources", none)
    with pytest.warns(RuntimeWarning, match="FileNotFoundError: processor.py"):
        assert cache.kept(njit(abs_of)).stats.cache_path is None


def abs_of(x: float) -> float:
    return x if x > 0 else -x


def test_a_closure_is_not_kept(kept: Kept) -> None:
    for factor in (2, 3):

        def times(x: float) -> float:
            return factor * x  # noqa: B023

        assert cache.kept(njit(times))(1.0) == factor
    assert not kept.place.exists()
