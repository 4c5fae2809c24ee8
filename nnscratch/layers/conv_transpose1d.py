"""The transposed convolution of sequences."""

import numpy as np
from numpy.typing import DTypeLike

from ..checks.arguments import flag, integer
from ..core import Array, Backward, Layer, Pair, Parameter, Shape, check
from ..kernels.plain_images import Windows, add_filter_gradient, convolve, convolve_adjoint
from .conv import through_relu_and_bias
from .conv1d import image_of, sequence_of
from .geometry import check_groups, pair, sample_of
from .initializers import Initializer, glorot_uniform, zeros


class ConvTranspose1d(Layer):
    """Conv1d's adjoint: every step of x lays down a multiple of the filters, and overlaps add up.

    Shapes
        x  (T, D, N)             w  (D, F/groups, K)   weight
        y  (OT, F, N)            b  (F,)               bias

        OT = (T - 1) stride - before - after + dilation (K - 1) + 1 + output_padding. padding is a
        number or (before, after), the padding of the convolution from y to x: it takes steps away.
        Several lengths of its sequence give T steps; output_padding < stride says which is meant.
        padding="same" is the adjoint of Conv1d's, from T·stride steps to T.

    Derivation
        Let conv be the convolution from F to D features that has these weights. With the stride s,
        the padding p before and the dilation e,

            y_ifn = b_f + Σ_dk w_dfk x_(i+p-ke)/s,d,n     over the whole quotients

        is b + convᵀ x, and the transpose of the transpose is conv:

            ∂L/∂x_tdn = Σ_fk w_dfk dy_ts-p+ke,f,n          dx = conv(dy)
            ∂L/∂w_dfk = Σ_tn x_tdn dy_ts-p+ke,f,n          conv's dw, x and dy exchanged
            ∂L/∂b_f   = Σ_in dy_ifn

        A sequence is an image of height 1 once its features are the first axis.

    Keeps
        x.

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
        kernel_size: int,
        *,
        stride: int = 1,
        padding: int | Pair | str = 0,
        output_padding: int = 0,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
        rng: np.random.Generator,
        init: Initializer = glorot_uniform,
        bias_init: Initializer = zeros,
        dtype: DTypeLike = np.float32,
    ) -> None:
        name = "ConvTranspose1d"
        check_groups(name, in_channels, out_channels, groups)
        D, self.F, self.groups = in_channels, out_channels, groups
        bias, K = flag(name, "bias", bias), integer(name, "kernel_size", kernel_size)
        self.stride = integer(name, "stride", stride)
        self.dilation = integer(name, "dilation", dilation)
        self.more = integer(name, "output_padding", output_padding, 0)
        if self.more >= max(self.stride, self.dilation):
            raise ValueError(
                f"{name}: expected output_padding < stride {stride} or < dilation {dilation}, "
                f"got {output_padding}"
            )
        if isinstance(padding, str):
            if padding != "same" or self.more:
                raise ValueError(
                    f"{name}: expected padding 'same' without output_padding, "
                    f"got {padding!r} and {output_padding}"
                )
            extra = self.dilation * (K - 1) + 1 - self.stride
            padding, self.more = (max(0, extra) // 2, max(0, extra + 1) // 2), max(0, -extra)
        self.padding = pair(name, "padding", padding, 0)
        shape = (D, self.F // groups, K)
        fans = D // groups * K, shape[1] * K
        self.w = Parameter(np.ascontiguousarray(init(shape, *fans, rng=rng, dtype=dtype)))
        self.b = Parameter(bias_init((self.F,), *fans, rng=rng, dtype=dtype)) if bias else None

    def forward(self, x: Array) -> tuple[Array, Backward]:
        w, b = self.w, self.b
        D, _, K = w.value.shape
        check("ConvTranspose1d x", x, ("T", D, "N"), w.value.dtype)
        (T, _, N), (OT, F) = x.shape, self.output_shape(x.shape[:2])
        image, filters = image_of(x), w.value[:, :, None]
        windows = Windows((1, K), (1, self.stride), (0, self.padding[0]), (1, self.dilation))
        y = convolve_adjoint(image, filters, b.value if b else None, windows, (F, 1, OT, N))

        def backward(dy: Array, need_dx: bool = True) -> Array | None:
            check("ConvTranspose1d dy", dy, (OT, F, N), w.value.dtype)
            dy = through_relu_and_bias(image_of(dy), None, b)
            add_filter_gradient(dy, image, windows, w.grad[:, :, None])
            if not need_dx:
                return None
            return sequence_of(convolve(dy, filters, None, windows, (D, 1, T, N)))

        return sequence_of(y), backward

    def output_shape(self, input_shape: Shape) -> Shape:
        D, _, K = self.w.value.shape
        if len(input_shape) != 2 or input_shape[1] != D or input_shape[0] < 1:
            raise ValueError(
                f"ConvTranspose1d: expected a sample of shape (T, {D}), got {input_shape}"
            )
        reach = self.dilation * (K - 1) + 1
        OT = (input_shape[0] - 1) * self.stride - sum(self.padding) + reach + self.more
        if OT < 1:
            raise ValueError(
                f"ConvTranspose1d: padding {self.padding} leaves nothing of {input_shape}"
            )
        F, _, OT = sample_of("ConvTranspose1d", self.F, 1, OT)
        return OT, F

    def parameters(self) -> dict[str, Parameter]:
        return {"weight": self.w} if self.b is None else {"weight": self.w, "bias": self.b}
