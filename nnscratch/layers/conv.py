"""The convolution of images."""

import numpy as np
from numpy.typing import DTypeLike

from ..checks.arguments import flag
from ..core import Array, Backward, Layer, Pair, Parameter, Shape, check
from ..kernels.plain_images import (
    Windows,
    add_bias_gradient,
    add_filter_gradient,
    convolve,
    convolve_adjoint,
    relu_and_bias_gradient,
)
from .earlier import with_earlier_relu
from .geometry import (
    Padding,
    check_groups,
    paddings,
    pair,
    same_padding,
    sample_of,
    windows_along,
)
from .initializers import Initializer, glorot_uniform, zeros


@with_earlier_relu
class Conv2d(Layer):
    """Every pixel of y is an affine map of the window of x around it, the same map everywhere.

    Shapes
        x  (C, H, W, N)          w  (F, C/groups, KH, KW)   weight
        y  (F, OH, OW, N)        b  (F,)                    bias

        OH = ⌊(H + top + bottom - dilation (KH - 1) - 1)/stride⌋ + 1, and OW likewise. padding is a
        number, (rows, columns), ((top, bottom), (left, right)), "valid" (none) or "same": then
        OH = ⌈H/stride⌉, the zeros evenly around, the odd one at the end, as TensorFlow and Keras
        have it; PyTorch agrees at stride 1, and offers no other.

    Derivation
        Let s be the stride, p the padding before, d the dilation; x is 0 outside of the image.

            y_fhmn = b_f + Σ_ckj w_fckj x_c,hs-p+kd,ms-p+jd,n

        so dw and db are sums over all places where a weight was used,

            ∂L/∂w_fckj = Σ_hmn dy_fhmn x_c,hs-p+kd,ms-p+jd,n        ∂L/∂b_f = Σ_hmn dy_fhmn

        and pixel i of x is met by tap k in row h where i = hs - p + kd, that is h = (i + p - kd)/s:

            ∂L/∂x_ciln = Σ_fkj w_fckj dy_f,(i+p-kd)/s,(l+p-jd)/s,n      over the whole quotients.

        The same weights carry dy back along the same paths: as a matrix, convolution is sparse, and
        dx is its transpose times dy. That map is the forward of ConvTranspose2d.

        `groups` cuts C and F into equal parts that do not see each other, a block-diagonal matrix;
        groups = C is the depthwise convolution.

    Keeps
        x. Where a Sequential computes the ReLU behind it as well, also y (fusion.py).

    Source
        Dumoulin and Visin, A guide to convolution arithmetic for deep learning (2016), chapters 2
        and 4.

    Raises
        ValueError if a size does not make sense or does not fit, or x or dy has another shape or
        dtype.
    """

    holomorphic = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Pair,
        *,
        stride: int | Pair = 1,
        padding: Padding = 0,
        dilation: int | Pair = 1,
        groups: int = 1,
        bias: bool = True,
        rng: np.random.Generator,
        init: Initializer = glorot_uniform,
        bias_init: Initializer = zeros,
        dtype: DTypeLike = np.float32,
    ) -> None:
        check_groups("Conv2d", in_channels, out_channels, groups)
        self.C, F, self.groups = in_channels, out_channels, groups
        bias = flag("Conv2d", "bias", bias)
        KH, KW = pair("Conv2d", "kernel_size", kernel_size)
        self.stride = pair("Conv2d", "stride", stride)
        self.dilation = pair("Conv2d", "dilation", dilation)
        self.same = isinstance(padding, str) and padding == "same"
        if isinstance(padding, str) and padding not in ("same", "valid"):
            raise ValueError(f"Conv2d: expected padding 'same' or 'valid', got {padding!r}")
        self.padding = paddings("Conv2d", 0 if isinstance(padding, str) else padding)
        shape = (F, in_channels // groups, KH, KW)
        fans = shape[1] * KH * KW, F // groups * KH * KW
        self.w = Parameter(np.ascontiguousarray(init(shape, *fans, rng=rng, dtype=dtype)))
        self.b = Parameter(bias_init((F,), *fans, rng=rng, dtype=dtype)) if bias else None

    def forward(self, x: Array, *, relu: bool = False) -> tuple[Array, Backward]:
        w, b = self.w, self.b
        check("Conv2d x", x, (self.C, "H", "W", "N"), w.value.dtype)
        x_shape, y_shape = x.shape, (*self.output_shape(x.shape[:3]), x.shape[3])
        windows = self._windows(x_shape)
        y = convolve(x, w.value, b.value if b else None, windows, y_shape, relu)
        rectified = y if relu else None

        def backward(dy: Array, need_dx: bool = True) -> Array | None:
            check("Conv2d dy", dy, y_shape, w.value.dtype)
            dy = through_relu_and_bias(dy, rectified, b)
            add_filter_gradient(x, dy, windows, w.grad)
            return convolve_adjoint(dy, w.value, None, windows, x_shape) if need_dx else None

        return y, backward

    def _windows(self, shape: Shape) -> Windows:
        (top, _), (left, _) = self._paddings(shape)
        return Windows(self.w.value.shape[2:], self.stride, (top, left), self.dilation)

    def _paddings(self, shape: Shape) -> tuple[Pair, Pair]:
        if not self.same:
            return self.padding
        K = self.w.value.shape[2:]
        rows, columns = (
            same_padding(shape[a + 1], K[a], self.stride[a], self.dilation[a]) for a in (0, 1)
        )
        return rows, columns

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 3 or input_shape[0] != self.C:
            raise ValueError(
                f"Conv2d: expected a sample of shape ({self.C}, H, W), got {input_shape}"
            )
        F, _, *K = self.w.value.shape
        sizes = zip(
            input_shape[1:], K, self.stride, self._paddings(input_shape), self.dilation, strict=True
        )
        OH, OW = (windows_along("Conv2d", *numbers) for numbers in sizes)
        return sample_of("Conv2d", F, OH, OW)

    def parameters(self) -> dict[str, Parameter]:
        return {"weight": self.w} if self.b is None else {"weight": self.w, "bias": self.b}


def through_relu_and_bias(dy: Array, y: Array | None, b: Parameter | None) -> Array:
    """Add Σ_hmn dy_fhmn to the gradient of b, if there is one, and return dy.

    With y, the output of a ReLU behind the bias, dy [y > 0] takes the place of dy (fusion.py).
    """
    if y is not None:
        return relu_and_bias_gradient(dy, y, np.zeros(len(dy), dy.dtype) if b is None else b.grad)
    if b is not None:
        add_bias_gradient(dy, b.grad)
    return dy
