"""Codes that nobody has encoded: on the way between two, or drawn like many."""

import numpy as np

from ..checks.arguments import flag, integer
from ..core import Array


def lerp(a: Array, b: Array, t: Array) -> Array:
    """(1-t) a + t b for every t (K,) between rows a, b (N, L): straight lines, (N, K, L).

    Midway between two draws from N(0, I) a straight line comes too near the origin: |z|² there is
    about L/2, where the prior's mass lies near L.
    """
    t = t[:, None]
    return (1 - t) * a[:, None] + t * b[:, None]


def slerp(a: Array, b: Array, t: Array) -> Array:
    """Arcs from a to b, (N, K, L): sin((1-t)ω)/sin ω · a + sin(tω)/sin ω · b, ω their angle.

    Where a and b are (nearly) parallel the arc is the straight line, and sin ω = 0 divides nothing.

    Source
        Shoemake, Animating Rotation with Quaternion Curves (1985), §3.3.
    """
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosine = np.clip((a * b).sum(axis=1) / np.where(norms > 0, norms, 1), -1, 1)
    omega = np.arccos(cosine)[:, None, None]
    t = t[None, :, None]
    bent = np.sin(omega) > 1e-4
    sine = np.where(bent, np.sin(omega), 1)
    of_a = np.where(bent, np.sin((1 - t) * omega) / sine, 1 - t)
    of_b = np.where(bent, np.sin(t * omega) / sine, t)
    path: Array = (of_a * a[:, None] + of_b * b[:, None]).astype(a.dtype)
    return path


def path(a: Array, b: Array, steps: int, *, spherical: bool) -> Array:
    """Return `steps` codes from a to b, ends included, for all rows: (N, steps, L).

    Raises
        ValueError if a and b differ in shape, or steps < 2.
    """
    if a.shape != b.shape or a.ndim != 2:
        raise ValueError(f"interpolate: expected two (N, L) of one shape, got {a.shape}, {b.shape}")
    integer("interpolate", "steps", steps, 2)
    way = slerp if flag("interpolate", "spherical", spherical) else lerp
    return way(a, b, np.linspace(0, 1, steps, dtype=a.dtype))


def draws_like(codes: Array, count: int, *, rng: np.random.Generator) -> Array:
    """Return `count` draws from the Gaussian that fits codes (N, …), of their shape and dtype.

    Raises
        ValueError if there are fewer than two codes, which have no covariance.
    """
    if len(codes) < 2:
        raise ValueError(f"sample: expected two images or more to be like, got {len(codes)}")
    flat = codes.reshape(len(codes), -1)
    covariance = np.atleast_2d(np.cov(flat.T))
    draws = rng.multivariate_normal(flat.mean(axis=0), covariance, count)
    return draws.astype(codes.dtype).reshape(count, *codes.shape[1:])
