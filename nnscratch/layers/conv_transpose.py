"""The transposed convolution."""

import numpy as np
from numpy.typing import DTypeLike

from ..checks.arguments import flag
from ..core import Array, Backward, Layer, Pair, Parameter, Shape, check
from ..kernels.plain_images import Windows, add_filter_gradient, convolve, convolve_adjoint
from .conv import through_relu_and_bias
from .earlier import with_earlier_relu
from .geometry import Padding, check_groups, paddings, pair, sample_of
from .initializers import Initializer, glorot_uniform, zeros


@with_earlier_relu
class ConvTranspose2d(Layer):
    """Conv2d's adjoint: every pixel of x lays down a multiple of the filters, and overlaps add up.

    Shapes
        x  (C, H, W, N)          w  (C, F/groups, KH, KW)   weight
        y  (F, OH, OW, N)        b  (F,)                    bias

        OH = (H - 1) stride - top - bottom + dilation (KH - 1) + 1 + output_padding, and OW
        likewise. Here padding takes pixels away: it is the padding of the convolution from y to x.
        Several sizes of its image give H outputs; output_padding < stride says which is meant.
        padding="same" is the adjoint of Conv2d's, from H·stride pixels to H.

    Derivation
        Let conv be the convolution from F to C channels that has these weights. Then

            y_filn = b_f + Σ_ckj w_cfkj x_c,(i+p-kd)/s,(l+p-jd)/s,n     over the whole quotients

        is b + convᵀ x, so that ⟨conv(v), x⟩ = ⟨v, convᵀ x⟩. The transpose of the transpose is conv:

            ∂L/∂x_chmn = Σ_fkj w_cfkj dy_f,hs-p+kd,ms-p+jd,n        dx = conv(dy)
            ∂L/∂w_cfkj = Σ_hmn x_chmn dy_f,hs-p+kd,ms-p+jd,n        conv's dw, x and dy exchanged
            ∂L/∂b_f    = Σ_iln dy_filn

        It is no inverse of conv.

    Keeps
        x. Where a Sequential computes the ReLU behind it as well, also y (fusion.py).

    Source
        Dumoulin and Visin, A guide to convolution arithmetic for deep learning (2016), chapter 4.

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
        output_padding: int | Pair = 0,
        dilation: int | Pair = 1,
        groups: int = 1,
        bias: bool = True,
        rng: np.random.Generator,
        init: Initializer = glorot_uniform,
        bias_init: Initializer = zeros,
        dtype: DTypeLike = np.float32,
    ) -> None:
        name = "ConvTranspose2d"
        check_groups(name, in_channels, out_channels, groups)
        C, self.F, self.groups = in_channels, out_channels, groups
        bias = flag(name, "bias", bias)
        KH, KW = pair(name, "kernel_size", kernel_size)
        self.stride, self.dilation = pair(name, "stride", stride), pair(name, "dilation", dilation)
        self.more = pair(name, "output_padding", output_padding, least=0)
        if any(
            a >= max(b, c) for a, b, c in zip(self.more, self.stride, self.dilation, strict=True)
        ):
            raise ValueError(
                f"{name}: expected output_padding < stride {stride} or < dilation {dilation}, "
                f"got {output_padding}"
            )
        if isinstance(padding, str):
            if padding != "same" or output_padding:
                raise ValueError(
                    f"{name}: expected padding 'same' without output_padding, "
                    f"got {padding!r} and {output_padding}"
                )
            sizes = zip((KH, KW), self.stride, self.dilation, strict=True)
            extra = [d * (K - 1) + 1 - s for K, s, d in sizes]
            rows, columns = ((max(0, e) // 2, max(0, e + 1) // 2) for e in extra)
            self.padding = rows, columns
            self.more = max(0, -extra[0]), max(0, -extra[1])
        else:
            self.padding = paddings(name, padding)
        shape = (C, self.F // groups, KH, KW)
        fans = C // groups * KH * KW, shape[1] * KH * KW
        self.w = Parameter(np.ascontiguousarray(init(shape, *fans, rng=rng, dtype=dtype)))
        self.b = Parameter(bias_init((self.F,), *fans, rng=rng, dtype=dtype)) if bias else None

    def forward(self, x: Array, *, relu: bool = False) -> tuple[Array, Backward]:
        w, b = self.w, self.b
        check("ConvTranspose2d x", x, (len(w.value), "H", "W", "N"), w.value.dtype)
        x_shape, y_shape = x.shape, (*self.output_shape(x.shape[:3]), x.shape[3])
        (top, _), (left, _) = self.padding
        windows = Windows(w.value.shape[2:], self.stride, (top, left), self.dilation)
        y = convolve_adjoint(x, w.value, b.value if b else None, windows, y_shape, relu)
        rectified = y if relu else None

        def backward(dy: Array, need_dx: bool = True) -> Array | None:
            check("ConvTranspose2d dy", dy, y_shape, w.value.dtype)
            dy = through_relu_and_bias(dy, rectified, b)
            add_filter_gradient(dy, x, windows, w.grad)
            return convolve(dy, w.value, None, windows, x_shape) if need_dx else None

        return y, backward

    def output_shape(self, input_shape: Shape) -> Shape:
        C, _, *K = self.w.value.shape
        if len(input_shape) != 3 or input_shape[0] != C or min(input_shape) < 1:
            raise ValueError(
                f"ConvTranspose2d: expected a sample of shape ({C}, H, W), got {input_shape}"
            )
        axes = zip(
            input_shape[1:], K, self.stride, self.padding, self.dilation, self.more, strict=True
        )
        OH, OW = ((H - 1) * s - sum(p) + d * (k - 1) + 1 + more for H, k, s, p, d, more in axes)
        if min(OH, OW) < 1:
            raise ValueError(
                f"ConvTranspose2d: padding {self.padding} leaves nothing of {input_shape}"
            )
        return sample_of("ConvTranspose2d", self.F, OH, OW)

    def parameters(self) -> dict[str, Parameter]:
        return {"weight": self.w} if self.b is None else {"weight": self.w, "bias": self.b}
