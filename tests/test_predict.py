"""predict: the batch-first door of any network."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from readme import Readme

from nnscratch.data import columns
from nnscratch.layers import BatchNorm, Conv2d, Dense, Dropout, Flatten, ReLU, Sequential, Tanh
from nnscratch.models import predict
from nnscratch.models.batch_first import CHUNK


@given(N=st.integers(1, 3 * CHUNK), threads=st.sampled_from([None, 1, 2]))
def test_is_forward_with_the_batch_first(N: int, threads: int | None) -> None:
    rng = np.random.default_rng(0)
    net = Sequential(Dense(5, 4, rng=rng, dtype=np.float64), Tanh())
    rows = rng.standard_normal((N, 5))
    got = predict(net, rows, threads=threads)
    np.testing.assert_allclose(got, net.forward(rows.T)[0].T, rtol=1e-12)
    assert got.flags.c_contiguous


def test_lists_bytes_and_images_without_a_channel(rng: np.random.Generator) -> None:
    net = Sequential(Conv2d(1, 2, 3, rng=rng), ReLU(), Flatten())
    rows = rng.integers(0, 256, (3, 5, 5), np.uint8)
    want = net.forward(columns(rows))[0].T
    for same in (rows, rows[:, None], rows.tolist()):
        if isinstance(same, list):
            same = [[[pixel / 255 for pixel in line] for line in image] for image in same]
        np.testing.assert_allclose(predict(net, same), want, rtol=1e-5, atol=1e-6)


def test_images_for_a_network_of_vectors(rng: np.random.Generator) -> None:
    net = Sequential(Dense(25, 2, rng=rng))
    rows = rng.random((3, 5, 5), np.float32)
    want = predict(net, rows.reshape(3, 25))
    for same in (rows, rows[:, None]):
        np.testing.assert_array_equal(predict(net, same), want)
    with pytest.raises(ValueError, match=r"predict: .*expected a sample of shape \(25,\), got"):
        predict(net, rng.random((3, 5, 1, 5)))


def test_is_the_network_as_it_is_after_training(rng: np.random.Generator) -> None:
    """Dropout lets everything through; BatchNorm takes its running averages, 0 and 1 at first."""
    rows = rng.standard_normal((4, 3)).astype(np.float32)
    got = predict(Sequential(Dropout(0.5), BatchNorm(3)), rows)
    np.testing.assert_allclose(got, rows / np.sqrt(1 + 1e-5), rtol=1e-5)


def test_takes_a_layer_of_ones_own(rng: np.random.Generator) -> None:
    layer: Any = Readme(3, 2)
    rows = rng.standard_normal((4, 3)).astype(np.float32)
    np.testing.assert_allclose(predict(layer, rows), rows @ layer.w.value.T, rtol=1e-5)


class WholeBatch(Tanh):
    """A layer whose samples meet, now and later."""

    whole_batch = True


@pytest.mark.parametrize(
    ("net", "rows", "message"),
    [
        (Tanh(), np.zeros(3), r"predict: expected a batch \(N, …\), not empty, got \(3,\)"),
        (Tanh(), np.full((2, 3), np.nan), "predict: expected finite numbers"),
        (WholeBatch(), np.zeros((2, 3)), "predict: expected a network that takes each sample by"),
        (np.tanh, np.zeros((2, 3)), "predict: expected forward, output_shape, parameters"),
    ],
)
def test_refuses(net: Any, rows: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        predict(net, rows)


def test_refuses_samples_of_another_shape(rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match=r"predict: Sequential, layer 0: Dense: expected a sample"):
        predict(Sequential(Dense(5, 4, rng=rng)), np.zeros((2, 4)))
    with pytest.raises(ValueError, match=r"predict: Sequential, layer 0: Conv2d: expected a sampl"):
        predict(Sequential(Conv2d(3, 2, 3, rng=rng)), np.zeros((2, 8, 8)))
