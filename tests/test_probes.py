"""Probes on codes whose classes are known, against loops and the conditions of an optimum."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.core import Array, IntArray
from nnscratch.data import digits, mnist
from nnscratch.evaluation.baselines import PCA
from nnscratch.evaluation.probes import NearestNeighbours, SoftmaxProbe, accuracy, balanced, nearest

pytestmark = pytest.mark.plain

RNG = np.random.default_rng(0)


def blobs(N: int = 300, spread: float = 0.3) -> tuple[Array, IntArray]:
    """Three clouds in the plane, around (0, 0), (1, 0) and (0, 1)."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, N)
    centres = np.array([[0.0, 0], [1, 0], [0, 1]])
    return centres[labels] + spread * rng.standard_normal((N, 2)), labels


def test_accuracy_by_hand() -> None:
    assert accuracy(np.array([1, 2, 3, 3]), np.array([1, 2, 0, 3])) == 0.75


def test_of_equally_many_neighbours_the_nearest_decides() -> None:
    """At 0: labels 1 at 0.1, 0 at 0.2, 0 at 0.3, 1 at 0.4."""
    probe = NearestNeighbours(4).fit(np.array([[0.4], [0.2], [0.1], [0.3]]), np.array([1, 0, 1, 0]))
    assert probe.predict(np.array([[0.0]])) == [1]
    assert NearestNeighbours(3).fit(probe.codes, probe.labels).predict(np.array([[0.0]])) == [0]


@pytest.mark.parametrize("k", [1, 5, 8])
def test_neighbours_by_sorting_all_distances(k: int) -> None:
    codes, labels = blobs()
    new = np.random.default_rng(1).random((40, 2))
    found = NearestNeighbours(k).fit(codes, labels).predict(new)
    for z, label in zip(new, found, strict=True):
        near = labels[np.argsort(np.linalg.norm(codes - z, axis=1))[:k]].tolist()
        most = max(near.count(c) for c in near)
        assert label == next(c for c in near if near.count(c) == most)


@pytest.mark.parametrize("k", [1, 5, 300])
def test_the_nearest_by_sorting_all_distances(k: int) -> None:
    known = blobs()[0]
    codes = np.random.default_rng(1).random((40, 2))
    rows, distances = nearest(known, codes, k)
    for z, its, far in zip(codes, rows, distances, strict=True):
        every = np.linalg.norm(known - z, axis=1)
        np.testing.assert_array_equal(its, np.argsort(every)[:k])
        np.testing.assert_allclose(far, np.sort(every)[:k], rtol=1e-12)


def test_the_nearest_of_images_are_those_of_their_grey_levels() -> None:
    train, test = digits()
    rows, distances = nearest(train.images[:700], test.images[:5], 3)
    flat = [part.images.reshape(len(part), -1) / 255 for part in (train[:700], test[:5])]
    again, exact = nearest(*flat, 3)
    np.testing.assert_array_equal(rows, again)
    np.testing.assert_allclose(distances, exact, rtol=1e-5)


@pytest.mark.parametrize(
    ("codes", "k", "message"),
    [
        (np.zeros((2, 3)), 1, r"nearest codes: expected \(N, 2\), got \(2, 3\)"),
        (np.zeros((2, 2)), 0, "expected k ≥ 1, got 0"),
        (np.zeros((2, 2)), 4, "expected k ≤ 3, the number of known codes, got 4"),
    ],
)
def test_what_has_no_nearest_is_refused(codes: Array, k: int, message: str) -> None:
    with pytest.raises(ValueError, match=f"^nearest.*{message.removeprefix('nearest')}"):
        nearest(np.ones((3, 2)), codes, k)


@pytest.mark.parametrize("precision", [0.1, 3.0])
def test_the_softmax_probe_is_at_its_optimum(precision: float) -> None:
    """There (p - onehot)ᵀ [z, 1] + λ [w, b] = 0, with z the codes centred and scaled as one."""
    codes, labels = blobs()
    probe = SoftmaxProbe(precision=precision).fit(codes, labels)
    z = codes - codes.mean(axis=0)
    z /= np.sqrt((z**2).sum(axis=1).mean())
    a = z @ probe.layer.w.value.T + probe.layer.b.value
    p = np.exp(a) / np.exp(a).sum(axis=1, keepdims=True)
    gradient = (p - np.eye(3)[labels]).T @ np.c_[z, np.ones(len(z))]
    gradient += precision * np.c_[probe.layer.w.value, probe.layer.b.value]
    assert np.abs(gradient).max() / len(z) < 1e-4
    np.testing.assert_array_equal(probe.predict(codes), a.argmax(axis=1))


def test_the_softmax_probe_sees_neither_scale_nor_place_nor_turn() -> None:
    """The logits of new codes are the same if all codes were moved, turned and stretched before."""
    codes, labels = blobs()
    codes = np.c_[codes, 0.01 * np.random.default_rng(1).standard_normal(len(codes))]
    turn, _ = np.linalg.qr(np.random.default_rng(2).standard_normal((3, 3)))
    probes = {}
    for name, z in {"as they are": codes, "moved": 7 * codes @ turn + 5}.items():
        probe = probes[name] = SoftmaxProbe(precision=3.0).fit(z[:200], labels[:200])
        probe.logits = probe.layer.forward(probe._columns(z[200:]))[0]
    plain, moved = (probe.logits for probe in probes.values())
    np.testing.assert_allclose(moved, plain, atol=1e-3 * np.abs(plain).max())


def test_both_tell_what_can_be_told() -> None:
    codes, labels = blobs(spread=0.1)
    for probe in (NearestNeighbours(5), SoftmaxProbe()):
        assert (
            accuracy(probe.fit(codes[:200], labels[:200]).predict(codes[200:]), labels[200:]) > 0.98
        )


def test_a_probe_is_deterministic_and_takes_images_and_constant_entries() -> None:
    train, test = digits()
    images, labels = train.images[:500] / np.float32(255), train.labels[:500]
    first = SoftmaxProbe(50).fit(images, labels).predict(test.images / np.float32(255))
    again = SoftmaxProbe(50).fit(images, labels).predict(test.images / np.float32(255))
    np.testing.assert_array_equal(first, again)
    assert accuracy(first, test.labels) > 0.7


@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 2**32))
def test_a_balanced_draw_has_no_row_twice_and_as_many_of_each_class(
    K: int, each: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(K), rng.integers(4, 9, K)))
    rows = balanced(labels, K * each, rng=rng)
    assert len(set(rows.tolist())) == len(rows) == K * each
    np.testing.assert_array_equal(np.bincount(labels[rows]), np.full(K, each))


def test_a_balanced_draw_takes_each_row_as_often_as_any_other_of_its_class() -> None:
    """Of 3 zeros two, of 6 ones two: in 2,000 draws each zero 2/3 and each one 1/3 of the times."""
    rng, labels = np.random.default_rng(0), np.repeat([0, 1], [3, 6])
    counts = sum(np.bincount(balanced(labels, 4, rng=rng), minlength=9) for _ in range(2000))
    np.testing.assert_allclose(counts / 2000, np.where(labels == 0, 2 / 3, 1 / 3), atol=0.05)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: NearestNeighbours(0), "expected k ≥ 1, got 0"),
        (lambda: NearestNeighbours(3).fit(np.zeros((2, 1)), np.zeros(2, int)), "expected 3 codes"),
        (
            lambda: SoftmaxProbe().fit(np.zeros((2, 1)), np.zeros(3, int)),
            r"fit labels: expected \(2,\) integers, one",
        ),
        (lambda: SoftmaxProbe().fit(np.zeros((2, 1)), np.zeros(2)), "integers, .* got .* float"),
        (lambda: SoftmaxProbe().fit(np.full((2, 1), np.nan), np.zeros(2, int)), "finite numbers"),
        (lambda: SoftmaxProbe(0), "expected an integer ≥ 1, got 0"),
        (lambda: SoftmaxProbe(precision=-1), "expected precision ≥ 0, got -1"),
        (lambda: balanced(np.array([0, 1, 1]), 3, rng=RNG), "each of 2 classes, .* got count 3"),
        (lambda: balanced(np.array([0, 1, 1]), 4, rng=RNG), "at most 1, got count 4"),
        (lambda: balanced(np.array([0, 1, 1]), 0, rng=RNG), "got count 0"),
        (
            lambda: accuracy(np.zeros(2, int), np.zeros(3, int)),
            r"accuracy predicted: expected \(3,\) integers",
        ),
    ],
)
def test_refusals(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.mnist
@pytest.mark.parametrize(("k", "want"), [(2, 0.446), (10, 0.809), (32, 0.901)])
def test_the_softmax_probe_on_mnist(k: int, want: float) -> None:
    """Accuracies that L-BFGS found on the same whitened codes."""
    train, test = mnist()
    pca = PCA(k).fit(train.images)
    probe = SoftmaxProbe().fit(pca.encode(train.images), train.labels)
    assert accuracy(probe.predict(pca.encode(test.images)), test.labels) == pytest.approx(
        want, abs=2e-3
    )


@pytest.mark.parametrize("probe", [NearestNeighbours(1), SoftmaxProbe(steps=2)])
def test_codes_whose_squares_are_no_number_are_refused(
    probe: NearestNeighbours | SoftmaxProbe,
) -> None:
    codes, labels = blobs(9)
    z = codes.astype(np.float32)
    with pytest.raises(ValueError, match=r"predict: expected a call of fit first"):
        type(probe)().predict(z)
    with pytest.raises(ValueError, match=r"fit: expected codes up to 6\.5\d*e\+18, got 1e\+30"):
        probe.fit(np.full_like(z, 1e30), labels)
    probe.fit(z, labels)
    with pytest.raises(ValueError, match=r"predict: expected codes up to 6\.5\d*e\+18, got 1e\+30"):
        probe.predict(np.full_like(z, 1e30))


def test_what_the_softmax_probe_takes_unless_told() -> None:
    """Its docstring's numbers are measured with these."""
    probe = SoftmaxProbe()
    assert (probe.steps, probe.precision, probe.schedule(0)) == (300, 0.1, 1.0)
