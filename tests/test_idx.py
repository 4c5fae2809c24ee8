"""The IDX reader: what it reads, and what it refuses."""

import gzip
import re
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from checks.idx import CODES, idx_bytes
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.data import read_idx

BYTES = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6])  # [[1, 2, 3], [4, 5, 6]]


def refuse(path: Path, content: bytes, message: str) -> None:
    """The file is refused, by its name and for this reason."""
    path.write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(f"{path}: expected {message}")):
        read_idx(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some-idx"


def test_a_worked_example(path: Path) -> None:
    path.write_bytes(BYTES)
    np.testing.assert_array_equal(read_idx(path), [[1, 2, 3], [4, 5, 6]])


def test_big_endian_numbers_arrive_in_native_order(path: Path) -> None:
    path.write_bytes(bytes([0, 0, 0x0B, 1, 0, 0, 0, 2, 1, 0, 0xFF, 0xFE]))
    a = read_idx(path)
    np.testing.assert_array_equal(a, [256, -2])
    assert a.dtype == np.int16
    assert a.dtype.isnative


@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    dtype=st.sampled_from(sorted(CODES)),
    packed=st.booleans(),
    seed=st.integers(0, 99),
)
def test_reads_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, shape: list[int], dtype: str, packed: bool, seed: int
) -> None:
    path = tmp_path_factory.mktemp("idx") / "a"
    a = np.random.default_rng(seed).integers(0, 128, shape).astype(dtype)
    content = idx_bytes(a)
    path.write_bytes(gzip.compress(content) if packed else content)
    read = read_idx(path)
    np.testing.assert_array_equal(read, a)
    assert read.dtype == a.dtype


def test_the_array_is_ours_to_write(path: Path) -> None:
    path.write_bytes(BYTES)
    read_idx(path)[0, 0] = 7


def test_a_gzip_is_known_by_its_content_not_its_name(tmp_path: Path) -> None:
    path = tmp_path / "unpacked-by-the-browser.gz"
    path.write_bytes(BYTES)
    assert read_idx(path).shape == (2, 3)


def test_takes_a_str(path: Path) -> None:
    path.write_bytes(BYTES)
    assert read_idx(str(path)).shape == (2, 3)


def test_home_is_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a").write_bytes(BYTES)
    assert read_idx("~/a").shape == (2, 3)


def test_a_missing_file_is_named(path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="some-idx"):
        read_idx(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "an IDX header of 4 bytes, got a file of 0 bytes"),
        (BYTES[:3], "an IDX header of 4 bytes, got a file of 3 bytes"),
        (b"\x89PNG", "an IDX file, which starts with bytes 00 00, got 89 50"),
        (b"\0\1" + BYTES[2:], "an IDX file, which starts with bytes 00 00, got 00 01"),
        (
            b"\0\0\x0a" + BYTES[3:],
            "an IDX type code (0x08, 0x09, 0x0b, 0x0c, 0x0d, 0x0e), got 0x0a",
        ),
        (b"\0\0\x08\0" + BYTES[4:], "1 to 64 dimensions, got 0"),
        (b"\0\0\x08\x41" + bytes(400), "1 to 64 dimensions, got 65"),
        (BYTES[:11], "a header of 12 bytes, got a file of 11 bytes"),
        (BYTES[:7] + b"\0" + BYTES[8:12], "dimensions of at least 1, got (0, 3)"),
        (BYTES[:12], "18 bytes for (2, 3) uint8, got 12 bytes"),
        (BYTES[:-1], "18 bytes for (2, 3) uint8, got 17 bytes"),
        (BYTES + b"\n", "18 bytes for (2, 3) uint8, got 19 bytes"),
        (
            b"\0\0\x0e\2" + b"\xff" * 8,
            f"{12 + 8 * 4294967295**2} bytes for (4294967295, 4294967295) float64, got 12 bytes",
        ),
    ],
)
def test_refuses(path: Path, content: bytes, message: str) -> None:
    refuse(path, content, message)


@pytest.mark.parametrize("kept", range(1, len(BYTES)))
def test_refuses_the_beginning_of_a_file(path: Path, kept: int) -> None:
    path.write_bytes(BYTES[:kept])
    with pytest.raises(ValueError, match="some-idx: expected"):
        read_idx(path)


def packed() -> bytes:
    return gzip.compress(BYTES, mtime=0)


def corrupt(at: int) -> bytes:
    content = bytearray(packed())
    content[at] ^= 0xFF
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [packed()[:2], packed()[:15], packed()[:-1], packed() + b"x", corrupt(10), corrupt(-5)],
    ids=["only the magic", "half", "cut short", "more behind it", "broken stream", "wrong CRC"],
)
def test_refuses_a_damaged_gzip(path: Path, content: bytes) -> None:
    refuse(path, content, "a whole gzip file, got a damaged one")


def test_refuses_a_gzip_of_something_else(path: Path) -> None:
    refuse(path, gzip.compress(b"<html>"), "an IDX file, which starts with bytes 00 00, got 3c 68")


def test_no_more_is_unpacked_than_the_header_promises(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, read = [], gzip.GzipFile.read
    monkeypatch.setattr(gzip.GzipFile, "read", lambda f, n: asked.append(n) or read(f, n))
    member = gzip.compress(bytes(2**24), 1)
    path.write_bytes(gzip.compress(BYTES) + 64 * member)  # a gigabyte
    with pytest.raises(ValueError, match=r"18 bytes for \(2, 3\) uint8, got 19 bytes or more"):
        read_idx(path)
    assert sum(asked) == len(BYTES) + 1


def test_nothing_is_set_aside_for_what_a_header_promises_and_the_file_lacks(path: Path) -> None:
    header = b"\0\0\x08\2" + b"\0\1\0\0" * 2  # 4 GiB
    for content in (header, header + bytes(100)):
        path.write_bytes(gzip.compress(content))
        tracemalloc.start()
        with pytest.raises(ValueError, match="4294967308 bytes for"):
            read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 2**23
        tracemalloc.stop()
