"""Where arrays lie must not change a bit: what a kernel computes, it computes at any distance.

Compiled loops ask at run time whether their arrays may overlap and have a second way for that case.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from nnscratch.core import Array, IntArray
from nnscratch.kernels.activations import normal_cdf_kernel, tanh_backward_kernel
from nnscratch.kernels.conv_bias import (
    bias_gradient_kernel,
    rectified_bias_gradient_kernel,
)
from nnscratch.kernels.draws import (
    gaussian_draws_kernel,
    scaled_columns_kernel,
    sums_over_draws_kernel,
)
from nnscratch.kernels.losses import bernoulli_nll_kernel
from nnscratch.kernels.machine.counters import workers_of
from nnscratch.kernels.machine.exponential import constants
from nnscratch.kernels.norm import normalise_backward_kernel, normalise_kernel
from nnscratch.kernels.optimizers import (
    adam_kernel,
    gradient_squares_kernel,
    rmsprop_kernel,
    sgd_kernel,
)
from nnscratch.kernels.rectifiers import (
    leaky_relu_backward_kernel,
    relu_backward_kernel,
    relu_kernel,
)
from nnscratch.kernels.samples import (
    bernoulli_log_prob_and_slope_kernel,
    bernoulli_log_prob_kernel,
)

pytestmark = pytest.mark.kernel

GAPS = (0, 1, 2, 5, 8, 16, 31, 64, 500)
"""Numbers between one array and the next."""


def side_by_side(arrays: Sequence[Array], gap: int, order: Sequence[int]) -> list[Array]:
    """Return copies that lie in one buffer in this order, `gap` numbers apart."""
    buffer = np.empty(sum(a.size + gap for a in arrays), arrays[0].dtype)
    placed, at = list(arrays), 0
    for i in order:
        a = arrays[i]
        placed[i] = buffer[at : at + a.size].reshape(a.shape)
        placed[i][...] = a
        at += a.size + gap
    return placed


ALONE = workers_of(1)


def everything(x: Array) -> IntArray:
    return np.array([[0, x.size]])


def nll(a: Array, t: Array, da: Array) -> float:
    sums = np.empty(1)
    numbers = np.array([1, -1, 0.3], a.dtype)
    bernoulli_nll_kernel(a, t, numbers, constants(a.dtype), da, sums, ALONE)
    return float(sums[0])


def log_prob(a: Array, t: Array) -> float:
    """Of one row, in which each number is a sample."""
    sums = np.zeros(-(-t.size // 32) * 32)
    scratch, numbers = np.empty(2 * sums.size, a.dtype), np.array([1, -1], a.dtype)
    bernoulli_log_prob_kernel(a, t, numbers, constants(a.dtype), sums, scratch, t.size, ALONE)
    return float(sums[: t.size].sum())


def log_prob_and_slope(a: Array, t: Array, da: Array) -> float:
    """Of one row, in which each number is a sample."""
    sums = np.empty(-(-t.size // 16) * 16)
    scratch, numbers = np.empty(2 * sums.size, a.dtype), np.array([1, -1], a.dtype)
    given = a, t, numbers, constants(a.dtype), da, sums, scratch, 1, t.size, t.size
    bernoulli_log_prob_and_slope_kernel(*given, ALONE)
    return float(sums[: t.size].sum())


def ratio_of_draws(mu: Array, sd: Array, logvar: Array, eps: Array, z: Array) -> float:
    """Of one row, and one draw."""
    log_ratio = np.empty(mu.size)
    gaussian_draws_kernel(mu, sd, logvar, eps, z, log_ratio, ALONE)
    return float(log_ratio.sum())


def squares(grads: Array) -> float:
    sums = np.zeros(1)
    gradient_squares_kernel(grads, 0, grads.shape[1], sums)
    return float(sums[0])


CASES: dict[str, tuple[Sequence[Any], Callable[..., Any]]] = {
    "bernoulli_nll": ("vvv", nll),
    "bernoulli_log_prob": ("nn", log_prob),
    "bernoulli_log_prob_and_slope": ("nnn", log_prob_and_slope),
    "rectified_bias_gradient": ("222f", rectified_bias_gradient_kernel),
    "bias_gradient": ("2f", bias_gradient_kernel),
    "relu": ("nn", lambda x, y: relu_kernel(x, y, ALONE)),
    "relu_backward": ("nnn", lambda dy, y, dx: relu_backward_kernel(dy, y, dx, ALONE)),
    "leaky_relu_backward": ("nnn", lambda dy, y, dx: leaky_relu_backward_kernel(dy, y, 0.1, dx)),
    "normal_cdf": ("nn", normal_cdf_kernel),
    "tanh_backward": ("nnn", lambda dy, y, dx: tanh_backward_kernel(dy, y, dx, ALONE)),
    "gaussian_draws": ("22222", ratio_of_draws),
    "sums_over_draws": ("2222", lambda dz, e, s, p: sums_over_draws_kernel(dz, e, s, p, ALONE)),
    "scaled_columns": ("2n2", lambda a, scale, b: scaled_columns_kernel(a, scale, b, ALONE)),
    "normalise": ("xwwxmm", lambda x, w, b, y, m, r: normalise_kernel(x, w, b, 0.1, y, m, r)),
    "normalise_backward": ("xxwmm4wwx", normalise_backward_kernel),
    "gradient_squares": ("g", squares),
    "sgd": (
        "ngn",
        lambda x, g, u: sgd_kernel(x, g, u, everything(x), 0.5, 0.1, 0.9, True, 0.01, ALONE),
    ),
    "rmsprop": (
        "ngn",
        lambda x, g, v: rmsprop_kernel(x, g, v, everything(x), 0.5, 0.1, 0.9, 1e-8, 0.01, ALONE),
    ),
    "adam": (
        "ngnn",
        lambda x, g, m, v: adam_kernel(
            *(x, g, m, v, everything(x), 0.5, 0.1, 0.9, 0.999, 1e-8, 3, 0.01, 0.001, ALONE)
        ),
    ),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CASES)
def test_a_kernel_does_not_see_where_its_arrays_lie(name: str, dtype: Any) -> None:
    kinds, kernel = CASES[name]
    for n in (5, 14, 48, 131):
        rng = np.random.default_rng(n)
        shapes = {"n": (n,), "2": (1, n), "f": (1,), "g": (2, n), "v": (16 * n,)}
        shapes |= {"x": (1, 3, 2, n), "w": (1, 3), "m": (1, n), "4": (4, n)}
        # second moments are positive; so may all be
        arrays = [np.abs(rng.standard_normal(shapes[kind])).astype(dtype) for kind in kinds]
        arrays[0] *= np.where(rng.random(arrays[0].shape) < 0.5, -1, 1).astype(dtype)
        results = set()
        for gap in GAPS:
            for order in (range(len(arrays)), range(len(arrays))[::-1]):
                placed = side_by_side(arrays, gap, order)
                value = kernel(*placed)
                results.add((value, *(a.tobytes() for a in placed)))
        assert len(results) == 1
