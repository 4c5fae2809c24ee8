"""How much of the class is in a code? Classifiers too simple to find what is not there.

probe = SoftmaxProbe().fit(model.encode(train.images), train.labels)
accuracy(probe.predict(model.encode(test.images)), test.labels)

codes   (N, …)  floats, or raw pixels, of which bytes are divided by 255
labels  (N,)    integers from 0
"""

from math import inf
from typing import Any, Protocol, Self

import numpy as np

from ..checks.arguments import integer, number
from ..checks.arrays import check_numbers, images_of, labels_of, samples_of
from ..core import Array, IntArray, Shape
from ..kernels.machine.threads import in_chunks
from ..layers.dense import Dense
from ..layers.initializers import zeros
from ..models.supervised import Classifier
from ..optimizers import Adam
from ..schedules import Cosine
from ..training.trainer import Trainer

CHUNK = 500
"""Codes classified at a time."""


class Probe(Protocol):
    """A classifier of codes."""

    def fit(self, codes: Array, labels: IntArray) -> Self:
        """Learn from labelled codes, and return self."""
        ...

    def predict(self, codes: Array) -> IntArray:
        """Return a label for each code, (N,)."""
        ...


class NearestNeighbours:
    """The label that most of the k nearest codes have; of equally many, the nearest one's.

    Raises
        ValueError if k is not in 1 … N, or codes and labels do not fit.
    """

    def __init__(self, k: int = 5) -> None:
        self.k = integer("NearestNeighbours", "k", k)

    def fit(self, codes: Array, labels: IntArray) -> Self:
        """Keep the codes, and return self."""
        who = "NearestNeighbours fit"
        self.codes, self.labels, self.shape = _labelled(who, codes, labels)
        if len(self.codes) < self.k:
            raise ValueError(f"{who}: expected {self.k} codes, got {len(self.codes)}")
        return self

    def predict(self, codes: Array) -> IntArray:
        """Return a label for each code, (N,)."""
        z = _rows("NearestNeighbours predict", codes, _fitted(self))
        K = int(self.labels.max()) + 1
        weight = 1 + 0.5 ** np.arange(1, self.k + 1)  # one each, and a tie goes to the nearest

        def vote(rows: IntArray) -> IntArray:
            votes = (self.labels[rows][..., None] == np.arange(K)) * weight[:, None]
            return np.asarray(votes.sum(axis=1).argmax(axis=1))

        return in_chunks(vote, _nearest(self.codes, z, self.k), CHUNK)


class SoftmaxProbe:
    """Multinomial logistic regression: p(k|z) = softmax(w z + b)_k on codes of mean 0, E|z|² = 1.

    One number scales a code, not one an entry: an entry that hardly varies, as a VAE's unit that is
    not in use, stays small, and codes that are turned in their space are classified as before.

    The loss is the mean of -log p(k|z) over N labels, and (λ/2N)|θ|² with λ = `precision`: θ is the
    likeliest where N(0, I/λ) is its prior, which counts the less the more labels there are. It is
    strictly convex: there is one answer and nothing to draw. Training starts at zero and takes
    full-batch steps of Adam with a rate that falls to nothing, on one thread, so that it gives the
    same bits on any machine.

    Raises
        ValueError if steps < 1 or λ < 0, or codes and labels do not fit.
    """

    def __init__(
        self, steps: int = 300, learning_rate: float = 1.0, precision: float = 0.1
    ) -> None:
        self.steps, self.schedule = steps, Cosine(learning_rate, steps)
        self.precision = number("SoftmaxProbe", "precision", precision, 0, inf, "[)")

    def fit(self, codes: Array, labels: IntArray) -> Self:
        """Learn w and b, and return self."""
        z, labels, self.shape = _labelled("SoftmaxProbe fit", codes, labels)
        self.mean, variance = z.mean(axis=0), float(z.var(axis=0).sum())
        self.scale = variance**-0.5 if variance > 0 else 1.0
        x, no_draw = self._columns(z), np.random.default_rng(0)
        classes = max(2, int(labels.max()) + 1)
        self.layer = Dense(len(x), classes, rng=no_draw, init=zeros, dtype=x.dtype)
        adam = Adam(self.schedule, weight_decay=self.precision / len(z))
        model = _OfOneBatch(self.layer, x, labels)
        Trainer(model, adam, seed=0, batch_size=len(z), threads=1).fit(z, epochs=self.steps)
        return self

    def predict(self, codes: Array) -> IntArray:
        """Return a label for each code, (N,)."""
        z = _rows("SoftmaxProbe predict", codes, _fitted(self))
        x = self._columns(z).astype(self.layer.w.value.dtype, copy=False)
        return np.asarray(self.layer.forward(x)[0].argmax(axis=0))

    def _columns(self, z: Array) -> Array:
        return np.ascontiguousarray(((z - self.mean) * self.scale).T)


class _OfOneBatch(Classifier):
    """A classifier of a set that is one batch, (D, N): in any order, its loss is the same."""

    def __init__(self, layer: Dense, x: Array, labels: IntArray) -> None:
        super().__init__(layer, input_shape=x.shape[:1])
        self.x, self.labels = x, labels

    def check_data(self, who: str, data: Any) -> Any:
        """Return the set as it is."""
        return data

    def batch(self, data: Any, rows: IntArray) -> tuple[Array, IntArray]:
        """Return the whole set, which was transposed once."""
        return self.x, self.labels


def nearest(known: Array, codes: Array, k: int = 1) -> tuple[IntArray, Array]:
    """Return, for each code, the rows of the k nearest known codes, and how far away these are.

        known      (M, …)  codes, or raw pixels, of which bytes are divided by 255
        codes      (N, …)  the same
        rows       (N, k)  row numbers of `known`, the nearest first
        distances  (N, k)  Euclidean

    Raises
        ValueError if k is not in 1 … M, or codes have another shape than those that are known.
    """
    who, x = "nearest", images_of("nearest known", known)
    x, shape = _rows(f"{who} known", x, x.shape[1:]), x.shape[1:]
    if not integer(who, "k", k) <= len(x):
        raise ValueError(f"{who}: expected k ≤ {len(x)}, the number of known codes, got {k}")
    z = _rows(f"{who} codes", codes, shape)
    rows = _nearest(x, z, k)

    def distances(chunk: range) -> Array:
        here = slice(chunk.start, chunk.stop)
        return np.asarray(np.linalg.norm(x[rows[here]] - z[here, None], axis=-1))

    return rows, in_chunks(distances, range(len(z)), CHUNK)


def _nearest(known: Array, z: Array, k: int) -> IntArray:
    """Return the rows of the k of `known` (M, D) that are nearest to each of z (N, D): (N, k)."""
    norms = (known * known).sum(axis=1)

    def look_up(z: Array) -> IntArray:
        distance = norms - 2 * z @ known.T  # less |z|², which is the same for all of a row
        near = np.argpartition(distance, k - 1, axis=1)[:, :k]
        order = np.take_along_axis(distance, near, axis=1).argsort(axis=1, kind="stable")
        return np.take_along_axis(near, order, axis=1)

    return np.asarray(in_chunks(look_up, z, CHUNK))


def accuracy(predicted: IntArray, labels: IntArray) -> float:
    """Return the fraction of labels that were predicted right."""
    labels = labels_of("accuracy labels", labels)
    return float((labels_of("accuracy predicted", predicted, len(labels)) == labels).mean())


def balanced(labels: IntArray, count: int, *, rng: np.random.Generator) -> IntArray:
    """Return the rows of `count` labels drawn at random, as many of each class.

    Raises
        ValueError if the classes do not share `count` equally, or one has too few.
    """
    labels = labels_of("balanced labels", labels)
    classes, sizes = np.unique(labels, return_counts=True)
    each, left = divmod(count, len(classes))
    if left or not 1 <= each <= sizes.min():
        raise ValueError(
            f"balanced: expected as many of each of {len(classes)} classes, at most "
            f"{sizes.min()}, got count {count}"
        )
    rows = [rng.choice(np.flatnonzero(labels == c), each, replace=False) for c in classes]
    return np.concatenate(rows)


def _labelled(who: str, codes: Any, labels: Any) -> tuple[Array, IntArray, Shape]:
    """Return codes as rows (N, D), their labels, and the shape that a code came in."""
    x = images_of(who, codes)
    return _rows(who, x, x.shape[1:]), labels_of(f"{who} labels", labels, len(x)), x.shape[1:]


def _fitted(probe: Any) -> Shape:
    """Return the shape of the codes that a probe was fitted on."""
    if not hasattr(probe, "shape"):
        raise ValueError(f"{type(probe).__name__} predict: expected a call of fit first")
    shape: Shape = probe.shape
    return shape


def _rows(who: str, codes: Any, shape: Shape) -> Array:
    """Return codes of this shape as rows (N, D) of float32, or of float64 if they are such."""
    x = samples_of(who, codes, shape)
    check_numbers(who, x)
    rows = x.reshape(len(x), -1)
    if rows.dtype == np.uint8:
        return rows / np.float32(255)
    most = (float(np.finfo(rows.dtype).max) / (4 * rows.shape[1])) ** 0.5
    if np.abs(rows).max() > most:  # a distance would be infinite
        raise ValueError(f"{who}: expected codes up to {most:.3g}, got {np.abs(rows).max():.3g}")
    return rows
