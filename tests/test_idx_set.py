"""Sets in a directory of IDX files: whichever they are, and called what they are."""

import hashlib
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from checks.idx import idx_bytes
from checks.idx_set import FILES, Arrays, arrays, save
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.data import Split, digits, read_set

pytestmark = pytest.mark.oldest

module = sys.modules["nnscratch.data.idx_set"]


def same(found: Split, made: Arrays) -> bool:
    got = (a for part in found for a in (part.images, part.labels))
    return all(np.array_equal(a, b) for a, b in zip(got, made, strict=True))


DOTTED = tuple(name.replace("-idx", ".idx") for name in FILES)
EMNIST = tuple(f"emnist-letters-{name.replace('t10k', 'test')}" for name in FILES)
PLAIN = ("train_images", "train_labels", "test_images", "test_labels")


@pytest.mark.parametrize("names", [FILES, DOTTED, EMNIST, PLAIN], ids=lambda n: n[2])
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_files_are_known_by_the_spellings_in_use(
    names: tuple[str, ...], ending: str, tmp_path: Path
) -> None:
    made = arrays()
    save(tmp_path / "my set", made, tuple(name + ending for name in names))
    found = read_set(tmp_path / "my set")
    assert same(found, made)
    assert found.train.name == found.test.name == "my set"
    assert found.train.nouns == ("image", "images")
    assert found.train.class_name(3) == "3"


@given(
    sizes=st.tuples(st.integers(26, 60), st.integers(1, 60)),
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    classes=st.integers(1, 26),
    first=st.integers(0, 1),
)
def test_any_size_count_and_number_of_classes(
    tmp_path_factory: pytest.TempPathFactory,
    sizes: tuple[int, int],
    shape: tuple[int, int],
    classes: int,
    first: int,
) -> None:
    made = arrays(sizes, shape, classes, first)
    assert same(read_set(save(tmp_path_factory.mktemp("set"), made)), made)


def test_home_is_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    save(tmp_path / "set", made := arrays())
    assert same(read_set("~/set"), made)


def test_labels_may_be_of_any_integer_type(tmp_path: Path) -> None:
    x, y, x_test, y_test = arrays()
    made = (x, y.astype(np.int32), x_test, y_test.astype(np.int16))
    assert same(read_set(save(tmp_path, made)), made)


def test_a_file_beside_its_gzipped_copy_is_one_file(tmp_path: Path) -> None:
    save(tmp_path, made := arrays())
    save(tmp_path, made, tuple(f"{name}.gz" for name in FILES))
    assert same(read_set(tmp_path), made)


def test_of_several_sets_one_is_asked_for(tmp_path: Path) -> None:
    """As EMNIST comes: its files have the names of its sets before them."""
    letters, balanced = arrays(), arrays(seed=1)
    save(tmp_path, letters, EMNIST)
    save(tmp_path, balanced, tuple(name.replace("letters", "balanced") for name in EMNIST))
    message = f"{tmp_path}: expected one set, got 2: ask for one, emnist-balanced, emnist-letters"
    with pytest.raises(FileNotFoundError, match=f"^{re.escape(message)}$"):
        read_set(tmp_path)
    found = read_set(tmp_path / "emnist-letters")
    assert same(found, letters)
    assert found.train.name == "emnist-letters"


def test_a_folder_of_one_set_is_enough(tmp_path: Path) -> None:
    save(tmp_path / "kmnist", made := arrays())
    found = read_set(tmp_path)
    assert same(found, made)
    assert found.test.name == "kmnist"
    save(tmp_path / "clothes", arrays())
    with pytest.raises(FileNotFoundError, match=r"expected one set, got 2.*clothes, kmnist"):
        read_set(tmp_path)


# What it is called


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> tuple[Arrays, Arrays]:
    """Two small sets, the first of which is known here as MNIST by its unpacked files."""
    mnist, other = arrays(), arrays(seed=1)
    sha256 = tuple(hashlib.sha256(idx_bytes(a)).hexdigest() for a in mnist)
    monkeypatch.setattr(module, "MNIST", replace(module.MNIST, content=sha256))
    return mnist, other


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_known_set_is_called_by_its_name(known, ending: str, tmp_path: Path) -> None:
    save(tmp_path / "x", known[0], tuple(name + ending for name in FILES))
    train, test = read_set(tmp_path / "x")
    assert train.name == test.name == "MNIST"
    assert train.nouns == ("digit", "digits")


def test_a_known_set_with_names_of_classes_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, arrays(), tuple(f"{name}.gz" for name in FILES))
    files = ((tmp_path / f"{name}.gz").read_bytes() for name in FILES)
    sha256 = tuple(hashlib.sha256(content).hexdigest() for content in files)
    monkeypatch.setattr(module, "FASHION_MNIST", replace(module.FASHION_MNIST, sha256=sha256))
    train = read_set(tmp_path).train
    assert (train.name, train.nouns) == ("Fashion-MNIST", ("garment", "garments"))
    assert train[:7].class_name(9) == "Ankle boot"


def test_other_images_with_the_labels_of_mnist_are_not_mnist(known, tmp_path: Path) -> None:
    (_, y, _, y_test), (x, _, x_test, _) = known
    assert read_set(save(tmp_path / "noisy", (x, y, x_test, y_test))).train.name == "noisy"


def test_what_comes_with_the_package_is_called_so() -> None:
    train, test = digits()
    assert train.name == test[:3].name == "the embedded part of MNIST"
    assert test.nouns == ("digit", "digits")


# What is no set


@pytest.mark.parametrize("odd", range(4))
def test_one_file_of_another_set_is_named(known, odd: int, tmp_path: Path) -> None:
    mnist, other = known
    for ours, theirs, what in ((mnist, other, "is not"), (other, mnist, "is")):
        mixed = tuple(theirs[i] if i == odd else ours[i] for i in range(4))
        save(tmp_path, mixed)
        message = (
            f"{tmp_path / FILES[odd]}: expected four files of one set, but this {what} a file of "
            "MNIST, unlike the three beside it"
        )
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            read_set(tmp_path)


X, Y, X_TEST, Y_TEST = arrays()
COLOUR = np.zeros((20, 3, 6, 5), np.uint8)


@pytest.mark.parametrize(
    ("file", "array", "message"),
    [
        (0, X_TEST, "(20,) integers, a label for each image of"),
        (1, Y_TEST, "(30,) integers, a label for each image of"),
        (2, X, "(30,) integers, a label for each image of"),
        (3, Y, "(20,) integers, a label for each image of"),
        (2, Y_TEST, "images (N, H, W) uint8, got (20,) uint8"),
        (3, X_TEST, "(20,) integers, a label for each image of"),
        (2, X_TEST[:, :5], "images (6, 5) like those of"),
        (0, X[:, :5], "images (5, 5) like those of"),
        (2, COLOUR, "images (N, H, W) uint8, got (20, 3, 6, 5) uint8"),
        (0, X.astype(np.float32), "images (N, H, W) uint8, got (30, 6, 5) float32"),
        (1, Y.astype(np.float64), "(30,) integers, a label for each image of"),
        (1, Y.astype(np.int8) - 1, "labels from 0 on, got -1"),
        (3, Y_TEST + 1, "the classes of"),
    ],
)
def test_a_file_that_does_not_go_with_the_others_is_named(
    file: int, array: np.ndarray, message: str, tmp_path: Path
) -> None:
    made = [X, Y, X_TEST, Y_TEST]
    made[file] = array
    save(tmp_path, tuple(made))
    with pytest.raises(ValueError, match=re.escape(f": expected {message}")) as caught:
        read_set(tmp_path)
    assert str(caught.value).startswith(str(tmp_path))


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    file = save(tmp_path, arrays()) / FILES[2]
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ValueError, match=re.escape(f"{file}: expected ")):
        read_set(tmp_path)


@pytest.mark.parametrize("missing", range(4))
def test_a_missing_file_is_named(missing: int, tmp_path: Path) -> None:
    (save(tmp_path, arrays()) / FILES[missing]).unlink()
    role = ("train images", "train labels", "test images", "test labels")[missing]
    with pytest.raises(FileNotFoundError, match=f"^{re.escape(str(tmp_path))}: .*none of {role}$"):
        read_set(tmp_path)


@pytest.mark.parametrize("place", ["", "nowhere", "nowhere/set"])
def test_a_directory_that_is_not_there_or_is_empty_is_named(place: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=f"^{re.escape(str(tmp_path / place))}: "):
        read_set(tmp_path / place)


def test_names_of_classes_are_those_of_its_labels() -> None:
    with pytest.raises(
        ValueError, match="expected 0 to 1, one of the classes cat, dog, got 0 to 9"
    ):
        replace(digits().test, classes=("cat", "dog"))
