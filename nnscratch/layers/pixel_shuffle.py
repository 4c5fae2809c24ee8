"""From many channels to more pixels."""

from ..core import Array, Backward, Layer, Shape, check, float_dtype
from .geometry import integers


class PixelShuffle(Layer):
    """Every r² channels become one of r times as many rows and columns; no number changes.

    Shapes
        x  (C·r², H, W, N)      y  (C, H·r, W·r, N)

    Derivation
        y_c,hr+a,mr+b,n = x_(cr+a)r+b,h,m,n        ∂L/∂x_(cr+a)r+b,h,m,n = dy_c,hr+a,mr+b,n

    Keeps
        Nothing.

    Source
        Shi et al., Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
        Convolutional Neural Network (2016), eq. 4.

    Raises
        ValueError if the factor is not positive, or does not fit the channels, or x or dy has
        another shape or dtype.
    """

    holomorphic = True

    def __init__(self, upscale_factor: int) -> None:
        r = upscale_factor
        self.r, _ = integers("PixelShuffle", "upscale_factor", r, (r, r), 1)

    def forward(self, x: Array) -> tuple[Array, Backward]:
        check("PixelShuffle x", x.real, ("C", "H", "W", "N"), float_dtype(x))
        (_, H, W, N), dtype, r = x.shape, x.dtype, self.r
        C, *_ = y_shape = (*self.output_shape(x.shape[:3]), N)

        def backward(dy: Array) -> Array:
            check("PixelShuffle dy", dy, y_shape, dtype)
            dx = dy.reshape(C, H, r, W, r, N).transpose(0, 2, 4, 1, 3, 5)
            return dx.reshape(C * r * r, H, W, N)

        y = x.reshape(C, r, r, H, W, N).transpose(0, 3, 1, 4, 2, 5)
        return y.reshape(y_shape), backward

    def output_shape(self, input_shape: Shape) -> Shape:
        r = self.r
        if len(input_shape) != 3 or input_shape[0] % r**2:
            raise ValueError(
                f"PixelShuffle: expected a sample of shape (C·{r**2}, H, W), got {input_shape}"
            )
        C, H, W = input_shape
        return C // r**2, H * r, W * r
