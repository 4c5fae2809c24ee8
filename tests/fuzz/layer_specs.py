"""Layers, and the arguments that they are made with."""

from collections.abc import Callable
from typing import Any

import numpy as np

from nnscratch import layers

from .settings import (
    AT_LEAST_0,
    BELOW_1,
    FLAG,
    FRACTION,
    PAD,
    PADDING,
    PAIR,
    POSITIVE,
    RNG,
    SHAPE,
    SIZE,
    Kind,
    Spec,
    between,
    optional,
)


def layer(
    kind: Callable[..., Any], shape: tuple[int, ...], right: dict[str, Any], **kinds: Kind
) -> Spec:
    """Return the spec of a layer; one that is accepted has to take a batch, if it fits."""

    def use(made: Any) -> Any:
        x = np.random.default_rng(0).standard_normal((*shape, 3)).astype(np.float32)
        try:
            out = made.output_shape(shape)
        except ValueError:
            return True
        noise = {"rng": np.random.default_rng(0)} if getattr(made, "noisy", False) else {}
        y, backward = made.forward(x, **noise)
        assert y.shape == (*out, 3)
        return [y, backward(np.ones_like(y))]

    if "rng" in kinds:
        right = right | {"rng": np.random.default_rng(0)}
    return Spec(kind.__name__, kind, right, kinds, use, alone=False)


def of_layers() -> list[Spec]:
    """Return the specs of layers."""
    image, norm = (4, 6, 6), {"eps": AT_LEAST_0}
    conv = {"kernel_size": PAIR, "stride": PAIR, "padding": PAD, "dilation": PAIR}
    conv |= {"in_channels": SIZE, "out_channels": SIZE, "groups": SIZE, "bias": FLAG, "rng": RNG}
    sizes = {"in_channels": 4, "out_channels": 4, "kernel_size": 3}
    line = conv | {"kernel_size": SIZE, "stride": SIZE, "dilation": SIZE, "padding": PAD}
    pool = {"kernel_size": PAIR, "stride": optional(PAIR), "padding": PADDING, "ceil_mode": FLAG}
    dense = {"in_features": SIZE, "out_features": SIZE, "bias": FLAG, "rng": RNG}
    turned = {k: v for k, v in conv.items() if k not in ("dilation", "groups")}
    line_turned = {k: v for k, v in line.items() if k not in ("dilation", "groups")}
    return [
        layer(layers.Dense, (4,), {"in_features": 4, "out_features": 3}, **dense),
        layer(layers.Conv2d, image, sizes, **conv),
        layer(layers.Conv1d, (5, 4), sizes, **line),
        layer(layers.ConvTranspose2d, image, sizes, **turned),
        layer(layers.MaxPool2d, image, {"kernel_size": 2}, **pool),
        layer(layers.AvgPool2d, image, {"kernel_size": 2}, **pool),
        layer(layers.UpsampleNearest2d, image, {"scale_factor": 2}, scale_factor=PAIR),
        layer(layers.UpsampleBilinear2d, image, {"scale_factor": 2}, scale_factor=PAIR),
        layer(layers.UpsampleNearest1d, (5, 4), {"scale_factor": 2}, scale_factor=SIZE),
        layer(layers.ZeroPad2d, image, {"padding": 1}, padding=PAD),
        layer(layers.ZeroPad1d, (5, 4), {"padding": 1}, padding=PAD),
        layer(layers.Crop2d, image, {"cropping": 1}, cropping=PAD),
        layer(layers.Crop1d, (5, 4), {"cropping": 1}, cropping=PAD),
        layer(layers.ConvTranspose1d, (5, 4), sizes, **line_turned),
        layer(layers.PixelShuffle, image, {"upscale_factor": 2}, upscale_factor=SIZE),
        layer(layers.Dropout, image, {}, p=BELOW_1),
        layer(layers.LeakyReLU, image, {}, negative_slope=between(0, 1, "][")),
        layer(layers.ELU, image, {}, alpha=POSITIVE),
        layer(layers.LayerNorm, (4,), {"normalized_shape": 4}, normalized_shape=SHAPE, **norm),
        layer(
            layers.GroupNorm,
            image,
            {"num_groups": 2, "num_channels": 4},
            num_groups=SIZE,
            num_channels=SIZE,
            affine=FLAG,
            **norm,
        ),
        layer(
            layers.BatchNorm,
            image,
            {"num_features": 4},
            num_features=SIZE,
            momentum=FRACTION,
            affine=FLAG,
            **norm,
        ),
        Spec("Reshape", lambda size: layers.Reshape(size), {}, {"size": SIZE}),
    ]
