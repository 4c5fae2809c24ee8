"""Moments of first weights."""

from typing import Any

import numpy as np

SHAPE, FAN_IN, FAN_OUT = (300, 200), 200, 300


VARIANCE = {
    "glorot_uniform": 2 / (FAN_IN + FAN_OUT),
    "glorot_normal": 2 / (FAN_IN + FAN_OUT),
    "he_uniform": 2 / FAN_IN,
    "he_normal": 2 / FAN_IN,
    "lecun_uniform": 1 / FAN_IN,
    "lecun_normal": 1 / FAN_IN,
    "torch_default": 1 / (3 * FAN_IN),
}


BOUND = {
    "glorot_uniform": np.sqrt(6 / (FAN_IN + FAN_OUT)),
    "he_uniform": np.sqrt(6 / FAN_IN),
    "lecun_uniform": np.sqrt(3 / FAN_IN),
    "torch_default": np.sqrt(1 / FAN_IN),
}


def draw(module: Any, name: str, dtype: Any = np.float64) -> np.ndarray:
    rng = np.random.default_rng(0)
    return getattr(module, name)(SHAPE, FAN_IN, FAN_OUT, rng=rng, dtype=dtype)


def check_moments(module: Any, name: str) -> None:
    """Mean 0 and the variance the paper asks for, to five standard errors of 60,000 draws."""
    w = draw(module, name)
    v = VARIANCE[name]
    fourth = (9 / 5 if name in BOUND else 3) * v**2
    assert abs(w.mean()) < 5 * np.sqrt(v / w.size)
    assert abs(w.var() - v) < 5 * np.sqrt((fourth - v**2) / w.size)


def check_no_direction(module: Any) -> None:
    """Without the signs of R, LAPACK would make every diagonal entry of Q lean to one side."""
    rng = np.random.default_rng(0)
    draws = [module.orthogonal((2, 2), 2, 2, rng=rng, dtype=np.float64) for _ in range(1000)]
    mean, second = np.mean(draws, axis=0), np.mean(np.square(draws), axis=0)
    assert np.abs(mean).max() < 5 * np.sqrt(0.5 / 1000)
    np.testing.assert_allclose(second, np.full((2, 2), 0.5), atol=5 * np.sqrt(0.125 / 1000))
