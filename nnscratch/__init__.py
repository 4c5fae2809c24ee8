"""Autoencoders with every gradient written by hand and proved by a machine.

    from nnscratch.layers import Dense, ReLU, Sequential
    from nnscratch.models import VAE

Nothing is imported here: kernels need Numba, whose import takes longer than all the rest, so it is
paid by whoever uses a layer and not by whoever reads a file or a version.
"""

__version__ = "0.1.0"
