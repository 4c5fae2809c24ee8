"""Draws the picture of the README, docs/img/vae.png: what VAEs have learned of digits.

    python docs/img/vae.py

It trains the lesson's 784-512-L-512-784 network on the digits of the package for 25 epochs, once
with L = 2 numbers for a digit and once with 16: half a minute on two cores. All digits that it
shows are held out.
"""

from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from PIL import Image

import nnscratch as nn
from nnscratch.plots.codes import scatter
from nnscratch.plots.images import mosaic, quantiles

EPOCHS, SIDE = 25, 15
train, test = nn.digits()


def trained(latent_dim: int) -> nn.VAE:
    """Return a VAE of digits whose codes have so many numbers."""
    vae = nn.models.lesson.dense_vae(latent_dim=latent_dim, rng=np.random.default_rng(0))
    rate = nn.schedules.Cosine(3e-3, EPOCHS * -(-len(train) // 128))
    nn.Trainer(vae, nn.Adam(rate), seed=0).fit(train.images, epochs=EPOCHS, progress=True)
    return vae


def axes_of(part: SubFigure, title: str) -> Axes:
    """Return the axes of a part of the figure, with what to look at above them."""
    axes = part.subplots()
    axes.set_title(title, size=10, loc="left")
    return axes


plane, wide = trained(2), trained(16)
figure = Figure((12, 4), layout="constrained")
left, middle, right = figure.subfigures(1, 3, width_ratios=(1.02, 1, 1.12))

axes = axes_of(left, "2,000 digits, each as two numbers")
scatter(axes, plane.encode(test.images), test.labels)
axes.set(xlim=(-4, 4), ylim=(-4, 4), xlabel="$z_1$", ylabel="$z_2$")
axes.set_aspect("equal", "box")
axes.spines[["top", "right"]].set_visible(False)

z = quantiles(SIDE)
points = np.array([(x, y) for y in z[::-1] for x in z], np.float32)
images = plane.decode(points).reshape(SIDE, SIDE, 28, 28)
mosaic(axes_of(middle, "that plane, decoded"), images, gap=0)

above, below = right.subfigures(2, 1, height_ratios=(1, 1.7))
some = [np.flatnonzero(test.labels == label)[0] for label in range(10)]
pairs = np.stack([test.images[some] / 255, wide.reconstruct(test.images[some]).reshape(10, 28, 28)])
mosaic(axes_of(above, "digits; below each, what 16 numbers keep of it"), pairs)
samples = plane.sample(40, rng=np.random.default_rng(0)).reshape(4, 10, 28, 28)
mosaic(axes_of(below, "new digits: points of the plane, drawn from N(0, I), decoded"), samples)

content, path = BytesIO(), Path(__file__).with_suffix(".png")
figure.savefig(content, format="png", dpi=100)
Image.open(content).convert("RGB").quantize(200).save(path, optimize=True)
print(f"{path}: {path.stat().st_size / 1000:.0f} kB")
