"""A folder of pictures: what is read, what is done to it and said, and what is refused."""

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from nnscratch import data as library
from nnscratch.data import Dataset, PictureError, Pictures, Reading, columns, split
from nnscratch.data.picture import Form, read_picture
from nnscratch.models import Classifier, build
from nnscratch.optimizers import Adam
from nnscratch.training import Trainer


def silent(_: str) -> None:
    """Print nothing."""


def opened(path: Path, **options: object) -> Dataset:
    """Call nn.data.folder, with the options of how files are read among the others."""
    reading = {key: options.pop(key) for key in ("bad", "memory", "report") if key in options}
    return library.folder(path, reading=Reading(**reading), **options)


def random_picture(H: int, W: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    shape = (H, W, channels) if channels > 1 else (H, W)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def fill(folder: Path, count: int, H: int = 8, W: int = 8) -> Path:
    """Make a folder of two classes of pictures that differ."""
    for n in range(count):
        kind = folder / ("cat", "dog")[n % 2]
        kind.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random_picture(H, W, seed=n)).save(kind / f"{n:05}.png")
    return folder


def one(path: Path, **form: object) -> tuple[np.ndarray, list[str]]:
    """Return a picture, and what was changed."""
    options = {"size": (8, 8), "colour": True, **form}
    return read_picture(str(path), Form(**options))[:2]


@pytest.mark.parametrize("ending", ["png", "bmp", "webp", "tiff"])
def test_reads_every_lossless_format_to_the_bit(ending: str, tmp_path: Path) -> None:
    want = random_picture(8, 8)
    Image.fromarray(want).save(tmp_path / f"a.{ending}", lossless=True)
    got, notes = one(tmp_path / f"a.{ending}")
    np.testing.assert_array_equal(got, np.moveaxis(want, -1, 0))
    assert (notes, got.dtype, got.flags.c_contiguous) == ([], np.uint8, True)


def test_reads_jpeg(tmp_path: Path) -> None:
    want = np.full((8, 8, 3), (200, 100, 50), np.uint8)
    Image.fromarray(want).save(tmp_path / "a.jpg", quality=95)
    assert np.abs(one(tmp_path / "a.jpg")[0].astype(int) - np.moveaxis(want, -1, 0)).max() <= 3


def test_labels_are_the_sub_folders_and_rows_are_decoded(tmp_path: Path) -> None:
    said: list[str] = []
    data = opened(fill(tmp_path / "pets", 6), size=(8, 8), colour=True, report=said.append)
    assert isinstance(data, Dataset)
    assert (len(data), data.images.shape, data.classes) == (6, (6, 3, 8, 8), ("cat", "dog"))
    assert (data.name, data.nouns) == ("pets", ("picture", "pictures"))
    np.testing.assert_array_equal(data.labels, [0, 0, 0, 1, 1, 1])
    want = [np.moveaxis(random_picture(8, 8, seed=n), -1, 0) for n in (0, 2, 4, 1, 3, 5)]
    np.testing.assert_array_equal(np.asarray(data.images), want)
    np.testing.assert_array_equal(data.images[3], want[3])
    assert isinstance(data.images[1:3], Pictures)
    np.testing.assert_array_equal(np.asarray(data[np.array([4, 1])].images), [want[4], want[1]])
    x = columns(data.images, np.array([5, 0]))
    np.testing.assert_array_equal(x[..., 0], (want[5] / np.float32(255)).astype(np.float32))
    assert said[0].split("\n") == [
        f"{tmp_path / 'pets'}: 6 pictures (cat 3, dog 3), 3×8×8, 6 kept in memory"
    ]


def test_a_folder_without_sub_folders_is_one_class(tmp_path: Path) -> None:
    Image.fromarray(random_picture(8, 8, 1)).save(tmp_path / "a.png")
    data = opened(tmp_path, size=(8, 8), colour=False, report=silent)
    assert (data.images.shape, data.classes) == ((1, 8, 8), (tmp_path.name,))


@pytest.mark.parametrize("memory", [0, 1, 256])
def test_the_same_pictures_whether_they_are_kept_or_not(memory: int, tmp_path: Path) -> None:
    """Of 3·300·300 bytes, one megabyte keeps three."""
    data = opened(fill(tmp_path, 4), size=(300, 300), colour=True, memory=memory, report=silent)
    want = opened(tmp_path, size=(300, 300), colour=True, report=silent)
    assert len(data.images.files.kept) == {0: 0, 1: 3, 256: 4}[memory]
    np.testing.assert_array_equal(np.asarray(data.images), np.asarray(want.images))


def test_same_bits_on_any_number_of_threads_and_from_memory(tmp_path: Path) -> None:
    fill(tmp_path, 24)
    theta = []
    for threads, memory, loaded in ((1, 0, False), (2, 0, False), (2, 256, False), (1, 256, True)):
        data = opened(tmp_path, size=(8, 8), colour=True, memory=memory, report=silent)
        rng = np.random.default_rng(0)
        model = build("conv_vae", input_shape=(3, 8, 8), latent_dim=2, channels=(4,), rng=rng)
        trainer = Trainer(model, Adam(1e-3), seed=0, batch_size=8, micro_batch=2, threads=threads)
        train, held = split(data, 0.75, rng=np.random.default_rng(1))
        images = np.asarray(data.images) if loaded else data.images
        trainer.fit(images[train], validation=images[held], epochs=2)
        theta.append(trainer.replicas.theta.value.copy())
    for other in theta[1:]:
        np.testing.assert_array_equal(theta[0], other)


def test_a_classifier_learns_from_a_folder(tmp_path: Path, rng: np.random.Generator) -> None:
    from nnscratch.layers import Dense, Flatten, Sequential

    data = opened(fill(tmp_path, 8), size=(8, 8), colour=True, memory=0, report=silent)
    network = Sequential(Flatten(), Dense(192, 2, rng=rng))
    model = Classifier(network, input_shape=(3, 8, 8))
    history = Trainer(model, Adam(1e-2), seed=0, batch_size=4).fit(data, epochs=20)
    assert history[-1]["train"]["total"] < history[0]["train"]["total"] / 2


def half_transparent(path: Path) -> None:
    a = np.zeros((8, 8, 4), np.uint8)
    a[..., 0], a[:, 4:, 3] = 255, 255
    Image.fromarray(a).save(path)


def test_transparent_parts_are_laid_on_the_background(tmp_path: Path) -> None:
    half_transparent(tmp_path / "a.png")
    got, notes = one(tmp_path / "a.png", background=(10, 20, 30))
    np.testing.assert_array_equal(got[:, 0, 0], [10, 20, 30])
    np.testing.assert_array_equal(got[:, 0, 7], [255, 0, 0])
    assert notes == ["have transparent parts, laid on the background (10, 20, 30)"]


@given(level=st.integers(0, 65535))
def test_of_16_bits_the_upper_8_are_taken(level: int, tmp_path_factory) -> None:
    path = tmp_path_factory.getbasetemp() / "grey16.png"
    Image.fromarray(np.full((8, 8), level, np.uint16)).save(path)
    got, notes = one(path, colour=False)
    np.testing.assert_array_equal(got, level >> 8)
    assert notes == ["have 16 bits a channel, of which the upper 8 were taken"]


def png(width: int, height: int, depth: int, kind: int, rows: bytes) -> bytes:
    """Return a PNG file as its specification says; Pillow writes no 16 bits of colour."""

    def chunk(name: bytes, content: bytes) -> bytes:
        crc = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def test_16_bits_of_colour_are_said_too(tmp_path: Path) -> None:
    row = b"\0" + struct.pack(">HHH", 0x1234, 0x5678, 0xFFFF) * 8
    (tmp_path / "a.png").write_bytes(png(8, 8, 16, 2, row * 8))
    got, notes = one(tmp_path / "a.png")
    np.testing.assert_array_equal(got[:, 3, 3], [0x12, 0x56, 0xFF])
    assert notes == ["have 16 bits a channel, of which the upper 8 were taken"]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_as_their_camera_says(orientation: int, tmp_path: Path) -> None:
    """By the definition of EXIF 2.3, tag 274: where row 0 and column 0 of the file are seen."""
    a = random_picture(4, 6)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(a).save(tmp_path / "a.png", exif=exif)
    flip = {2: a[:, ::-1], 3: a[::-1, ::-1], 4: a[::-1]}
    swapped = np.swapaxes(a, 0, 1)
    flip |= {5: swapped, 6: swapped[:, ::-1], 7: swapped[::-1, ::-1], 8: swapped[::-1]}
    want = flip.get(orientation, a)
    got, notes = one(tmp_path / "a.png", size=want.shape[:2])
    np.testing.assert_array_equal(got, np.moveaxis(want, -1, 0))
    assert notes == (["were turned as their EXIF data say"] if orientation > 1 else [])


@pytest.mark.parametrize(
    ("mode", "colour", "words"),
    [
        ("L", True, "are grey, which was repeated"),
        ("1", True, "are grey, which was repeated"),
        ("RGB", False, "made grey by 0.299"),
        ("P", False, "made grey by 0.299"),
        ("CMYK", True, "are CMYK, converted"),
        ("LA", False, "laid on the background"),
    ],
)
def test_other_modes_are_converted_and_it_is_said(
    mode: str, colour: bool, words: str, tmp_path: Path
) -> None:
    picture = Image.fromarray(random_picture(8, 8)).convert(mode)
    picture.save(tmp_path / "a.tif")
    got, notes = one(tmp_path / "a.tif", colour=colour)
    assert got.shape == ((3, 8, 8) if colour else (8, 8))
    assert any(words in note for note in notes)


def test_crop_pad_and_stretch(tmp_path: Path) -> None:
    """Of columns 10, 20, 30, 40 twice each, 4×8 pixels, a square of 4×4 shows the middle."""
    a = np.repeat(np.array([[10, 10, 20, 20, 30, 30, 40, 40]], np.uint8), 4, axis=0)
    Image.fromarray(a).save(tmp_path / "a.png")
    crop, notes = one(tmp_path / "a.png", size=(4, 4), colour=False)
    np.testing.assert_array_equal(crop[0], [20, 20, 30, 30])
    assert notes == ["were cropped to their middle, as their aspect ratio is not 4:4"]
    pad, notes = one(tmp_path / "a.png", size=(8, 8), colour=False, fit="pad", background=(9,) * 3)
    np.testing.assert_array_equal(pad[2:6], a)
    np.testing.assert_array_equal(pad[[0, 1, 6, 7]], np.full((4, 8), 9))
    assert notes == ["were padded, as their aspect ratio is not 8:8"]
    stretch, notes = one(tmp_path / "a.png", size=(4, 4), colour=False, fit="stretch")
    assert (np.diff(stretch[0].astype(int)) > 5).all()
    assert [note.split()[1] for note in notes] == ["stretched,", "reduced"]


@given(
    h=st.integers(1, 40),
    w=st.integers(1, 40),
    H=st.integers(1, 20),
    W=st.integers(1, 20),
    fit=st.sampled_from(["crop", "pad", "stretch"]),
)
def test_any_size_becomes_any_other(h: int, w: int, H: int, W: int, fit: str, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "sizes.bmp"
    Image.new("L", (w, h), 77).save(path)
    got, notes = one(path, size=(H, W), colour=False, fit=fit, background=(77,) * 3)
    np.testing.assert_array_equal(got, np.full((H, W), 77))
    assert bool(notes) == ((h, w) != (H, W))


def huge() -> bytes:
    return png(20_000, 20_000, 8, 2, b"")


BAD: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "text.png": (lambda _: b"a text", "no picture in PNG, JPEG, BMP, WEBP, TIFF"),
    "empty.png": (lambda _: b"", "empty file"),
    "short.jpg": (lambda good: good[: len(good) // 2], "truncated"),
    "huge.png": (lambda _: huge(), "more than 67,108,864 pixels"),
    "large.png": (lambda _: png(9_000, 9_000, 8, 0, b""), "more than 67,108,864 pixels"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_named_with_its_reason(name: str, tmp_path: Path) -> None:
    fill(tmp_path, 2)
    Image.fromarray(random_picture(80, 80)).save(tmp_path / "good.jpg")
    content, reason = BAD[name]
    (tmp_path / "dog" / name).write_bytes(content((tmp_path / "good.jpg").read_bytes()))
    (tmp_path / "good.jpg").unlink()
    with pytest.raises(ValueError, match=f'bad="skip"\\) leaves them out\n  1 left.*{reason}') as e:
        opened(tmp_path, size=(8, 8), colour=True, report=silent)
    assert f"(dog/{name})" in str(e.value)
    said: list[str] = []
    data = opened(tmp_path, size=(8, 8), colour=True, bad="skip", report=said.append)
    assert len(data) == 2
    assert f"1 left out: {reason}" in said[0].replace("image file is ", "")


def test_more_than_one_bad_file_and_other_files_are_counted(tmp_path: Path) -> None:
    fill(tmp_path, 2)
    for n in range(5):
        (tmp_path / "cat" / f"bad{n}.png").write_bytes(b"?")
    (tmp_path / "cat" / "notes.txt").write_text("x")
    (tmp_path / ".git").mkdir()
    said: list[str] = []
    opened(tmp_path, size=(8, 8), colour=True, bad="skip", report=said.append)
    assert said[0].split("\n")[1:] == [
        "  5 left out: no picture in PNG, JPEG, BMP, WEBP, TIFF "
        "(cat/bad0.png, cat/bad1.png, cat/bad2.png, …)",
        "  1 other files not looked at (1 .txt)",
    ]


def test_a_file_without_permission_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, 2)

    def refuse(path: str, mode: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("nnscratch.data.picture.open", refuse, raising=False)
    with pytest.raises(ValueError, match="2 left out: not readable, Permission denied") as error:
        opened(tmp_path, size=(8, 8), colour=True, report=silent)
    assert "skip" not in str(error.value)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(ValueError, match="no regular file"):
        opened(tmp_path, size=(8, 8), colour=True, report=silent)


def test_refuses_folders_in_which_there_is_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="expected a folder of pictures"):
        opened(tmp_path / "none", size=(8, 8), colour=True)
    with pytest.raises(ValueError, match=r"folder: expected files \.png, \.jpg"):
        opened(tmp_path, size=(8, 8), colour=True)
    fill(tmp_path, 2)
    Image.fromarray(random_picture(8, 8)).save(tmp_path / "beside.png")
    with pytest.raises(ValueError, match=r"got 1 beside the sub-folders \(beside.png"):
        opened(tmp_path, size=(8, 8), colour=True)


def test_a_file_that_changes_or_vanishes_in_training_is_named(tmp_path: Path) -> None:
    data = opened(fill(tmp_path, 4), size=(8, 8), colour=True, memory=0, report=silent)
    first, second = tmp_path / "cat" / "00000.png", tmp_path / "cat" / "00002.png"
    Image.fromarray(random_picture(9, 9)).save(first)
    with pytest.raises(PictureError, match=r"00000.png: the file was changed since the folder"):
        data.images[0]
    second.unlink()
    model = build(
        "conv_vae", input_shape=(3, 8, 8), latent_dim=2, channels=(4,), rng=np.random.default_rng(0)
    )
    with pytest.raises(PictureError, match=r"00002.png: the file was removed since the folder"):
        Trainer(model, Adam(1e-3), seed=0, batch_size=3).fit(data[1:], epochs=1)
    first.write_bytes(b"text")
    with pytest.raises(PictureError, match=r"no picture .*; it was readable before"):
        data.images[0]


def test_strange_exif_data_are_said_once(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(random_picture(8, 8)).save(path, exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff")
    said: list[str] = []
    data = opened(tmp_path, size=(8, 8), colour=True, memory=0, report=said.append)
    assert "1 were read with a warning of Pillow" in said[0]
    assert data.images[0].shape == (3, 8, 8)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 8}, r"expected size, a pair \(H, W\), got 8"),
        ({"size": (8, 0)}, "expected W of size ≥ 1, got 0"),
        ({"colour": 3}, "expected colour, True or False, got 3"),
        ({"fit": "cut"}, "expected fit, one of crop, pad, stretch, got 'cut'"),
        ({"bad": True}, "expected bad, one of refuse, skip, got True"),
        ({"background": 256}, "expected background, 0 to 255 or three of them, got 256"),
        ({"background": (1, 2)}, "expected background, 0 to 255 or three of them"),
        ({"memory": -1}, "expected memory ≥ 0, got -1"),
    ],
)
def test_refuses_arguments(options: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"(folder|Reading): {message}"):
        opened(tmp_path, **{"size": (8, 8), "colour": True, **options})
