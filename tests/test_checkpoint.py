"""Checkpoints: what goes in comes out, all of it or nothing, and nothing else is taken for one."""

import errno
import json
import math
import os
import pickle
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import tiny
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save, save_file

import nnscratch
from nnscratch.core import pack
from nnscratch.layers import BatchNorm, Dropout
from nnscratch.likelihoods import Gaussian
from nnscratch.losses import l1_penalty
from nnscratch.models import Autoencoder
from nnscratch.models.contractive import ContractiveAutoencoder
from nnscratch.optimizers import SGD, Adam
from nnscratch.training import Trainer
from nnscratch.training.checkpoint import (
    FIRST,
    FORMAT,
    arrays_of,
    load_model,
    read,
    save_model,
    unpack,
    write,
)

pytestmark = [pytest.mark.plain, pytest.mark.oldest]

ARRAYS = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b.c": np.array([1e-310, -0.0, np.pi, np.inf, -np.inf, np.nan]),
    "scalar": np.array(3.5),
    "empty": np.zeros((0, 4), np.float32),
}
INFO = {"text": "Σ β", "list": [1, 2.5, None, True], "deep": {"x": {"y": -1}}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A good checkpoint."""
    path = tmp_path / "good.safetensors"
    write(path, ARRAYS, INFO)
    return path


# There and back


def test_arrays_come_back_bit_for_bit(file: Path) -> None:
    arrays, info = read(file)
    assert info == INFO
    assert arrays.keys() == ARRAYS.keys()
    for name, a in ARRAYS.items():
        assert (arrays[name].shape, arrays[name].dtype) == (a.shape, a.dtype)
        assert arrays[name].tobytes() == a.tobytes()


@given(st.lists(st.floats().map(lambda x: x if x == x else math.nan), max_size=20))
def test_numbers_in_the_description_come_back_exactly(numbers: list[float]) -> None:
    """The terms of a loss are floats of which the last bit counts; NaN and ±∞ too."""
    with TemporaryDirectory() as folder:
        write(f"{folder}/x", {}, {"numbers": numbers})
        _, info = read(f"{folder}/x")
    assert np.array(info["numbers"]).tobytes() == np.array(numbers).tobytes()


def numbers_of(kind: Any) -> dict[str, Callable[[], Any]]:
    """Models whose hyperparameters are numbers of this kind."""
    half = kind(0.5)
    return {
        "beta": lambda: tiny.vae(beta=half),
        "free_bits": lambda: tiny.vae(free_bits=half),
        "variance": lambda: tiny.vae(likelihood=Gaussian(half)),
        "penalty": lambda: tiny.autoencoder(penalties={"l1": (half, l1_penalty)}),
        "strength": lambda: ContractiveAutoencoder(16, 4, half, rng=np.random.default_rng(0)),
    }


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize("name", numbers_of(float))
def test_a_run_of_numpys_numbers_is_that_of_pythons(name: str, kind: Any, tmp_path: Path) -> None:
    """As they come from np.linspace and np.arange: it computes the same, and JSON holds it."""

    def run(kind: Any, integer: Any) -> Trainer:
        options = {"seed": 0, "batch_size": integer(8), "micro_batch": integer(4)}
        return Trainer(numbers_of(kind)[name](), Adam(kind(0.125)), **options)

    ours, theirs = run(kind, np.int64), run(float, int)
    ours.fit(tiny.images(16), epochs=np.int64(1), checkpoint=tmp_path / "x")
    theirs.fit(tiny.images(16), epochs=1)
    assert ours.history == theirs.history
    np.testing.assert_array_equal(ours.replicas.theta.value, theirs.replicas.theta.value)
    run(float, int).resume(tmp_path / "x")


def test_any_layout_in_memory_will_do(tmp_path: Path) -> None:
    a = np.arange(24.0).reshape(4, 6)
    write(tmp_path / "x", {"a": a.T, "b": a[::2, ::-1]}, {})
    arrays, _ = read(tmp_path / "x")
    np.testing.assert_array_equal(arrays["a"], a.T)
    np.testing.assert_array_equal(arrays["b"], a[::2, ::-1])


def test_a_model_comes_back_with_its_buffers(tmp_path: Path, rng: np.random.Generator) -> None:
    model = tiny.vae(BatchNorm(tiny.H))
    pack(model.parameters()).value[...] = rng.random(356)
    model.buffers()["encoder.2.running_var"][...] = rng.random(tiny.H)
    save_model(tmp_path / "x", model)
    other = tiny.vae(BatchNorm(tiny.H))
    theta = pack(other.parameters())
    load_model(tmp_path / "x", other)
    ours, theirs = arrays_of(model), arrays_of(other)
    assert ours.keys() == theirs.keys()
    assert {"encoder.2.running_mean", "encoder.2.running_var", "encoder.0.weight"} < ours.keys()
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    assert np.shares_memory(theirs["encoder.0.weight"], theta.value)  # filled, not replaced


def test_folders_are_made_and_nothing_is_left_beside_the_file(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b" / "x", ARRAYS, INFO)
    write(tmp_path / "a" / "b" / "x", {}, INFO)
    assert os.listdir(tmp_path / "a" / "b") == ["x"]
    assert read(str(tmp_path / "a" / "b" / "x")) == ({}, INFO)


def test_reading_runs_no_code(file: Path) -> None:
    """Eight bytes of length, JSON, numbers: no pickle in it, and none is read."""
    data = file.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    assert header["__metadata__"]["format"] == FORMAT
    assert json.loads(header["__metadata__"]["info"]) == INFO
    assert len(data) == 8 + size + sum(a.nbytes for a in ARRAYS.values())
    file.write_bytes(pickle.dumps(ARRAYS))
    with pytest.raises(ValueError, match="not a checkpoint"):
        read(file)


def test_what_json_does_not_know_is_refused_before_anything_is_written(file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(TypeError, match="not JSON serializable"):
        write(file, ARRAYS, {"x": object()})
    assert file.read_bytes() == before
    assert os.listdir(file.parent) == [file.name]


# All or nothing

OUTPUT: Any = {"capture_output": True, "text": True, "check": True}


def full(*_: Any) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_failing_write_leaves_the_old_file_and_nothing_else(
    moment: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file.read_bytes()
    monkeypatch.setattr(os, moment, full)
    want = (
        rf"\[Errno 28\] checkpoint not written, No space left on device: '{re.escape(str(file))}'"
    )
    with pytest.raises(OSError, match=want):
        write(file, {"a": np.ones(9)}, {})
    assert file.read_bytes() == before
    assert os.listdir(file.parent) == [file.name]


def test_what_a_killed_process_has_left_beside_the_file_is_removed(file: Path) -> None:
    """But nothing that may still be written, and no file that is not ours."""
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], **OUTPUT)
    dead = file.with_name(f".{file.name}.{int(gone.stdout)}.7.tmp")
    alive = file.with_name(f".{file.name}.{os.getpid()}.7.tmp")
    other = file.with_name(f".{file.name}.x.7.tmp")
    for path in (dead, alive, other):
        path.write_bytes(b"half")
    write(file, {}, INFO)
    assert sorted(os.listdir(file.parent)) == sorted([alive.name, other.name, file.name])


def test_two_threads_that_write_one_file_do_not_mix(tmp_path: Path) -> None:
    arrays = [{"a": np.full(100_000, value)} for value in (1.0, 2.0)]
    errors: list[BaseException] = []

    def often(mine: Any) -> None:
        try:
            for _ in range(10):
                write(tmp_path / "x", mine, {})
                assert read(tmp_path / "x")[0]["a"].std() == 0
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=often, args=(mine,)) for mine in arrays]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert os.listdir(tmp_path) == ["x"]


@pytest.mark.parametrize("path", ["~/runs/x", Path("~/runs/x")])
def test_a_tilde_is_the_home_folder(
    path: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    model, other = tiny.vae(), tiny.vae()
    pack(model.parameters()).value[...] = 0.25
    save_model(path, model)
    load_model(path, other)
    assert (pack(other.parameters()).value == 0.25).all()
    assert os.listdir(tmp_path) == ["home"]
    trainer().fit(tiny.images(8), epochs=1, checkpoint=path)
    trainer().resume(path)
    assert os.listdir(tmp_path) == ["home"]


def test_the_home_folder_of_nobody_is_named() -> None:
    for call in (lambda p: write(p, {}, {}), read):
        with pytest.raises(ValueError, match="~nobody_of_this_name/x: "):
            call("~nobody_of_this_name/x")


SCRIPT = """
import resource, signal, sys
import numpy as np
from nnscratch.training.checkpoint import write

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
write(sys.argv[1], {"a": np.ones(5_000)}, {})
print("small enough")
write(sys.argv[1], {"a": np.zeros(50_000)}, {})
"""


def test_a_disk_that_is_full_half_way_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    """A real one, as far as a process can have one of its own: no file may exceed 50 kB."""
    path = tmp_path / "x"
    root = str(Path(nnscratch.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(path)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": root},
        timeout=60,
    )
    assert done.stdout == "small enough\n", done.stderr
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last == f"OSError: [Errno 27] checkpoint not written, File too large: '{path}'"
    assert os.listdir(tmp_path) == ["x"]
    np.testing.assert_array_equal(read(path)[0]["a"], np.ones(5_000))


@pytest.fixture
def locked(file: Path) -> Iterator[Path]:
    """The good checkpoint in a folder where nobody may write; root must first become nobody."""
    for folder in (file.parent, *file.parent.parents[:2]):
        folder.chmod(0o755)
    file.parent.chmod(0o555)
    if root := os.geteuid() == 0:
        os.seteuid(65534)
    yield file
    if root:
        os.seteuid(0)
    file.parent.chmod(0o755)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX permissions")
def test_a_folder_where_nobody_may_write_is_named(locked: Path) -> None:
    want = rf"checkpoint not written, Permission denied: '{re.escape(str(locked))}'"
    with pytest.raises(PermissionError, match=want):
        write(locked, {}, {})


@pytest.mark.parametrize("where", ["good.safetensors/x", "good.safetensors/deep/x"])
def test_a_folder_that_is_a_file_is_named(where: str, file: Path) -> None:
    path = file.parent / where
    before = file.read_bytes()
    with pytest.raises(OSError, match=rf"checkpoint not written, .*: '{re.escape(str(path))}'"):
        write(path, {}, {})
    assert file.read_bytes() == before
    assert os.listdir(file.parent) == [file.name]


def test_a_file_that_is_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=rf"checkpoint not written, .*: '{re.escape(str(tmp_path))}'"):
        write(tmp_path, {}, {})
    assert os.listdir(tmp_path) == []
    assert [p for p in tmp_path.parent.iterdir() if p.name.endswith(".tmp")] == []


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_training_that_cannot_write_says_so_and_can_be_written_elsewhere(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    t = trainer()
    with monkeypatch.context() as patch:
        patch.setattr(os, moment, full)
        with pytest.raises(OSError, match="checkpoint not written"):
            t.fit(tiny.images(8), epochs=2, checkpoint=tmp_path / "x")
    assert os.listdir(tmp_path) == []
    assert t.epoch == 1
    t.save(tmp_path / "y")
    again = trainer()
    again.resume(tmp_path / "y")
    assert again.history == t.history


# What is no checkpoint


def trainer(model: Autoencoder | None = None) -> Trainer:
    return Trainer(model or tiny.vae(), Adam(), seed=0, batch_size=8)


def damaged(path: Path) -> str:
    return rf"^{re.escape(str(path))}: not a checkpoint of nnscratch, or damaged: ."


@pytest.mark.parametrize("tenths", range(10))
def test_a_truncated_file_is_damaged(tenths: int, tmp_path: Path) -> None:
    """Nothing of it reaches the model, or the trainer."""
    path = tmp_path / "x"
    t = trainer()
    t.fit(tiny.images(8), epochs=1, checkpoint=path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * tenths // 10])
    other = trainer()
    before = other.replicas.theta.value.copy()
    with pytest.raises(ValueError, match=damaged(path)):
        other.resume(path)
    with pytest.raises(ValueError, match=damaged(path)):
        load_model(path, other.model)
    np.testing.assert_array_equal(other.replicas.theta.value, before)
    assert (other.epoch, other.optimizer.steps, other.history) == (0, 0, [])


def test_one_missing_byte_and_one_too_many_are_noticed(file: Path) -> None:
    data = file.read_bytes()
    file.write_bytes(data[:-1])
    with pytest.raises(ValueError, match=damaged(file)):
        read(file)
    file.write_bytes(data + b"\0")
    with pytest.raises(ValueError, match=damaged(file)):
        read(file)


@pytest.mark.parametrize("part", range(40))
def test_one_wrong_bit_is_noticed(part: int, tmp_path: Path) -> None:
    """Anywhere: in a length, a name, the history, a weight. The file is whole, and still JSON."""
    path, t = tmp_path / "x", trainer()
    t.fit(tiny.images(8), epochs=1, checkpoint=path)
    data = bytearray(path.read_bytes())
    data[len(data) * part // 40] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))}: "):
        trainer().resume(path)


def test_a_file_without_a_checksum_is_read(tmp_path: Path) -> None:
    """As earlier versions wrote it."""
    (tmp_path / "x").write_bytes(save({"a": np.zeros(3)}, HEADER))
    assert read(tmp_path / "x")[1] == {}


HEADER = {"format": FORMAT, "info": "{}"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"\0" * 100,
        b"\xff" * 100,
        b"PK\x03\x04 not a zip file either",
        b"GIF89a" + bytes(range(256)),
        (8).to_bytes(8, "little") + b"\xff\xfe\xfd{}[]\0",
        (2**63).to_bytes(8, "little") + b"{}",
        save({"a": np.zeros(3)}, {"format": FORMAT}),
        save({"a": np.zeros(3)}, HEADER | {"info": "{"}),
        save({"a": np.zeros(3)}, HEADER).replace(b'"F64"', b'"F61"'),
        save({"a": np.zeros(3)}, HEADER).replace(b'"F64"', b'"F32"'),
        save({"a": np.zeros(3)}, HEADER).replace(b"[3]", b"[4]"),
    ],
    ids=lambda data: repr(data[-24:]),
)
def test_garbage_is_no_checkpoint(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=damaged(path)):
        read(path)


@settings(max_examples=300)
@given(st.data())
def test_no_damage_raises_anything_but_a_value_error(data: st.DataObject) -> None:
    """Some bytes of a good file changed at random: it is read, or refused in our words."""
    good = bytearray(save({"a": np.zeros(3), "b": np.ones((2, 2), np.float32)}, HEADER))
    for _ in range(data.draw(st.integers(1, 3))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        path.write_bytes(good)
        try:
            arrays, _ = read(path)
        except ValueError as error:
            assert str(error).startswith(f"{path}: ")  # noqa: PT017
        else:
            assert len(arrays) == 2


@pytest.mark.parametrize("found", ["nnscratch 4", "nnscratch 0", "nnscratch"])
def test_another_format_is_named(found: str, tmp_path: Path) -> None:
    """Also one whose description has another form."""
    path = tmp_path / "x"
    want = rf"^{re.escape(str(path))}: expected format 'nnscratch 3', got '{found}'"
    want += "; a newer version of nnscratch wrote it$" if found == "nnscratch 4" else "$"
    for header in ({"format": found, "info": "{}"}, {"format": found}):
        save_file({"a": np.zeros(3)}, path, header)
        with pytest.raises(ValueError, match=want):
            read(path)


@pytest.mark.parametrize("key", ["format", "info", "crc32"])
def test_a_damaged_header_does_not_make_a_file_of_ours_one_of_others(
    key: str, tmp_path: Path
) -> None:
    """Or its weights would be loaded without a look at their checksum."""
    path = tmp_path / "x"
    save_model(path, tiny.vae())
    path.write_bytes(path.read_bytes().replace(key.encode(), key[:-1].encode() + b"?", 1))
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))}: (not a|expected format)"):
        load_model(path, tiny.vae())


# Safetensors files of others


HEADERS = [None, {}, {"format": "pt"}, {"format": ""}, {"title": "mine", "size": "3"}]


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_weights_without_our_header_are_loaded(header: Any, dtype: Any, tmp_path: Path) -> None:
    """As PyTorch's users write them; BatchNorm counts its batches there, which ours does not."""
    model, other = tiny.vae(BatchNorm(tiny.H)), tiny.vae(BatchNorm(tiny.H))
    pack(model.parameters()).value[...] = np.random.default_rng(0).random(356).astype(dtype)
    weights = {name: a.astype(dtype) for name, a in arrays_of(model).items()}
    weights["encoder.2.num_batches_tracked"] = np.array(3)
    save_file(weights, tmp_path / "x", header)
    theta = pack(other.parameters())
    load_model(tmp_path / "x", other)
    ours, theirs = arrays_of(model), arrays_of(other)
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    assert np.shares_memory(theirs["encoder.0.weight"], theta.value)


@pytest.mark.parametrize("header", HEADERS)
def test_weights_without_our_header_are_no_checkpoint(header: Any, tmp_path: Path) -> None:
    """It is told what they are, and not that they are damaged."""
    path = tmp_path / "x"
    save_file(dict(arrays_of(tiny.vae())), path, header)
    want = f"{path}: expected a checkpoint of nnscratch, got a safetensors file without its header"
    for call in (read, trainer().resume):
        with pytest.raises(ValueError, match=f"^{re.escape(want)}"):
            call(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("missing", "it has no decoder.0.weight"),
        ("extra", "it has a decoder.9.weight too many"),
        ("transposed", "expected decoder.0.weight (8, 2) float32, got (2, 8) float32"),
        ("float64", "expected decoder.0.weight (8, 2) float32, got (8, 2) float64"),
        ("int8", "expected decoder.0.weight (8, 2) float32, got (8, 2) int8"),
        ("bool", "expected decoder.0.weight (8, 2) float32, got (8, 2) bool"),
    ],
)
def test_weights_without_our_header_that_do_not_fit_change_nothing(
    change: str, message: str, tmp_path: Path
) -> None:
    path, mine = tmp_path / "x", tiny.vae()
    arrays = {k: np.ascontiguousarray(a) for k, a in changed(tiny.vae(), change).items()}
    save_file(arrays, path, {"format": "pt"})
    before = {name: a.copy() for name, a in arrays_of(mine).items()}
    want = f"{path}, without the header of nnscratch: a checkpoint of another model: {message}"
    with pytest.raises(ValueError, match=f"^{re.escape(want)}$"):
        load_model(path, mine)
    assert all(np.array_equal(before[name], a) for name, a in arrays_of(mine).items())


def test_numbers_that_numpy_has_not_are_named(tmp_path: Path) -> None:
    """PyTorch's bfloat16 has no dtype in NumPy."""
    path = tmp_path / "x"
    path.write_bytes(save({"a": np.zeros(3, np.float16)}).replace(b'"F16"', b'"BF16"', 1))
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little") + 1
    path.write_bytes(size.to_bytes(8, "little") + data[8:])
    with pytest.raises(ValueError, match=r"numbers of a type that NumPy has not: .*BF16"):
        load_model(path, tiny.vae())


@pytest.mark.parametrize("call", [read, lambda p: load_model(p, tiny.vae()), trainer().resume])
def test_a_missing_file_is_a_missing_file(call: Any, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path / "none"))):
        call(tmp_path / "none")


# A checkpoint of something else


def changed(model: Any, change: str) -> dict[str, Any]:
    arrays = dict(arrays_of(model))
    name = "decoder.0.weight"
    if change == "missing":
        del arrays[name]
    elif change == "extra":
        arrays["decoder.9.weight"] = np.zeros(3)
    elif change == "transposed":
        arrays[name] = arrays[name].T
    elif change in ("float64", "int8", "bool"):
        arrays[name] = arrays[name].astype(change)
    return arrays


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("missing", "it has no decoder.0.weight"),
        ("extra", "it has a decoder.9.weight too many"),
        ("transposed", "expected decoder.0.weight (8, 2) float32, got (2, 8) float32"),
        ("float64", "expected decoder.0.weight (8, 2) float32, got (8, 2) float64"),
    ],
)
def test_another_models_weights_change_nothing(change: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    model = tiny.vae()
    pack(model.parameters()).value[...] = 7
    write(path, changed(model, change), {})
    mine = tiny.vae()
    before = {name: a.copy() for name, a in arrays_of(mine).items()}
    want = f"{path}: a checkpoint of another model: {message}"
    with pytest.raises(ValueError, match=f"^{re.escape(want)}$"):
        load_model(path, mine)
    assert all(np.array_equal(before[name], a) for name, a in arrays_of(mine).items())


def test_another_model_is_refused_by_the_trainer_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x"
    trainer(tiny.vae(BatchNorm(tiny.H))).save(path)
    mine = Trainer(tiny.vae(), Adam(), seed=0, batch_size=8, replicas=1)
    before = mine.replicas.theta.value.copy()
    want = "a checkpoint of another model: expected encoder.2.bias (4,) float32, got (8,) float32"
    with pytest.raises(ValueError, match=re.escape(want)):
        mine.resume(path)
    np.testing.assert_array_equal(mine.replicas.theta.value, before)
    assert mine.optimizer.state == {}


def test_a_model_without_buffers_refuses_those_of_another(tmp_path: Path) -> None:
    save_model(tmp_path / "x", BatchNorm(3, affine=False))
    with pytest.raises(ValueError, match="it has a running_mean too many"):
        load_model(tmp_path / "x", BatchNorm(3, affine=False).affine)


def test_weights_alone_are_no_run_to_resume(tmp_path: Path) -> None:
    path = tmp_path / "x"
    save_model(path, tiny.vae())
    want = f"{path}: expected a training checkpoint, got weights alone"
    with pytest.raises(ValueError, match=f"^{re.escape(want)}$"):
        trainer().resume(path)


def test_moments_of_another_shape_are_refused(tmp_path: Path) -> None:
    """A file put together by hand: at the latest the optimiser refuses, before θ moves."""
    path = tmp_path / "x"
    t = trainer()
    t.fit(tiny.images(8), epochs=1, checkpoint=path)
    arrays, info = read(path)
    arrays["training.optimizer.first"] = arrays["training.optimizer.first"][:-1]
    write(path, arrays, info)
    again = trainer()
    again.resume(path)
    before = again.replicas.theta.value.copy()
    with pytest.raises(ValueError, match=r"Adam first: expected \(340\) float32, got \(339\)"):
        again.fit(tiny.images(8), epochs=2)
    np.testing.assert_array_equal(again.replicas.theta.value, before)


def test_an_optimizer_without_moments_yet_has_none_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    t = Trainer(tiny.vae(), SGD(0.1), seed=0, batch_size=8)
    t.save(path)
    assert read(path)[0].keys() == arrays_of(t.model).keys()
    again = Trainer(tiny.vae(), SGD(0.1), seed=0, batch_size=8)
    again.resume(path)
    again.fit(tiny.images(8), epochs=1)
    t.fit(tiny.images(8), epochs=1)
    np.testing.assert_array_equal(again.replicas.theta.value, t.replicas.theta.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"progress": 3}, "expected a run's progress by name, got 3"),
        ({"settings": [1]}, "expected a run's settings by name, got [1]"),
        ({"progress": {"epoch": -1}}, "expected a run's epoch, an integer ≥ 0, got -1"),
        ({"progress": {"step": None}}, "expected a run's step, an integer ≥ 0, got None"),
        ({"progress": {"history": "x"}}, "expected a run's history, a list, got 'x'"),
        ({"progress": {"history": [1]}}, "expected a run's epochs with their terms, got 1"),
        ({"progress": {"sums": {"total": "x"}}}, "expected a run's sums by name"),
        ({"progress": {"optimizer.steps": 0}}, "expected the moments none of the optimizer, got "),
    ],
)
def test_a_run_that_is_described_otherwise_changes_nothing(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    """As by a program of one's own: its checksum is right."""
    path = tmp_path / "run"
    trainer().fit(tiny.images(8), epochs=1, checkpoint=path)
    arrays, info = read(path)
    for name, value in change.items():
        info[name] = info[name] | value if isinstance(value, dict) else value
    write(path, arrays, info)
    other = trainer()
    before = other.replicas.theta.value.copy()
    with pytest.raises(ValueError, match=re.escape(message)):
        other.resume(path)
    assert (other.epoch, other.history) == (0, [])
    np.testing.assert_array_equal(other.replicas.theta.value, before)


OLD = Path(__file__).parent / "runs" / "lanes.safetensors"
"""Written by version 0.1.0 at commit 1690771, which called replicas "lanes"."""


def of_then(threads: int = 1, **options: Any) -> Trainer[Any]:
    """The trainer that wrote it, but for the word."""
    options = {"batch_size": 8, "micro_batch": 3, "replicas": 2, "patience": 3} | options
    return Trainer(tiny.vae(Dropout(0.3)), Adam(1e-2), seed=0, threads=threads, **options)


def as_first(path: Path, to: Path) -> None:
    """Write a file of the second format as the first had it, without a checksum."""
    arrays, header = unpack(path)
    last = {k: a for k, a in arrays.items() if k.startswith("training.last.")}
    plain = {k: a for k, a in arrays.items() if not k.startswith("training.")}
    first = {k: a for k, a in arrays.items() if k not in last | plain}
    first |= {k.removeprefix("training.last."): a for k, a in last.items()}
    first |= {f"training.best.{k}": a for k, a in plain.items()}
    save_file(first, to, {"format": FIRST, "info": header["info"]})


@pytest.mark.parametrize("written", [FORMAT, FIRST])
def test_a_run_from_before_is_read_and_goes_on(written: str, tmp_path: Path) -> None:
    path = OLD
    if written == FIRST:
        path = tmp_path / "first"
        as_first(OLD, path)
    _, info = read(path)
    assert "lanes" in info["settings"]
    one, two = of_then(), of_then(threads=2)
    for t in (one, two):
        t.resume(path)
        assert (t.epoch, t.history) == (2, info["progress"]["history"])
        t.fit(tiny.images(20), validation=tiny.images(7, seed=1), epochs=4)
    assert len(one.history) == 4
    np.testing.assert_array_equal(one.replicas.theta.value, two.replicas.theta.value)
    model = tiny.vae(Dropout(0.3))
    load_model(path, model)
    fresh = of_then()
    fresh.resume(path)
    for name, a in arrays_of(model).items():
        np.testing.assert_array_equal(a, arrays_of(fresh.model)[name])


def test_a_run_from_before_with_other_settings_is_refused_in_the_words_of_today() -> None:
    with pytest.raises(ValueError, match="another run: expected replicas 1, got 2"):
        of_then(replicas=1).resume(OLD)
