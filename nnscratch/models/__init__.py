"""The models: what each adds to its layers is its loss, and how it is used."""

from . import lesson, music_sizes
from .adversarial import AdversarialAutoencoder
from .autoencoder import Autoencoder
from .batch_first import predict
from .builder import build
from .codebook import Codebook
from .conditional import ConditionalVAE
from .contractive import ContractiveAutoencoder
from .corruption import Downsampling, GaussianNoise, Masking, SaltAndPepper
from .iwae import IWAE
from .language_model import LanguageModel
from .music_vae import MusicVAE
from .supervised import Classifier, Regressor
from .total_correlation import BetaTCVAE
from .trainable import Trainable
from .transposition import Transposition
from .two_layers import TwoLayerIWAE
from .vae import VAE
from .vamp_prior import VampPriorVAE
from .vq_vae import VQVAE
from .wasserstein import WassersteinAutoencoder

__all__ = [
    "IWAE",
    "VAE",
    "VQVAE",
    "AdversarialAutoencoder",
    "Autoencoder",
    "BetaTCVAE",
    "Classifier",
    "Codebook",
    "ConditionalVAE",
    "ContractiveAutoencoder",
    "Downsampling",
    "GaussianNoise",
    "LanguageModel",
    "Masking",
    "MusicVAE",
    "Regressor",
    "SaltAndPepper",
    "Trainable",
    "Transposition",
    "TwoLayerIWAE",
    "VampPriorVAE",
    "WassersteinAutoencoder",
    "build",
    "lesson",
    "music_sizes",
    "predict",
]
