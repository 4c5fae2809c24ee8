"""The transposed convolution: the adjoint of exercise 5."""

import numpy as np

from ...core import Array
from ..problem import Problem
from ..trial import Trial
from .conv2d import convolve, scatter


def transposed(x: Array, w: Array, stride: int, padding: int) -> Array:
    """Return the adjoint of `convolve`, literally: ⟨conv(e_i), x⟩ for every basis image e_i."""
    C, h, v, N = x.shape
    F, K, L = w.shape[1:]
    H, W = ((h - 1) * stride - 2 * padding + K, (v - 1) * stride - 2 * padding + L)
    basis = np.eye(F * H * W).reshape(F, H, W, -1)
    matrix = convolve(basis, w, stride, padding).reshape(C * h * v, F * H * W)
    return (matrix.T @ x.reshape(C * h * v, N)).reshape(F, H, W, N)


def grade(trial: Trial) -> None:
    """Two cases: stride 1 and a square filter; stride 2, where pixels are spread."""
    rng = trial.rng
    for stride, padding, K, size in ((1, 0, (2, 2), (2, 3)), (2, 1, (3, 4), (3, 2))):
        C, F, N = map(int, rng.permutation([1 + stride, 2 + stride, 4 - stride]))
        x, w = rng.standard_normal((C, *size, N)), rng.standard_normal((C, F, *K))
        case(trial, x, w, (stride, padding))


def case(trial: Trial, x: Array, w: Array, how: tuple[int, int]) -> None:
    """The adjoint identity, entry by entry, and the gradients for one stride and padding."""
    stride, padding = how
    shape = {"stride": stride, "padding": padding}
    sizes = {"N": x.shape[-1], "C": x.shape[0], "F": w.shape[1]}
    want = transposed(x, w, stride, padding)
    turned, whole = w[:, :, ::-1, ::-1], (*want.shape[:1], want.shape[1] + 2 * padding)
    whole = (*whole, want.shape[2] + 2 * padding, want.shape[3])
    given = {"x": x, "w": w, **shape}
    with trial.claim(f"forward: the shape of y, {want.shape}, for x {x.shape}, w {w.shape}"):
        (y,) = trial.call("forward", given, "y")
        wrong = {"the border of padding is not cut off": scatter(x, w, whole, (stride, 0))}
        trial.equal("y", y, y if y.shape == want.shape else want, wrong)
    with trial.claim(f"forward: ⟨conv(u), x⟩ = ⟨u, y⟩ for every u, stride {stride}"):
        (y,) = trial.call("forward", given, "y")
        wrong = {
            "the filter is turned by 180°": scatter(x, turned, want.shape, how),
            "= where += is meant: the images of two pixels overlap": scatter(
                x, w, want.shape, how, add=False
            ),
            "only the first channel is used": scatter(x[:1], w[:1], want.shape, how),
        }
        if w.shape[2] == w.shape[3]:
            wrong["rows and columns of the filter are exchanged"] = scatter(
                x, w.swapaxes(2, 3), want.shape, how
            )
        trial.equal("y", y, want, wrong, sizes=sizes)

    problem = Problem(lambda x, w: transposed(x, w, stride, padding), {"x": x, "w": w})
    trial.gradients(
        "backward",
        problem,
        lambda dy: {"dy": dy, **given},
        lambda dy: {
            "x": {
                "the filter is turned by 180°: dx is the convolution of exercise 5": convolve(
                    dy, turned, stride, padding
                ),
                "padding is ignored": convolve(dy, w, stride, 0),
                "stride is ignored": convolve(dy, w, 1, padding),
            },
            "w": {
                "the filter is turned by 180°": _dw(dy, x, w, how)[:, :, ::-1, ::-1],
                "= where += is meant: only the last pixel is left": _dw(
                    dy[:, -w.shape[2] - padding :, -w.shape[3] - padding :]
                    if not padding
                    else dy * 0,
                    x[:, -1:, -1:],
                    w,
                    how,
                ),
                "only the last sample is used": _dw(dy[..., -1:], x[..., -1:], w, how),
            },
        },
        sizes,
    )
    trial.promises("backward", problem, lambda dy, x, w: {"dy": dy, "x": x, "w": w, **shape})


def _dw(dy: Array, x: Array, w: Array, how: tuple[int, int]) -> Array:
    """Return Σ x times the window of dy that the pixel was spread over."""
    stride, p = how
    K, L = w.shape[2:]
    dy = np.pad(dy, ((0, 0), (p, p), (p, p), (0, 0)))
    dw = np.zeros(w.shape)
    for i in range(x.shape[1]):
        for j in range(x.shape[2]):
            window = dy[:, i * stride :, j * stride :][:, :K, :L]
            dw += np.einsum("cn,fkln->cfkl", x[:, i, j], window)
    return dw
