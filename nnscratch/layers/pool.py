"""Pooling: one number for each window, its largest or its mean."""

from functools import cache

import numpy as np

from ..checks.arguments import flag
from ..core import Array, Backward, Layer, Pair, Shape, check, float_dtype
from ..kernels.plain_images import Resampling, Windows, max_pool, max_pool_backward, resample
from .earlier import with_earlier_relu
from .geometry import pair


class Window(Layer):
    """What the two kinds of pooling have in common: windows of KH × KW, `stride` apart.

    Along an axis there are ⌊(I + 2 padding - K)/stride⌋ + 1 of them. With ceil_mode the quotient is
    rounded up, but no window starts beyond the image and the padding before it.
    """

    def __init__(
        self,
        kernel_size: int | Pair,
        stride: int | Pair | None = None,
        padding: int | Pair = 0,
        *,
        ceil_mode: bool = False,
    ) -> None:
        name = self.name = type(self).__name__
        self.K = pair(name, "kernel_size", kernel_size)
        self.stride = self.K if stride is None else pair(name, "stride", stride)
        self.padding = pair(name, "padding", padding, least=0)
        self.ceil_mode = flag(name, "ceil_mode", ceil_mode)
        if any(2 * p > k for p, k in zip(self.padding, self.K, strict=True)):
            raise ValueError(
                f"{name}: expected padding ≤ half of the window {kernel_size}, got {padding}"
            )

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 3:
            raise ValueError(
                f"{self.name}: expected a sample of shape (C, H, W), got {input_shape}"
            )
        C, *sizes = input_shape
        axes = zip(sizes, self.K, self.stride, self.padding, strict=True)
        OH, OW = (self._windows(*numbers) for numbers in axes)
        return C, OH, OW

    def _windows(self, I: int, K: int, stride: int, padding: int) -> int:  # noqa: E741
        room = I + 2 * padding - K
        O = (-(-room // stride) if self.ceil_mode else room // stride) + 1  # noqa: E741
        if self.ceil_mode and (O - 1) * stride >= I + padding:
            O -= 1  # noqa: E741
        if min(I, O) < 1:
            raise ValueError(f"{self.name}: a window of {K} does not fit in {I} + {2 * padding}")
        return O


@with_earlier_relu
class MaxPool2d(Window):
    """y is the largest number in each window.

    Shapes
        x  (C, H, W, N)      y  (C, OH, OW, N)

    Derivation
        Away from ties the winner of a window does not change when x moves a little: y_chmn is a
        copy of one x_ciln, and

            ∂L/∂x_ciln = Σ_hm dy_chmn [x_ciln has won window (h, m)]

        a sum, for windows may overlap. Of equal numbers the first in row-major order wins, a NaN
        wins over all. Padding never wins.

    Keeps
        The place of every winner in its window, as many numbers as y has.

    Source
        Ranzato, Huang, Boureau and LeCun, Unsupervised Learning of Invariant Feature Hierarchies
        with Applications to Object Recognition (2007).

    Raises
        ValueError if a size does not make sense or does not fit, or x or dy has another shape or
        dtype.
    """

    def forward(self, x: Array, *, relu: bool = False) -> tuple[Array, Backward]:
        check("MaxPool2d x", x, ("C", "H", "W", "N"), float_dtype(x))
        (_, H, W, N), dtype = x.shape, x.dtype
        C, OH, OW = self.output_shape(x.shape[:3])
        windows = Windows(self.K, self.stride, self.padding)
        y, winner = max_pool(x, windows, (OH, OW), relu)

        def backward(dy: Array) -> Array:
            check("MaxPool2d dy", dy, (C, OH, OW, N), dtype)
            return max_pool_backward(dy, winner, windows, (H, W))

        return y, backward


class AvgPool2d(Window):
    """y is the mean of each window.

    Shapes
        x  (C, H, W, N)      y  (C, OH, OW, N)

    Derivation
        With window (h, m) of |h|·|m| pixels, those of the padding among them if count_include_pad,

            y_chmn = Σ_{(i, l) in window (h, m)} x_ciln/(|h| |m|)
            ∂L/∂x_ciln = Σ_{(h, m) whose window has (i, l)} dy_chmn/(|h| |m|)

    Keeps
        Nothing.

    Source
        LeCun, Bottou, Bengio and Haffner, Gradient-Based Learning Applied to Document Recognition
        (1998), §II.B.

    Raises
        ValueError if a size does not make sense or does not fit, or x or dy has another shape or
        dtype.
    """

    holomorphic = True

    def __init__(
        self,
        kernel_size: int | Pair,
        stride: int | Pair | None = None,
        padding: int | Pair = 0,
        *,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode=ceil_mode)
        self.count_include_pad = flag(self.name, "count_include_pad", count_include_pad)

    def forward(self, x: Array) -> tuple[Array, Backward]:
        check("AvgPool2d x", x.real, ("C", "H", "W", "N"), float_dtype(x))
        (C, OH, OW), N, dtype = self.output_shape(x.shape[:3]), x.shape[3], x.dtype
        windows = Windows(self.K, self.stride, self.padding)
        M = means(x.shape[1:3], (OH, OW), windows, self.count_include_pad)

        def backward(dy: Array) -> Array:
            check("AvgPool2d dy", dy, (C, OH, OW, N), dtype)
            return resample(dy, M.T)

        return resample(x, M), backward


class GlobalAvgPool2d(Layer):
    """y is the mean of each channel: an image becomes a vector.

    Shapes
        x  (C, H, W, N)      y  (C, N)

    Derivation
        y_cn = Σ_hm x_chmn/(H W)           ∂L/∂x_chmn = dy_cn/(H W)

    Keeps
        Nothing.

    Source
        Lin, Chen and Yan, Network in Network (2014), §3.2.

    Raises
        ValueError if x or dy has another shape or dtype.
    """

    holomorphic = True

    def forward(self, x: Array) -> tuple[Array, Backward]:
        check("GlobalAvgPool2d x", x.real, ("C", "H", "W", "N"), float_dtype(x))
        (C, H, W, N), dtype = x.shape, x.dtype

        def backward(dy: Array) -> Array:
            check("GlobalAvgPool2d dy", dy, (C, N), dtype)
            return np.repeat(dy[:, None] / (H * W), H * W, axis=1).reshape(C, H, W, N)

        return x.mean(axis=(1, 2)), backward

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 3:
            raise ValueError(
                f"GlobalAvgPool2d: expected a sample of shape (C, H, W), got {input_shape}"
            )
        return input_shape[:1]


@cache
def means(image: Pair, outputs: Pair, windows: Windows, whole: bool) -> Resampling:
    """Return the map that takes the mean of every window; pixels of the padding count if `whole`.

    A_hi = 1/|h| where window h has row i of the image, and B likewise for the columns.
    """

    def mean(I: int, O: int, K: int, stride: int, padding: int) -> Array:  # noqa: E741
        first = np.arange(O)[:, None] * stride - padding
        inside = (first <= np.arange(I)) & (np.arange(I) < first + K)
        if whole:
            return inside / (np.minimum(first + K, I + padding) - first)
        return inside / inside.sum(axis=1, keepdims=True)

    A, B = (mean(*axis) for axis in zip(image, outputs, *windows[:3], strict=True))
    return Resampling(A, B)
