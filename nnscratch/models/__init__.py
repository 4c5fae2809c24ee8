"""The models: what each adds to its layers is its loss and its border."""

from .autoencoder import Autoencoder
from .vae import VAE

__all__ = ["VAE", "Autoencoder"]
