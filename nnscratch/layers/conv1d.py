"""The convolution of sequences."""

import numpy as np
from numpy.typing import DTypeLike

from ..checks.arguments import flag
from ..core import Array, Backward, Layer, Pair, Parameter, Shape, check
from ..kernels.plain_images import Windows, add_filter_gradient, convolve, convolve_adjoint
from .conv import through_relu_and_bias
from .earlier import with_earlier_relu
from .geometry import check_groups, integers, pair, same_padding, windows_along
from .initializers import Initializer, glorot_uniform, zeros


@with_earlier_relu
class Conv1d(Layer):
    """Every step of y is an affine map of the steps of x around it, the same map everywhere.

    Shapes
        x  (T, D, N)             w  (F, D/groups, K)   weight
        y  (OT, F, N)            b  (F,)               bias

        OT = ⌊(T + before + after - dilation (K - 1) - 1)/stride⌋ + 1. padding is a number,
        (before, after), "valid" or "same", as in Conv2d; (dilation (K - 1), 0) is the causal
        convolution, which sees no step of the future.

    Derivation
        With the stride s, the padding p before and the dilation e, as in Conv2d,

            y_tfn = b_f + Σ_dk w_fdk x_ts-p+ke,d,n
            ∂L/∂w_fdk = Σ_tn dy_tfn x_ts-p+ke,d,n          ∂L/∂b_f = Σ_tn dy_tfn
            ∂L/∂x_idn = Σ_fk w_fdk dy_(i+p-ke)/s,f,n       over the whole quotients

        A sequence is an image of height 1 once its features are the first axis.

    Keeps
        x. Where a Sequential computes the ReLU behind it as well, also y (fusion.py).

    Source
        Waibel et al., Phoneme Recognition Using Time-Delay Neural Networks (1989).

    Raises
        ValueError if a size does not make sense or does not fit, or x or dy has another shape or
        dtype.
    """

    holomorphic = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        stride: int = 1,
        padding: int | Pair | str = 0,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
        rng: np.random.Generator,
        init: Initializer = glorot_uniform,
        bias_init: Initializer = zeros,
        dtype: DTypeLike = np.float32,
    ) -> None:
        check_groups("Conv1d", in_channels, out_channels, groups)
        self.D, F, self.groups = in_channels, out_channels, groups
        bias = flag("Conv1d", "bias", bias)
        for what, size in {
            "kernel_size": kernel_size,
            "stride": stride,
            "dilation": dilation,
        }.items():
            integers("Conv1d", what, size, (size, size), 1)
        self.stride, self.dilation = stride, dilation
        self.same = isinstance(padding, str) and padding == "same"
        if isinstance(padding, str):
            if padding not in ("same", "valid"):
                raise ValueError(f"Conv1d: expected padding 'same' or 'valid', got {padding!r}")
            padding = 0
        self.padding = pair("Conv1d", "padding", padding, 0)
        shape = (F, in_channels // groups, kernel_size)
        fans = shape[1] * kernel_size, F // groups * kernel_size
        self.w = Parameter(np.ascontiguousarray(init(shape, *fans, rng=rng, dtype=dtype)))
        self.b = Parameter(bias_init((F,), *fans, rng=rng, dtype=dtype)) if bias else None

    def forward(self, x: Array, *, relu: bool = False) -> tuple[Array, Backward]:
        w, b = self.w, self.b
        check("Conv1d x", x, ("T", self.D, "N"), w.value.dtype)
        (T, D, N), (OT, F) = x.shape, self.output_shape(x.shape[:2])
        image, filters = image_of(x), w.value[:, :, None]
        size, before = filters.shape[2:], self._padding(T)[0]
        windows = Windows(size, (1, self.stride), (0, before), (1, self.dilation))
        y = convolve(image, filters, b.value if b else None, windows, (F, 1, OT, N), relu)
        rectified = y if relu else None

        def backward(dy: Array, need_dx: bool = True) -> Array | None:
            check("Conv1d dy", dy, (OT, F, N), w.value.dtype)
            dy = through_relu_and_bias(image_of(dy), rectified, b)
            add_filter_gradient(image, dy, windows, w.grad[:, :, None])
            if not need_dx:
                return None
            return sequence_of(convolve_adjoint(dy, filters, None, windows, (D, 1, T, N)))

        return sequence_of(y), backward

    def _padding(self, T: int) -> Pair:
        K = self.w.value.shape[2]
        return same_padding(T, K, self.stride, self.dilation) if self.same else self.padding

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 2 or input_shape[1] != self.D:
            raise ValueError(f"Conv1d: expected a sample of shape (T, {self.D}), got {input_shape}")
        F, _, K = self.w.value.shape
        T = input_shape[0]
        return windows_along("Conv1d", T, K, self.stride, self._padding(T), self.dilation), F

    def parameters(self) -> dict[str, Parameter]:
        return {"weight": self.w} if self.b is None else {"weight": self.w, "bias": self.b}


def image_of(x: Array) -> Array:
    """(T, D, N) ↦ (D, 1, T, N)."""
    return np.ascontiguousarray(x.swapaxes(0, 1))[:, None]


def sequence_of(x: Array) -> Array:
    """(D, 1, T, N) ↦ (T, D, N)."""
    return np.ascontiguousarray(x[:, 0].swapaxes(0, 1))
