"""The reparameterised Gaussian sample."""

import numpy as np

from ..core import Array, Backward, check, float_dtype


class GaussianSample:
    """z = μ + σ ε with σ = exp(½ log σ²): a draw from N(μ, σ²) if ε is one from N(0, 1).

    The noise is an argument. Given ε the layer is an ordinary function of (μ, log σ²), so it has an
    ordinary derivative and an ordinary gradient check. That σ is the standard deviation and not
    the variance no gradient check can see; a test of the moments does.

    Shapes
        mu, logvar, eps, z  (L, N)

    Derivation
        ∂z/∂μ = 1 and ∂z/∂log σ² = ½ σ ε, entry by entry, so

            dμ = dz              dlogvar = ½ dz σ ε

    Keeps
        σ ε, L·N numbers.

    Source
        Kingma and Welling, Auto-Encoding Variational Bayes (2014), §2.4.

    Raises
        ValueError if mu is no float32 or float64, or logvar, eps or dz differs from it in shape or
        dtype.
    """

    holomorphic = True

    def __repr__(self) -> str:
        return "GaussianSample()"

    def forward(self, mu: Array, logvar: Array, eps: Array) -> tuple[Array, Backward]:
        shape, dtype = mu.shape, mu.dtype
        check("GaussianSample mu", mu.real, shape, float_dtype(mu))
        check("GaussianSample logvar", logvar, shape, dtype)
        check("GaussianSample eps", eps, shape, dtype)
        noise = np.exp(logvar / 2) * eps

        def backward(dz: Array) -> tuple[Array, Array]:
            check("GaussianSample dz", dz, shape, dtype)
            return dz.copy(), dz * noise / 2

        return mu + noise, backward
