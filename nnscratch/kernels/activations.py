"""What NumPy does not have: the distribution function of the normal distribution."""

from math import erf, sqrt

from ..core import Array
from .machine.jit import kernel


@kernel
def normal_cdf(x: Array, cdf: Array) -> None:
    """cdf_n = Φ(x_n) = ½ (1 + erf(x_n/√2)), all flat."""
    half, root = x.dtype.type(0.5), x.dtype.type(sqrt(0.5))
    for n in range(x.size):
        cdf[n] = half + half * x.dtype.type(erf(x[n] * root))
