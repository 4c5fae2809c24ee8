"""The models: what each adds to its layers is its loss and its border."""

from .adversarial import AdversarialAutoencoder
from .autoencoder import Autoencoder
from .conditional import ConditionalVAE
from .contractive import ContractiveAutoencoder
from .vae import VAE

__all__ = [
    "VAE",
    "AdversarialAutoencoder",
    "Autoencoder",
    "ConditionalVAE",
    "ContractiveAutoencoder",
]
