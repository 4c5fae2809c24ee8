"""The models: what each adds to its layers is its loss and its border."""

from . import lesson
from .adversarial import AdversarialAutoencoder
from .autoencoder import Autoencoder
from .batch_first import predict
from .conditional import ConditionalVAE
from .contractive import ContractiveAutoencoder
from .corruption import Downsampling, GaussianNoise, Masking, SaltAndPepper
from .vae import VAE

__all__ = [
    "VAE",
    "AdversarialAutoencoder",
    "Autoencoder",
    "ConditionalVAE",
    "ContractiveAutoencoder",
    "Downsampling",
    "GaussianNoise",
    "Masking",
    "SaltAndPepper",
    "lesson",
    "predict",
]
