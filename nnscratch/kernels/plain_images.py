"""The operations on images and sequences in NumPy: what they compute, in a form to be read.

As in plain.py, compiled kernels of the same names run in their place unless the plain path is
chosen (paths.py). An image is (channels, rows, columns, samples); a sequence is an image of one
row. Convolutions and pools move a window of KH × KW taps over an image x. The one formula that
all of them share says which pixel (i, l) of x lies under tap (k, j) of window (h, m):

    i = h·stride - padding + k·dilation        l = m·stride - padding + j·dilation

A pixel outside of the image takes no part. For a convolution that is the same as a frame of zeros.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from ..core import Array, Pair, Shape
from .paths import accelerated


class Windows(NamedTuple):
    """How windows of taps move over an image: (rows, columns) each.

    size      taps of a window, KH and KW
    stride    pixels from one window to the next
    padding   how many pixels before the image the first window begins
    dilation  pixels from one tap of a window to the next
    """

    size: Pair
    stride: Pair
    padding: Pair
    dilation: Pair = (1, 1)


def each_tap(
    windows: Windows, image: Shape, outputs: Shape
) -> Iterator[tuple[Pair, tuple[Any, ...], tuple[Any, ...]]]:
    """Yield every tap (k, j), an index of x and one of y: equally many pixels and windows.

    `x[pixels]` are the pixels (…, i, l, N) of an image that lie under the tap in the windows
    `y[there]` (…, h, m, N), in the same order; windows in which it lies outside are left out.
    """
    rows, columns = (_along_one_axis(*axis) for axis in zip(image, outputs, *windows, strict=True))
    for (k, (i, h)), (j, (l, m)) in product(enumerate(rows), enumerate(columns)):  # noqa: E741
        yield (k, j), np.s_[..., i, l, :], np.s_[..., h, m, :]


def _along_one_axis(
    inputs: int, outputs: int, size: int, stride: int, padding: int, dilation: int
) -> list[tuple[slice, slice]]:
    """Return for each tap the slice of pixels and the slice of windows that meet."""
    slices = []
    for k in range(size):
        shift = k * dilation - padding  # tap k of window h lies on pixel h·stride + shift
        first = max(0, -(shift // stride))
        end = max(first, min(outputs, (inputs - 1 - shift) // stride + 1))
        start, stop = first * stride + shift, end * stride + shift
        slices.append((slice(start, stop, stride), slice(first, end)))
    return slices


# Convolutions. Channels and filters may be cut into G groups that do not meet: x has C channels,
# and a filter C/G, so that w is (F, C/G, KH, KW). The subscripts of einsum are those of the
# formulas, with g for the group.


def in_groups(a: Array, G: int) -> Array:
    """Return a (A, …) as (G, A/G, …)."""
    return a.reshape(G, len(a) // G, *a.shape[1:])


@accelerated("convolution")
def convolve(
    x: Array, w: Array, b: Array | None, windows: Windows, y_shape: Shape, relu: bool = False
) -> Array:
    """Return y_fhmn = b_f + Σ_ckj w_fckj x_ciln, pixel (i, l) under tap (k, j) of window (h, m).

    With relu it is max(0, y). x (C, H, W, N), w (F, C/G, KH, KW), b (F,), y (F, OH, OW, N).
    """
    G = len(x) // w.shape[1]
    x, w, y = in_groups(x, G), in_groups(w, G), in_groups(np.zeros(y_shape, x.dtype), G)
    for (k, j), pixels, there in each_tap(windows, x.shape[2:4], y_shape[1:3]):
        y[there] += np.einsum("gfc,gchmn->gfhmn", w[..., k, j], x[pixels])
    y = y.reshape(y_shape)
    if b is not None:
        y += b[:, None, None, None]
    return np.maximum(y, 0) if relu else y


@accelerated("convolution")
def convolve_adjoint(
    y: Array, w: Array, b: Array | None, windows: Windows, x_shape: Shape, relu: bool = False
) -> Array:
    """Return x_ciln = b_c + Σ_fkj w_fckj y_fhmn over the windows whose tap (k, j) lies on (i, l).

    As a map from y to x it is the transpose of `convolve`. With relu it is max(0, x).
    """
    G = x_shape[0] // w.shape[1]
    y, w, x = in_groups(y, G), in_groups(w, G), in_groups(np.zeros(x_shape, y.dtype), G)
    for (k, j), pixels, there in each_tap(windows, x_shape[1:3], y.shape[2:4]):
        x[pixels] += np.einsum("gfc,gfhmn->gchmn", w[..., k, j], y[there])
    x = x.reshape(x_shape)
    if b is not None:
        x += b[:, None, None, None]
    return np.maximum(x, 0) if relu else x


@accelerated("convolution")
def add_filter_gradient(x: Array, dy: Array, windows: Windows, dw: Array) -> None:
    """dw_fckj += Σ_hmn dy_fhmn x_ciln, the derivative of `convolve` with respect to w."""
    G = len(x) // dw.shape[1]
    x, dy, dw = in_groups(x, G), in_groups(dy, G), in_groups(dw, G)
    for (k, j), pixels, there in each_tap(windows, x.shape[2:4], dy.shape[2:4]):
        dw[..., k, j] += np.einsum("gfhmn,gchmn->gfc", dy[there], x[pixels])


@accelerated("convolution")
def add_bias_gradient(dy: Array, db: Array) -> None:
    """db_f += Σ_hmn dy_fhmn."""
    db += dy.sum(axis=(1, 2, 3))


@accelerated("convolution")
def relu_and_bias_gradient(dy: Array, y: Array, db: Array) -> Array:
    """Return da = dy [y > 0], what a ReLU that returned y passes on, and db_f += Σ_hmn da_fhmn."""
    da = np.where(y > 0, dy, np.zeros_like(dy))
    db += da.sum(axis=(1, 2, 3))
    return da


# Pooling


@accelerated("pool")
def max_pool(x: Array, windows: Windows, outputs: Pair, relu: bool = False) -> tuple[Array, Array]:
    """Return y_chmn, the largest x_ciln of window (h, m), and which of its taps that was.

    The taps are numbered 1, 2, … in row-major order. Of equal numbers the first wins; a NaN wins
    over all, and the last of several NaN. With relu y is max(0, ·), and where no pixel is larger
    than 0 the winner is 0, which is no tap's number.
    """
    C, H, W, N = x.shape
    y = np.full((C, *outputs, N), -np.inf, x.dtype)
    winner = np.zeros_like(y)
    taps = each_tap(windows, (H, W), outputs)
    for number, (_, pixels, there) in enumerate(taps, 1):
        new, best = x[pixels], y[there]
        wins = (winner[there] == 0) | (new > best) | np.isnan(new)
        y[there] = np.where(wins, new, best)
        winner[there][wins] = number
    if relu:
        winner[y <= 0] = 0
        y = np.maximum(y, 0)
    return y, winner


@accelerated("pool")
def max_pool_backward(dy: Array, winner: Array, windows: Windows, image: Pair) -> Array:
    """Return dx_ciln = Σ_hm dy_chmn [x_ciln has won window (h, m)]."""
    C, OH, OW, N = dy.shape
    dx = np.zeros((C, *image, N), dy.dtype)
    taps = each_tap(windows, image, (OH, OW))
    for number, (_, pixels, there) in enumerate(taps, 1):
        dx[pixels] += np.where(winner[there] == number, dy[there], 0)
    return dx


# Average pooling and upsampling: the same weights for every channel and sample, and for rows and
# columns apart.


@dataclass(frozen=True, eq=False)
class Resampling:
    """A map from images of one size to images of another: A acts on rows, B on columns.

    A (OH, H) and B (OW, W) hold few numbers that are not 0. Two of these are equal if they are the
    same object, so that what the fast path prepares for one can be kept.
    """

    A: Array
    B: Array

    @cached_property
    def T(self) -> "Resampling":
        """The transpose, which takes dy to dx."""
        return Resampling(self.A.T, self.B.T)


@accelerated("resample")
def resample(x: Array, M: Resampling) -> Array:
    """Return y_chmn = Σ_il A_hi B_ml x_ciln, one axis after the other; zeros of A and B left out.

    x (C, H, W, N), y (C, OH, OW, N).
    """
    (C, _, W, N), OH, OW = x.shape, len(M.A), len(M.B)
    z, y = np.zeros((C, OH, W, N), x.dtype), np.zeros((C, OH, OW, N), x.dtype)
    for h, i in np.argwhere(M.A):
        z[:, h] += M.A[h, i] * x[:, i]
    for m, l in np.argwhere(M.B):  # noqa: E741
        y[:, :, m] += M.B[m, l] * z[:, :, l]
    return y


# Normalisation of each sample by itself, a group of its channels at a time: G groups of C channels
# of P numbers. layers/standardise.py derives both formulas.


@accelerated("norm")
def normalise(x: Array, gamma: Array, beta: Array, eps: float) -> tuple[Array, Array, Array]:
    """Return y = γ x̂ + β with x̂ = r (x - μ), and with it μ and r = (σ² + ε)^-½.

    μ and σ² are the mean and the variance of a group of a sample.
    x, y (G, C, P, N), gamma, beta (G, C), μ, r (G, N).
    """
    mean = x.mean(axis=(1, 2))
    d = x - mean[:, None, None]
    r = 1 / np.sqrt((d * d).mean(axis=(1, 2)) + eps)
    y = gamma[..., None, None] * (d * r[:, None, None]) + beta[..., None, None]
    return y, mean, r


@accelerated("norm")
def normalise_backward(
    dy: Array, x: Array, gamma: Array, mean: Array, r: Array, dgamma: Array, dbeta: Array
) -> Array:
    """Return dx = r (dx̂ - mean of dx̂ - x̂ · mean of dx̂ x̂) with dx̂ = γ dy; add to dγ and dβ.

    The means are those of a group of a sample; dγ_gc += Σ_pn dy x̂ and dβ_gc += Σ_pn dy.
    """
    xhat = (x - mean[:, None, None]) * r[:, None, None]
    dgamma += (dy * xhat).sum(axis=(2, 3))
    dbeta += dy.sum(axis=(2, 3))
    dxhat = gamma[..., None, None] * dy
    dx = dxhat - dxhat.mean(axis=(1, 2), keepdims=True)
    dx -= xhat * (dxhat * xhat).mean(axis=(1, 2), keepdims=True)
    return dx * r[:, None, None]
