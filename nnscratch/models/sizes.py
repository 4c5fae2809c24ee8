"""How many numbers the layers of a network make of one sample."""

from math import prod

from ..core import Layer, Shape
from ..layers.sequential import Sequential


def outputs(layer: Layer, shape: Shape) -> tuple[Shape, int]:
    """Return a layer's output shape, and how many numbers it makes, stage by stage."""
    if not isinstance(layer, Sequential):
        shape = layer.output_shape(shape)
        return shape, prod(shape)
    total = 0
    for inner in layer.stages:
        shape, numbers = outputs(inner, shape)
        total += numbers
    return shape, total
