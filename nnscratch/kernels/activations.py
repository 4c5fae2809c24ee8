"""What NumPy does not have: the distribution function of the normal distribution."""

from math import erf, sqrt

import numpy as np

from ..core import Array
from .machine.jit import kernel


def normal_cdf(x: Array) -> Array:
    """Φ(x) = ½ (1 + erf(x/√2))."""
    cdf = np.empty_like(x, order="C")
    normal_cdf_kernel(x.ravel(), cdf.ravel())
    return cdf


@kernel
def normal_cdf_kernel(x: Array, cdf: Array) -> None:
    """cdf_n = Φ(x_n) = ½ (1 + erf(x_n/√2)), all flat."""
    half, root = x.dtype.type(0.5), x.dtype.type(sqrt(0.5))
    for n in range(x.size):
        cdf[n] = half + half * x.dtype.type(erf(x[n] * root))
