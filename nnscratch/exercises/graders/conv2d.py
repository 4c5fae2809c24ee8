"""The convolution of images, with stride and padding."""

import numpy as np

from ...core import Array
from ..problem import Problem
from ..trial import Trial


def convolve(x: Array, w: Array, stride: int, padding: int) -> Array:
    """Return Σ_ckl w_fckl x_c,is+k-p,js+l-p: the definition, tap by tap."""
    p = padding
    x = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    _, _, K, L = w.shape
    rows, columns = ((x.shape[1] - K) // stride + 1, (x.shape[2] - L) // stride + 1)
    y = 0
    for k in range(K):
        for m in range(L):
            seen = x[:, k : k + stride * rows : stride, m : m + stride * columns : stride]
            y = y + np.einsum("fc,cijn->fijn", w[:, :, k, m], seen[:, :rows, :columns])
    return np.asarray(y)


def grade(trial: Trial) -> None:
    """Two cases: stride 1 and a square filter; stride 2, and rows that no window reaches."""
    rng = trial.rng
    for stride, padding, K, size in ((1, 1, (2, 2), (3, 4)), (2, 1, (3, 2), (4, 5))):
        C, F, N = map(int, rng.permutation([1 + stride, 2 + stride, 4 - stride]))
        x, w = rng.standard_normal((C, *size, N)), rng.standard_normal((F, C, *K))
        b = rng.standard_normal(F)
        case(trial, x, w, b, (stride, padding))
    u, v = rng.standard_normal((2, 5, 4, 2)), rng.standard_normal((3, 3, 3, 2))
    w = rng.standard_normal((3, 2, 3, 2))
    with trial.claim("adjoint: ⟨conv(x), v⟩ = ⟨x, dx(v)⟩ for a random v, stride 2"):
        shape = {"stride": 2, "padding": 1}
        (y,) = trial.call("forward", {"x": u, "w": w, "b": np.zeros(3), **shape}, "y")
        dx, _, _ = trial.call("backward", {"dy": v, "x": u, "w": w, **shape}, "dx dw db")
        trial.equal("⟨x, dx(v)⟩", np.sum(u * dx), np.sum(y * v), rtol=1e-11)


def case(trial: Trial, x: Array, w: Array, b: Array, how: tuple[int, int]) -> None:
    """Forward and the gradients for one stride and padding."""
    stride, padding = how
    shape = {"stride": stride, "padding": padding}
    sizes = {"N": x.shape[-1], "C": x.shape[0], "F": w.shape[0]}
    bias = b[:, None, None, None]
    plain, turned = convolve(x, w, stride, padding), w[:, :, ::-1, ::-1]
    with trial.claim(f"forward: x {x.shape}, w {w.shape}, stride {stride}, padding {padding}"):
        (y,) = trial.call("forward", {"x": x, "w": w, "b": b, **shape}, "y")
        wrong = {
            "the filter is turned by 180°: x[i·s + k - p] goes with w[k]": convolve(
                x, turned, stride, padding
            )
            + bias,
            "b is not added": plain,
            "padding is ignored": convolve(x, w, stride, 0) + bias,
            "stride is ignored": convolve(x, w, 1, padding) + bias,
            "pixels beyond the border are wrapped around, and not zero": _wrapped(
                x, w, stride, padding
            )
            + bias,
            "only the first channel is used": convolve(x[:1], w[:, :1], stride, padding) + bias,
            "b is added once for each tap": plain + bias * w[0, 0].size,
            "b is added once for each tap and channel": plain + bias * w[0].size,
        }
        if w.shape[2] == w.shape[3]:
            swapped = convolve(x, w.swapaxes(2, 3), stride, padding) + bias
            wrong["rows and columns of the filter are exchanged"] = swapped
        trial.equal("y", y, plain + bias, wrong, sizes=sizes)

    problem = Problem(
        lambda x, w, b: convolve(x, w, stride, padding) + b[:, None, None, None],
        {"x": x, "w": w, "b": b},
    )
    trial.gradients(
        "backward",
        problem,
        lambda dy: {"dy": dy, "x": x, "w": w, **shape},
        lambda dy: {
            "x": {
                "the filter is turned by 180°": scatter(dy, turned, x.shape, how),
                "= where += is meant: windows overlap, and a pixel sums over all of them": scatter(
                    dy, w, x.shape, how, add=False
                ),
                "the border of padding is not cut off": scatter(
                    dy, w, (x.shape[0], x.shape[1] + 2, x.shape[2] + 2, x.shape[3]), (stride, 0)
                ),
            },
            "w": {
                "the filter is turned by 180°": _dw(dy, x, w, how)[:, :, ::-1, ::-1],
                "only the last sample is used": _dw(dy[..., -1:], x[..., -1:], w, how),
                "= where += is meant: only the last window is left": _last(dy, x, w, how),
            },
            "b": {
                "it is a mean over pixels, where a sum is meant": dy.mean(axis=(1, 2)).sum(axis=1),
                "it is a mean over everything, where a sum is meant": dy.mean(axis=(1, 2, 3)),
                "the sum over the batch, but not over pixels": dy.sum(axis=3),
                "the sum over pixels, but not over the batch": dy.sum(axis=(1, 2)),
            },
        },
        sizes,
    )
    trial.promises("backward", problem, lambda dy, x, w, b: {"dy": dy, "x": x, "w": w, **shape})


def scatter(
    dy: Array, w: Array, shape: tuple[int, ...], how: tuple[int, int], *, add: bool = True
) -> Array:
    """Return what comes of dy where every window puts back, or adds, its share."""
    stride, p = how
    C, H, W, N = shape
    K, L = w.shape[2:]
    dx = np.zeros((C, H + 2 * p, W + 2 * p, N))
    for i in range(dy.shape[1]):
        for j in range(dy.shape[2]):
            part = np.einsum("fn,fckl->ckln", dy[:, i, j], w)
            place = np.s_[:, i * stride : i * stride + K, j * stride : j * stride + L]
            dx[place] = dx[place] + part if add else part
    return dx[:, p : p + H, p : p + W]


def _windows(dy: Array, x: Array, w: Array, how: tuple[int, int]) -> list[Array]:
    """Return the share of each window in dw."""
    stride, p = how
    K, L = w.shape[2:]
    x = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    return [
        np.einsum("fn,ckln->fckl", dy[:, i, j], x[:, i * stride :, j * stride :][:, :K, :L])
        for i in range(dy.shape[1])
        for j in range(dy.shape[2])
    ]


def _dw(dy: Array, x: Array, w: Array, how: tuple[int, int]) -> Array:
    return np.sum(_windows(dy, x, w, how), axis=0)


def _last(dy: Array, x: Array, w: Array, how: tuple[int, int]) -> Array:
    return _windows(dy, x, w, how)[-1]


def _wrapped(x: Array, w: Array, stride: int, p: int) -> Array:
    return convolve(np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)), mode="wrap"), w, stride, 0)
