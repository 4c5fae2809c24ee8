"""Embedding, RepeatVector, TimeDistributed: by hand, and what they refuse."""

from typing import Any

import numpy as np
import pytest

from nnscratch import layers
from nnscratch.layers import BatchNorm, Dense, Dropout, Embedding, RepeatVector, TimeDistributed

pytestmark = pytest.mark.plain


def test_embedding_by_hand() -> None:
    """Class 2 occurs twice, so the gradient of its row is the sum of two; class 1 does not."""
    layer = Embedding(3, 2, rng=np.random.default_rng(0), dtype=np.float64)
    layer.w.value[...] = [[1, 2], [3, 4], [5, 6]]
    y, backward = layer.forward(np.array([[2, 0], [2, 0]]))
    np.testing.assert_array_equal(y, [[[5, 1], [6, 2]]] * 2)
    assert backward(np.arange(8.0).reshape(2, 2, 2)) is None
    np.testing.assert_array_equal(layer.w.grad, [[1 + 5, 3 + 7], [0, 0], [0 + 4, 2 + 6]])


def test_an_embedding_starts_from_a_normal_distribution(rng: Any) -> None:
    w = Embedding(200, 50, rng=rng).w.value
    assert w.dtype == np.float32
    assert abs(w.mean()) < 0.05
    assert abs(w.std() - 1) < 0.05


def test_an_embedding_below_a_dense_is_the_dense_on_its_rows(rng: Any) -> None:
    """(w_dense embedding)[tokens]: a Sequential of both learns, though tokens have no gradient."""
    net = layers.Sequential(Embedding(4, 3, rng=rng), TimeDistributed(Dense(3, 2, rng=rng)))
    tokens = np.array([[0, 3], [1, 1], [2, 0]])
    y, backward = net.forward(tokens)
    table = net[0].w.value @ net[1].layer.w.value.T  # type: ignore[attr-defined]
    np.testing.assert_allclose(y, table[tokens].swapaxes(1, 2), rtol=1e-5)
    assert backward(np.ones_like(y)) is None
    assert backward(np.ones_like(y), need_dx=False) is None
    assert all(np.abs(p.grad).max() > 0 for p in net.parameters().values())
    assert net.output_shape((3,)) == (3, 2)


def test_repeat_vector_by_hand() -> None:
    y, backward = RepeatVector(3).forward(np.array([[1.0, 2.0]]))
    np.testing.assert_array_equal(y, [[[1, 2]]] * 3)
    np.testing.assert_array_equal(
        backward(np.arange(6.0).reshape(3, 1, 2)), [[0 + 2 + 4, 1 + 3 + 5]]
    )


def test_each_step_by_itself(rng: Any) -> None:
    """y_t = Dense(x_t), and the gradients of θ add up."""
    dense = Dense(3, 2, rng=rng, dtype=np.float64)
    x, dy = rng.standard_normal((4, 3, 5)), rng.standard_normal((4, 2, 5))
    y, backward = TimeDistributed(dense).forward(x)
    dx = backward(dy)
    together = dense.w.grad.copy()
    dense.w.grad[...] = 0
    for t in range(4):
        y_t, step = dense.forward(x[t])
        np.testing.assert_allclose(y[t], y_t, rtol=1e-12)
        np.testing.assert_allclose(dx[t], step(dy[t]), rtol=1e-12)
    np.testing.assert_allclose(together, dense.w.grad, rtol=1e-12)


def test_a_layer_on_images_at_each_step(rng: Any) -> None:
    conv = layers.Conv2d(1, 2, 2, rng=rng, dtype=np.float64)
    x = rng.standard_normal((3, 1, 4, 4, 2))
    layer = TimeDistributed(conv)
    y, _ = layer.forward(x)
    assert y.shape == (*layer.output_shape((3, 1, 4, 4)), 2) == (3, 2, 3, 3, 2)
    np.testing.assert_allclose(y[1], conv.forward(x[1])[0], rtol=1e-12)


def test_noise_and_running_averages_go_through(rng: Any) -> None:
    layer = TimeDistributed(Dropout(0.5))
    y, _ = layer.forward(np.ones((2, 3, 4)), rng=rng)
    assert layer.noisy
    assert set(np.unique(y)) == {0, 2}
    assert not layer.inference().noisy
    norm = TimeDistributed(BatchNorm(3))
    assert norm.whole_batch
    assert norm.buffers().keys() == BatchNorm(3).buffers().keys()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rng: Embedding(0, 2, rng=rng), "Embedding: expected classes ≥ 1, got 0"),
        (lambda rng: Embedding(2, 0, rng=rng), "Embedding: expected features ≥ 1, got 0"),
        (
            lambda rng: Embedding(2, 1, rng=rng).forward(np.array([[2]])),
            "Embedding x: expected tokens from 0 to 1, got 2 to 2",
        ),
        (
            lambda rng: Embedding(2, 1, rng=rng).forward(np.zeros((1, 1))),
            r"Embedding x: expected \(T, N\) int64, got \(1, 1\) float64",
        ),
        (
            lambda rng: Embedding(2, 1, rng=rng).output_shape((3, 4)),
            r"Embedding: expected a sample of shape \(T,\), got \(3, 4\)",
        ),
        (lambda rng: RepeatVector(0), "RepeatVector: expected steps ≥ 1, got 0"),
        (
            lambda rng: RepeatVector(2).forward(np.zeros((1, 2, 3))),
            r"RepeatVector x: expected \(D, N\) float64, got \(1, 2, 3\)",
        ),
        (
            lambda rng: RepeatVector(2).output_shape((3, 4)),
            r"RepeatVector: expected a sample of shape \(D,\), got \(3, 4\)",
        ),
        (lambda rng: TimeDistributed(np.tanh), "TimeDistributed: expected forward"),
        (
            lambda rng: TimeDistributed(layers.Tanh()).forward(np.zeros(3)),
            r"TimeDistributed x: expected \(T, …, N\), got \(3,\)",
        ),
        (
            lambda rng: TimeDistributed(layers.Tanh()).output_shape((3,)),
            r"TimeDistributed: expected a sample of shape \(T, …\), got \(3,\)",
        ),
        (
            lambda rng: TimeDistributed(Dense(3, 2, rng=rng)).output_shape((5, 4)),
            r"Dense: expected a sample of shape \(3,\), got \(4,\)",
        ),
    ],
)
def test_refuses(call: Any, message: str, rng: Any) -> None:
    with pytest.raises(ValueError, match=message):
        call(rng)
