"""Draws the picture of the README, docs/img/vae.png: what a VAE has learned of digits.

    python docs/img/vae.py

It trains the lesson's 784-512-2-512-784 network on the digits of the package for 25 epochs, half a
minute on two cores, and shows images that it has not trained on.
"""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import nnscratch as nn
from nnscratch.plots.images import mosaic, quantiles
from nnscratch.plots.page import CLASSES, OUTLINE

EPOCHS, SIDE = 25, 15
rng = np.random.default_rng(0)
train, test = nn.digits()
vae = nn.models.lesson.dense_vae(rng=rng)
rate = nn.schedules.Cosine(3e-3, EPOCHS * -(-len(train) // 128))
trainer = nn.Trainer(vae, nn.Adam(rate), seed=0)
trainer.fit(train.images, epochs=EPOCHS, progress=True)

figure = Figure((12, 4.3), layout="constrained")
plane, decoded, right = figure.subfigures(1, 3, width_ratios=(1.05, 1, 1.05))


def axes_of(part: Figure, title: str) -> Axes:
    """Return the axes of a part of the figure, with what to look at above them."""
    axes = part.subplots()
    axes.set_title(title, size=10, loc="left")
    return axes


codes = vae.encode(test.images)
axes = axes_of(plane, "2,000 held-out digits, each as two numbers")
axes.scatter(*codes.T, s=7, c=np.array(CLASSES)[test.labels], alpha=0.75, linewidths=0)
for label in range(10):
    x, y = np.median(codes[test.labels == label], axis=0)
    text = axes.text(x, y, str(label), size=14, weight="bold", ha="center", va="center")
    text.set_path_effects(OUTLINE)
axes.set(xlim=(-3.6, 3.6), ylim=(-3.6, 3.6), xlabel="$z_1$", ylabel="$z_2$", aspect="equal")
axes.spines[["top", "right"]].set_visible(False)

z = quantiles(SIDE)
points = np.array([(x, y) for y in z[::-1] for x in z], np.float32)
images = vae.decode(points).reshape(SIDE, SIDE, 28, 28)
mosaic(axes_of(decoded, "the plane, decoded"), images, gap=0)

above, below = right.subfigures(2, 1)
some = [np.flatnonzero(test.labels == label)[0] for label in range(10)]
pairs = np.stack([test.images[some] / 255, vae.reconstruct(test.images[some]).reshape(10, 28, 28)])
mosaic(axes_of(above, "held-out digits; below each, what its two numbers say"), pairs)
samples = vae.sample(30, rng=rng).reshape(3, 10, 28, 28)
mosaic(axes_of(below, "draws from N(0, I), decoded: new digits"), samples)

path = Path(__file__).with_suffix(".png")
figure.savefig(path, dpi=100)
print(f"{path}: {path.stat().st_size / 1000:.0f} kB")
