"""Tables in CSV files: numbers, gaps, scaling and its undoing, classes, and refusals."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.data import table
from nnscratch.models import build
from nnscratch.optimizers import Adam
from nnscratch.training import Trainer


def silent(_: str) -> None:
    """Print nothing."""


def csv(folder: Path, text: str, name: str = "a.csv") -> Path:
    (folder / name).write_text(text, "utf-8")
    return folder / name


def test_by_hand(tmp_path: Path) -> None:
    """Of 1 and 3 the mean is 2 and the standard deviation 1; of 10 and 30, 20 and 10."""
    said: list[str] = []
    path = csv(tmp_path, "a,kind,b\n1,dog,10\n3,cat,30\n\n")
    found = table(path, labels="kind", report=said.append)
    np.testing.assert_array_equal(found.data.images, [[-1, -1], [1, 1]])
    np.testing.assert_array_equal(found.data.labels, [1, 0])
    assert (found.columns, found.data.classes) == (("a", "b"), ("cat", "dog"))
    assert (found.data.images.dtype, found.data.name) == (np.float32, "a")
    undone = found.scaling.undo(found.data.images)
    np.testing.assert_array_equal(undone, [[1, 10], [3, 30]])
    assert said == [
        f"{path}: 2 rows, 2 columns; 0 rows dropped, 0 cells filled (refuse), "
        "scaled (standard, its own)"
    ]


@given(
    rows=st.lists(st.tuples(*[st.floats(-1e6, 1e6, width=32)] * 3), min_size=2, max_size=9),
    scale=st.sampled_from(["standard", "unit", "none"]),
)
def test_undo_undoes(rows: list[tuple[float, ...]], scale: str, tmp_path_factory) -> None:
    x = np.array(rows)
    if scale != "none" and (np.ptp(x, axis=0) < 1e-3).any():
        return
    text = "a,b,c\n" + "\n".join(",".join(map(repr, map(float, row))) for row in rows)
    found = table(csv(tmp_path_factory.getbasetemp(), text), scale=scale, report=silent)
    y = found.data.images.astype(np.float64)
    np.testing.assert_allclose(
        found.scaling.undo(y), x, rtol=1e-6, atol=1e-6 * np.ptp(x) + 1e-7 * np.abs(x).max()
    )
    if scale == "unit":
        assert 0 <= y.min() < y.max() <= 1


GAPS = "a,b\n1,5\n,7\n3,NA\n8,9\n"


def test_gaps_are_refused_dropped_or_filled(tmp_path: Path) -> None:
    path = csv(tmp_path, GAPS)
    with pytest.raises(ValueError, match=r"2 cells have no number, the first in line 3"):
        table(path)
    options = {"scale": "none", "report": silent}
    dropped = table(path, missing="drop", **options)
    np.testing.assert_array_equal(dropped.data.images, [[1, 5], [8, 9]])
    mean = table(path, missing="mean", **options).data.images
    np.testing.assert_array_equal(mean, [[1, 5], [4, 7], [3, 7], [8, 9]])
    median = table(path, missing="median", **options).data.images
    np.testing.assert_array_equal(median, [[1, 5], [3, 7], [3, 7], [8, 9]])


def test_like_takes_scaling_fillings_and_classes_of_another_table(tmp_path: Path) -> None:
    train = table(csv(tmp_path, "a,k\n1,x\n3,y\n"), labels="k", missing="mean", report=silent)
    path = csv(tmp_path, "a,k\n5,y\n,y\n", "b.csv")
    test = table(path, labels="k", missing="mean", like=train, report=silent)
    np.testing.assert_array_equal(test.data.images, [[3], [0]])
    np.testing.assert_array_equal(test.data.labels, [1, 1])
    with pytest.raises(ValueError, match="expected classes x, y, got z"):
        table(csv(tmp_path, "a,k\n5,z\n", "c.csv"), labels="k", like=train)
    with pytest.raises(ValueError, match="expected the columns a, got b"):
        table(csv(tmp_path, "b,k\n5,x\n", "d.csv"), labels="k", like=train)


def test_a_model_learns_from_a_table(tmp_path: Path, rng: np.random.Generator) -> None:
    x = rng.standard_normal((64, 1)) * [100, 3, 5] + [1000, 0, 7]
    text = "a,b,c\n" + "\n".join(",".join(map(str, row)) for row in x)
    found = table(csv(tmp_path, text), report=silent)
    model = build("table_autoencoder", (3,), latent_dim=1, rng=rng)
    history = Trainer(model, Adam(1e-2), seed=0, batch_size=16).fit(found.data, epochs=30)
    assert history[-1]["train"]["total"] < history[0]["train"]["total"] / 4


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "expected a line of names and a row or more, got 0"),
        ("a,b\n", {}, "expected a line of names and a row or more, got 1"),
        ("a,a\n1,2\n", {}, "expected a different name for each column"),
        ("a,b\n1\n", {}, "expected 2 cells in row 2, got 1"),
        ("a,b\n1,dog\n", {}, "expected a finite number in line 2, column 'b', got 'dog'"),
        ("a,b\n1,1e300\n2,1\n", {}, "expected a finite number in line 2, column 'b', got '1e300'"),
        ("a,b\n1,inf\n", {}, "expected a finite number in line 2, column 'b', got 'inf'"),
        ("a,b\n1,2\n1,3\n", {}, "expected more than one number in column 'a'"),
        ("a,b\n,2\n,3\n", {"missing": "mean"}, "expected a number in column 'a'"),
        ("a,b\n,2\n3,\n", {"missing": "drop"}, "expected a row without gaps, got none"),
        ("a\n1\n2\n", {"labels": "k"}, "expected a column 'k', got a"),
        ("a\n1\n2\n", {"labels": "a"}, "expected a column of numbers, got none"),
        ("a\n1\n2\n", {"missing": "zero"}, "table: expected missing, one of refuse, drop"),
        ("a\n1\n2\n", {"scale": True}, "table: expected scale, one of standard, unit, none"),
        ('a\n"1\n', {}, "expected a CSV file in UTF-8, got unexpected end of data"),
    ],
)
def test_refuses(text: str, options: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        table(csv(tmp_path, text), report=silent, **options)


def test_refuses_numbers_that_leave_float32_once_they_are_scaled(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("a,b\n1e-30,1\n2e-30,2\n")
    (tmp_path / "test.csv").write_text("a,b\n1e20,1\n")
    train = table(tmp_path / "train.csv", report=silent)
    with pytest.raises(ValueError, match=r"float32 can hold once .*, got 2e\+50 in column 'a'"):
        table(tmp_path / "test.csv", like=train, report=silent)


def test_refuses_what_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"a\n\xff\xfe\n")
    with pytest.raises(ValueError, match="expected a CSV file in UTF-8"):
        table(tmp_path / "a.csv")
    with pytest.raises(FileNotFoundError):
        table(tmp_path / "none.csv")
    (tmp_path / "b.csv").write_text("a\n1\n2\n")
    with pytest.raises(ValueError, match=r"Scaling.undo: expected \(N, 1\), got \(2, 2\)"):
        table(tmp_path / "b.csv", report=silent).scaling.undo(np.ones((2, 2)))
