"""The lesson's task 2: what noise on the code does to the image."""

from pathlib import Path
from typing import Any

import numpy as np

from ...core import Array
from ...data import digits
from ..catalogue import find
from ..trained import trained
from ..trial import Refuted, Trial

COUNT = 500
"""How many of the held-out digits are taken."""


def squares(model: Any, images: Array, sigma: float, rng: np.random.Generator) -> Array:
    """Return ‖g(z + σε) - g(z)‖² for each of the images."""
    codes = model.encode(images)
    noise = (sigma * rng.standard_normal(codes.shape)).astype(codes.dtype)
    change = (model.decode(codes + noise) - model.decode(codes)).astype(np.float64)
    return np.asarray((change.reshape(len(images), -1) ** 2).sum(axis=1))


def jacobian_norm(model: Any, images: Array, h: float) -> float:
    """Return the mean of ‖∂g/∂z‖²_F, by differences."""
    codes, total = model.encode(images), 0.0
    for axis in range(codes.shape[1]):
        step = np.zeros_like(codes)
        step[:, axis] = h
        moved = (model.decode(codes + step) - model.decode(codes - step)).astype(np.float64)
        total += float(((moved / (2 * h)) ** 2).sum()) / len(images)
    return total


def grade(trial: Trial) -> None:
    """No noise, noise of four sizes against draws of our own, and small noise against σ² ‖J‖²."""
    model = trained(trial, Path(trial.path).with_name(find("lesson_1").file))
    if model is None:
        return
    images = digits().test.images[:COUNT]
    spread = float(model.encode(images).std())

    def effect(sigma: float) -> float:
        given = {"model": model, "images": images, "sigma": sigma, "rng": trial.rng}
        (value,) = trial.call("effect", given, "E")
        if value.ndim:
            raise Refuted(f"`effect` returns an array {value.shape}; expected a number")
        return float(value)

    with trial.claim("without noise nothing changes: E(0) = 0"):
        trial.equal("E(0)", effect(0.0), 0.0)
    for times in (0.05, 0.2, 1.0):
        sigma = times * spread
        with trial.claim(f"E(σ), σ {times:g} times the codes' spread, within 5 errors of ours"):
            draws = squares(model, images, sigma, trial.rng)
            error = float(draws.std()) * np.sqrt(2 / len(draws))
            value, mean = effect(sigma), float(draws.mean())
            trial.evidence = f"{value:.2f}"
            if abs(value - mean) > 5 * error:
                raise Refuted(
                    f"E({sigma:.3g}) is {value:.5g}, ours {mean:.4g} ± {error:.1g}",
                    _likely(value, mean, error, images[0].size),
                )
    with trial.claim("for little noise it is σ² times the mean of ‖J‖²"):
        sigma = 0.004 * spread
        want = sigma**2 * jacobian_norm(model, images, sigma)
        value = float(np.mean([effect(sigma) for _ in range(10)]))
        trial.evidence = f"their ratio {value / want:.3f}"
        if not abs(value / want - 1) < 0.1:
            raise Refuted(f"E({sigma:.3g}) is {value:.4g}, σ² ‖J‖² is {want:.4g}")


def _likely(value: float, mean: float, error: float, pixels: int) -> str:
    """Return the mistake that turns our mean into this value."""
    known = {
        "a mean over pixels where a sum is meant": mean / pixels,
        "a sum over the images where a mean is meant": mean * COUNT,
        "the root of it: squares are meant": np.sqrt(mean),
    }
    near = max(5 * error / mean, 0.02)
    named = [words for words, other in known.items() if abs(value / other - 1) < near]
    return named[0] if named else "is the noise σ ε, with ε from rng.standard_normal?"
