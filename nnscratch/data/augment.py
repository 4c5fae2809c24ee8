"""Images that are changed at random before each step, so that each epoch sees others.

Trainer(model, Adam(1e-3), seed=0, augment=Augment(flip=True, shift=2)).fit(train, epochs=10)
"""

from dataclasses import dataclass

import numpy as np

from ..checks.arguments import flag, integer
from ..core import Array

FILLS = ("edge", "black")


@dataclass(frozen=True)
class Augment:
    """Mirrors and shifts each image of a batch by itself: y[c, i, j] = x[c, i − a, ±(j − b)].

    flip   mirror half of the images, left to right
    shift  a and b are drawn from −shift … shift, in pixels; which is also to pad by so many pixels
           and to crop the image at a random place
    fill   what comes in at the border: its last pixels again (edge), or black

    Raises
        ValueError if an argument is not as above, nothing is to be done, or what it is given are no
        images (C, H, W, N).
    """

    flip: bool = False
    shift: int = 0
    fill: str = "edge"

    def __post_init__(self) -> None:
        flag("Augment", "flip", self.flip)
        integer("Augment", "shift", self.shift, 0)
        if self.fill not in FILLS:
            raise ValueError(f"Augment: expected fill, edge or black, got {self.fill!r}")
        if not self.flip and self.shift == 0:
            raise ValueError("Augment: expected flip=True or shift ≥ 1, got neither")

    def __call__(self, x: Array, *, rng: np.random.Generator) -> Array:
        """Return other views of the images x (C, H, W, N)."""
        if x.ndim != 4:
            raise ValueError(f"Augment: expected images (C, H, W, N), got {x.shape}")
        _, H, W, N = x.shape
        mirrored = rng.random(N) < (0.5 if self.flip else 0)
        a, b = rng.integers(-self.shift, self.shift + 1, (2, N))
        i, j = np.arange(H)[:, None] - a, np.arange(W)[:, None] - b  # (H, N), (W, N)
        j = np.where(mirrored, W - 1 - j, j)
        rows, columns = i.clip(0, H - 1)[:, None], j.clip(0, W - 1)[None]
        y = x[:, rows, columns, np.arange(N)]
        if self.fill == "black":
            y *= ((i >= 0) & (i < H))[:, None] & ((j >= 0) & (j < W))[None]
        return y


@dataclass(frozen=True)
class DynamicBinarization:
    """Makes each pixel of a batch black or white, white with probability equal to its grey level.

    It is binarize(images, "dynamic") for a Trainer, which augments what is learned from and leaves
    validation data alone: binarise these before.

    Raises
        ValueError if a pixel is not in [0, 1].
    """

    def __call__(self, x: Array, *, rng: np.random.Generator) -> Array:
        """Return zeros and ones of the shape and dtype of x (…, N)."""
        if not (x.min() >= 0 and x.max() <= 1):
            raise ValueError(
                f"DynamicBinarization: expected pixels in [0, 1], got {x.min()} … {x.max()}"
            )
        return (rng.random(x.shape, x.dtype) < x).astype(x.dtype)
