"""Max-pooling."""

from typing import Any

import numpy as np

from ...core import Array
from ...gradcheck import without_kinks
from ..problem import Problem
from ..trial import Refuted, Trial


def pool(x: Array, size: int, stride: int) -> Array:
    """Return the maxima of all windows, by the definition."""
    C, H, W, N = x.shape
    y = np.empty((C, (H - size) // stride + 1, (W - size) // stride + 1, N))
    for c, i, j, n in np.ndindex(y.shape):
        y[c, i, j, n] = max(
            x[c, i * stride + k, j * stride + m, n] for k in range(size) for m in range(size)
        )
    return y


def grade(trial: Trial) -> None:
    """Windows side by side, and windows that overlap; negative pixels; ties."""
    rng = trial.rng
    for size, stride, H, W in ((2, 2, 5, 4), (3, 2, 5, 6)):
        case(trial, size, stride, (H, W))
    x = -1 - rng.random((1, 2, 2, 3))
    with trial.claim("forward: the maximum of negative pixels is negative"):
        (y,) = trial.call("forward", {"x": x, "size": 2, "stride": 2}, "y")
        below = {"a maximum that starts from 0 is never below it": 0.0}
        trial.equal("y", y, x.max(axis=(1, 2), keepdims=True), below)
    with trial.claim("backward: among equal pixels one gets dy, the first of them"):
        dy = rng.standard_normal((1, 1, 1, 1))
        given = {"dy": dy, "x": np.zeros((1, 2, 2, 1)), "size": 2, "stride": 2}
        (dx,) = trial.call("backward", given, "dx")
        if np.isclose(dx.sum(), dy.sum()) and (dx != 0).sum() == 1 and not dx[0, 0, 0, 0]:
            raise Refuted("the first of equal pixels gets nothing", "another one gets dy")
        shared = np.broadcast_to(dy, (1, 2, 2, 1))
        want = np.zeros(shared.shape)
        want[0, 0, 0] = dy[0, 0, 0]
        ties = {
            "all equal pixels get dy: together they get it more than once": shared,
            "equal pixels share dy: allowed, but not what is asked for": shared / 4,
        }
        trial.equal("dx", dx, want, ties)


def case(trial: Trial, size: int, stride: int, shape: tuple[int, int]) -> None:
    """Forward and backward for one size and stride."""
    C, N = map(int, trial.rng.permutation([2, 3]))
    x = without_kinks((C, *shape, N), rng=trial.rng)
    given, want = {"x": x, "size": size, "stride": stride}, pool(x, size, stride)
    with trial.claim(f"forward: maxima of windows of {size}×{size}, stride {stride}"):
        (y,) = trial.call("forward", given, "y")
        parts = np.stack(_parts(x, size, stride, want.shape))
        wrong: dict[str, Any] = {
            "it is the minimum": parts.min(axis=0),
            "it is the mean": parts.mean(axis=0),
            "it is the sum": parts.sum(axis=0),
            "the largest absolute value is taken": np.abs(parts).max(axis=0),
            "a maximum that starts from 0 is never below it": np.maximum(want, 0),
            "stride is ignored: windows lie side by side": pool(x, size, size),
            "stride is ignored: windows are moved by 1": pool(x, size, 1),
            "it is the upper left pixel": parts[0],
        }
        trial.equal("y", y, want, wrong, sizes={"N": N, "C": C})
    problem = Problem(lambda x: pool(x, size, stride), {"x": x}, analytic=False)
    trial.gradients(
        "backward",
        problem,
        lambda dy: {"dy": dy, **given},
        lambda dy: {
            "x": {
                "= where += is meant: a pixel may win in several windows": _back(
                    dy, x, size, stride, "last"
                ),
                "dy goes to all pixels of a window: only the largest gets it": _back(
                    dy, x, size, stride, "all"
                ),
                "dy is shared by all pixels of a window: that is mean-pooling": _back(
                    dy, x, size, stride, "mean"
                ),
                "the smallest pixel of a window gets dy": _back(-dy, -x, size, stride, "sum") * -1,
                "1 where dy is meant": _back(np.ones_like(dy), x, size, stride, "sum"),
                "it is dy times the pixel: the slope is 1": x * _back(dy, x, size, stride, "sum"),
            }
        },
        {"N": N, "C": C},
    )
    trial.promises("backward", problem, lambda dy, x: {"dy": dy, **given, "x": x})


def _parts(x: Array, size: int, stride: int, shape: tuple[int, ...]) -> list[Array]:
    """Return the pixels at each place of all windows, in the shape of y."""
    I, J = shape[1:3]  # noqa: E741
    return [
        x[:, k : k + stride * I : stride, m : m + stride * J : stride][:, :I, :J]
        for k in range(size)
        for m in range(size)
    ]


def _back(dy: Array, x: Array, size: int, stride: int, how: str) -> Array:
    """Return where dy goes, as people think that it does: sum, last, all, mean."""
    dx = np.zeros_like(x)
    for c, i, j, n in np.ndindex(dy.shape):
        place = np.s_[c, i * stride : i * stride + size, j * stride : j * stride + size, n]
        window, g = x[place], dy[c, i, j, n]
        largest = window == window.max()
        if how == "last":
            dx[place] = np.where(largest, g, dx[place])
        else:
            dx[place] += {"all": g, "mean": g / size**2, "sum": g * largest}[how]
    return dx
