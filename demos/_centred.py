"""A layer that lets few channels see in noise that brightens."""

from nnscratch.core import Array, Backward, Parameter, Shape, check, float_dtype


class Centred:
    """y = x - m: images about zero.

    Noise of mean ½ makes every pixel bright. Then all the inputs of a filter are positive, each
    step of Adam moves its weights together, and within the first hundred steps some filters are so
    far below zero that their ReLU lets nothing through any more, of any image: a channel that has
    died. The mean is no loss to the network, for it could be part of the first bias.

    The lesson's denoiser, whose code has 8 channels, after 15 epochs of 10,000 digits with each of
    8 seeds, nats an image: as it is 137.3 (129.3 to 146.7), where the two that do worst have 4 of 8
    channels dead in the code or in the layer behind it; with this layer 125.7 (121.6 to 131.8).

    Shapes
        x, y  any

    Derivation
        dx = dy

    Source
        LeCun, Bottou, Orr and Müller, Efficient BackProp (1998), §4.3: inputs of mean zero.
    """

    def __init__(self, m: float) -> None:
        self.m = m

    def forward(self, x: Array) -> tuple[Array, Backward]:
        """Return x - m, and the backward."""
        check("Centred x", x, x.shape, float_dtype(x))

        def backward(dy: Array) -> Array:
            check("Centred dy", dy, x.shape, x.dtype)
            return dy.copy()

        return x - x.dtype.type(self.m), backward

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the same shape."""
        return input_shape

    def parameters(self) -> dict[str, Parameter]:
        """Return none."""
        return {}
