"""What super-resolution needs: a network over an interpolation, bicubic, and how sure a gain is."""

from math import log

import numpy as np
from PIL import Image

from nnscratch.core import Array, Backward, Layer, Parameter, Shape
from nnscratch.data import downsample, upsample_nearest
from nnscratch.evaluation.elbo import Estimate, estimate
from nnscratch.evaluation.metrics import ssim


class OnTopOf(Layer):
    """y = base(x) + net(x): the network adds to an interpolation what the interpolation lacks.

    Shapes
        x  any that both take      y  what both make of it

    Derivation
        dx = base's dx + net's dx, each of the same dy

    Keeps
        What the two keep.

    Source
        Kim, Lee and Lee, Accurate Image Super-Resolution Using Very Deep Convolutional Networks
        (2016), §3.1.
    """

    def __init__(self, base: Layer, net: Layer) -> None:
        self.base, self.net = base, net

    def forward(self, x: Array) -> tuple[Array, Backward]:
        """Return base(x) + net(x), and the backward."""
        y, base_backward = self.base.forward(x)
        added, net_backward = self.net.forward(x)

        def backward(dy: Array) -> Array:
            return base_backward(dy) + net_backward(dy)

        return y + added, backward

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of both."""
        return self.net.output_shape(input_shape)

    def parameters(self) -> dict[str, Parameter]:
        """Return those of both, under the names base and net."""
        parts = {"base": self.base, "net": self.net}
        return {f"{k}.{n}": p for k, part in parts.items() for n, p in part.parameters().items()}


def bicubic(y: Array, factor: int) -> Array:
    """Return pictures (N, C, H, W) of so many times the side, by Pillow, held in [0, 1]."""
    N, C, H, W = y.shape
    size = (W * factor, H * factor)
    planes = (Image.fromarray(p) for p in y.reshape(-1, H, W))
    large = [np.asarray(p.resize(size, Image.Resampling.BICUBIC)) for p in planes]
    return np.stack(large).reshape(N, C, *size[::-1]).clip(0, 1)


def decibels(x: Array, y: Array, other: Array | None = None) -> Estimate:
    """Return the PSNR of pictures y of x, of their mean MSE; or by how much it is above others'.

    The standard error is that of the choice of pictures: by the delta method, that of the mean of
    the derivatives of 10 log₁₀ of the mean MSEs. The gain's is less than that of either PSNR, as
    what is hard is hard for both.
    """
    a = ((x - y) ** 2).mean(axis=(1, 2, 3), dtype=np.float64)
    b = np.ones_like(a)
    if other is not None:
        b = ((x - other) ** 2).mean(axis=(1, 2, 3), dtype=np.float64)
    value = 10 * np.log10(b.mean() / a.mean())
    return Estimate(float(value), 10 / log(10) * estimate(b / b.mean() - a / a.mean()).error)


def similarity(x: Array, y: Array) -> Estimate:
    """Return the SSIM, with its standard error over pictures."""
    return estimate(np.array([ssim(x[[n]], y[[n]]) for n in range(len(x))]))


def detail(y: Array, factor: int) -> float:
    """Return the rms, in grey levels, of what pixels have beside the mean of their tile."""
    coarse = upsample_nearest(downsample(y, factor), factor)
    return 255 * float(np.sqrt(((y - coarse) ** 2).mean()))
