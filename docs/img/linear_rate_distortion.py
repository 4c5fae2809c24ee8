"""Draws docs/img/linear_rate_distortion.png: the least distortion of a linear VAE at each rate.

    python docs/img/linear_rate_distortion.py

The curve is the closed form of docs/rate_distortion.md for 5,000 digits of the package, s² = 0.1
and 32 units. It takes some seconds; nothing is trained.
"""

from pathlib import Path

import numpy as np

import nnscratch as nn
from nnscratch.core import Array
from nnscratch.evaluation.baselines import linear_vae_optimum
from nnscratch.plots import save
from nnscratch.plots.page import new_figure

S2, UNITS = 0.1, 32
NAMED = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)

images = nn.digits().train.images[:5000]


def curve(betas: Array | tuple[float, ...]) -> Array:
    """Return the rate and the distortion, less its constant, at each β: (2, len(betas))."""
    optima = [linear_vae_optimum(images, beta * S2, UNITS) for beta in betas]
    return np.array(
        [(o.kl, beta * o.reconstruction) for beta, o in zip(betas, optima, strict=True)]
    ).T


title = f"A linear VAE of digits, {UNITS} units: at each β the curve has slope -β"
figure, axes = new_figure(7.6, 4.6, title)
axes.plot(*curve(np.geomspace(0.3, 60, 60)), lw=1.5)
for beta, r, d in zip(NAMED, *curve(NAMED), strict=True):
    half = 4 / np.hypot(1, beta / 3)  # the axis of D is about three times as long
    axes.plot([r - half, r + half], [d + beta * half, d - beta * half], color="black", lw=1.5)
    axes.annotate(f"β = {beta:g}", (r, d), xytext=(10, 5), textcoords="offset points", size=9)
axes.set(xlim=(-1, 60), xlabel="rate R, nats an image", ylabel="distortion D, nats an image")
print(save(figure, Path(__file__).with_suffix(".png")))
