"""A ReLU computed together with the layer next to it, in a pass over memory that is made anyway.

A network shows its ReLUs, `Sequential(Conv2d(…), ReLU(), MaxPool2d(2))`, and Sequential runs it in
these stages:

    Conv2d, ReLU       Conv1d and ConvTranspose2d likewise, unless MaxPool2d comes next
    ReLU, MaxPool2d
    MaxPool2d, ReLU

Both results are those of the two layers one after the other. Let a = conv(x) and y = max(0, a).

    Convolution. The kernel takes max(0, ·) of each sum before it leaves the register: the sum is
    the same, and so is its maximum with 0. Backward, ReLU passes on da = dy [y > 0], which needs y
    and not a. The convolution sums da for the bias before anything else, in a pass over da, and in
    that same pass da is computed. From there on its backward is given what it would have been.
    (The pass adds up da in blocks, so the last bit of the bias's gradient may differ.)

    Pool. max(0, ·) is monotone, so max(0, max_t a_t) = max_t max(0, a_t): the ReLU may stand before
    the pool or behind it. Its gradient is the same, too. If the largest a_t is above 0, the first
    that is so large is the winner in both orders, and gets dy. If it is not, dy meets [y > 0] = 0
    in both orders and nobody gets it: the 0 counts as a candidate of the window that has won, and
    is no pixel's. A NaN wins every window and passes through max(0, ·) in both orders; alone its
    gradient differs, for the pool gives dy to the NaN, and [y > 0] gives it to nobody.

What it saves was measured on two cores, in training steps of the lesson's networks: 20 % of the
convolutional autoencoder's and 9 % of the denoiser's for the pools, 1 to 5 % for convolutions.
"""

from collections.abc import Sequence
from typing import Any

from ..core import Array, Backward, Layer, Parameter, Shape
from .conv import Conv2d
from .conv1d import Conv1d
from .conv_transpose import ConvTranspose2d
from .pool import MaxPool2d
from .rectifiers import ReLU

FUSIBLE = Conv1d, Conv2d, ConvTranspose2d, MaxPool2d
"""The layers that can compute a ReLU as well: their forward has an option `relu`. A subclass may
have a forward of its own, and is none of them."""


class WithReLU(Layer):
    """A layer and the ReLU next to it, as one stage of a Sequential."""

    def __init__(self, layer: Any) -> None:
        self.layer = layer

    def forward(self, x: Array) -> tuple[Array, Backward]:
        return self.layer.forward(x, relu=True)

    def output_shape(self, input_shape: Shape) -> Shape:
        return self.layer.output_shape(input_shape)

    def parameters(self) -> dict[str, Parameter]:
        return self.layer.parameters()


def fused(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """Return the stages in which a chain of layers is run.

    Between a convolution and a pool a ReLU is the pool's, which has fewer numbers to pass on.
    """
    stages = list(layers)
    for i in reversed(range(len(stages) - 1)):
        if type(stages[i]) is ReLU and type(stages[i + 1]) is MaxPool2d:
            stages[i : i + 2] = [WithReLU(stages[i + 1])]
    for i in reversed(range(len(stages) - 1)):
        if type(stages[i]) in FUSIBLE and type(stages[i + 1]) is ReLU:
            stages[i : i + 2] = [WithReLU(stages[i])]
    return tuple(stages)
