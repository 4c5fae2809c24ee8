"""The digits that come with the package: what they are, and that they are what MNIST says."""

import hashlib
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.data import Dataset, digits, make_digits

pytestmark = pytest.mark.oldest

FILE = sys.modules["nnscratch.data.digits"].FILE  # nnscratch.data.digits itself is the function
PINNED = "a82965c2a236880a80f41d995968fc496bb6ef1341f3a8dd33ca83cd85cdaf5e"


@pytest.mark.parametrize(("part", "N"), [("train", 10_000), ("test", 2_000)])
def test_classes_are_balanced(part: str, N: int) -> None:
    data = getattr(digits(), part)
    assert data.images.shape == (N, 28, 28)
    assert data.images.dtype == data.labels.dtype == np.uint8
    np.testing.assert_array_equal(np.bincount(data.labels), [N // 10] * 10)


def test_classes_are_mixed() -> None:
    """The first hundred are a fair sample, as they would not be in a set sorted by class."""
    train = digits().train
    assert len(np.unique(train.labels[:100])) == 10


def test_no_image_appears_twice() -> None:
    images = np.concatenate([part.images for part in digits()])
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images)


def test_ink_is_255_and_paper_is_0() -> None:
    train = digits().train
    assert (train.images.min(), train.images.max()) == (0, 255)
    assert train.images[:, 0, 0].max() == 0
    assert 0.12 < train.images.mean() / 255 < 0.14


def test_the_content_is_pinned() -> None:
    """A change of the file is a change of every figure that was ever measured on it."""
    content = b"".join(array.tobytes() for part in digits() for array in (part.images, part.labels))
    assert hashlib.sha256(content).hexdigest() == PINNED


def test_the_file_is_small_and_its_licence_is_beside_it() -> None:
    assert FILE.stat().st_size < 2.5e6
    licence = FILE.with_name("DIGITS-LICENSE.txt").read_text()
    assert "Attribution-ShareAlike 3.0" in licence
    assert "Yann LeCun" in licence
    assert "Corinna Cortes" in licence


@given(per_class=st.integers(1, 3), seed=st.integers(0, 99))
def test_draw(per_class: int, seed: int) -> None:
    """Drawn without replacement, the same number of each class, in the order of the set."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(np.arange(10), 3))
    x = np.arange(30, dtype=np.uint8).reshape(30, 1, 1)
    drawn = make_digits.draw(Dataset(x, y), per_class, rng=rng)
    rows = drawn.images.ravel()
    np.testing.assert_array_equal(np.bincount(drawn.labels), [per_class] * 10)
    assert (np.diff(rows.astype(int)) > 0).all()
    np.testing.assert_array_equal(drawn.labels, y[rows])


@pytest.mark.mnist
def test_the_script_writes_the_file_that_is_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte for byte, with a zlib that compresses as the one it was made with."""
    monkeypatch.setattr(make_digits, "FILE", tmp_path / "digits.npz")
    make_digits.main([os.environ["NNSCRATCH_DATA"]])
    assert (tmp_path / "digits.npz").read_bytes() == FILE.read_bytes()
