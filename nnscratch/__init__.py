"""Autoencoders with every gradient written by hand and proved by a machine.

    import nnscratch as nn

    vae = nn.models.lesson.dense_vae(rng=rng)
    nn.Trainer(vae, nn.Adam(1e-3), seed=0).fit(nn.digits().train.images, epochs=10)

The names that most programs need are here, the packages are attributes: `nn.layers`, `nn.data`. A
name is imported when it is first used, for Numba and Matplotlib take long to import and many
programs need neither. `nn.gradcheck` and `nn.explain` are packages; the functions are
`nn.gradcheck.gradcheck` and `nn.explain.explain`.
"""

import sys
from importlib import import_module

from . import _moved

__version__ = "0.1.0"

PACKAGES = [
    "data",
    "models",
    "layers",
    "losses",
    "latent_losses",
    "likelihoods",
    "optimizers",
    "schedules",
    "training",
    "gradcheck",
    "explain",
    "evaluation",
    "plots",
    "explorer",
    "export",
    "pretrained",
    "core",
]
"""Modules and packages that are attributes: no import of their own is needed."""

EXTRAS = ["sklearn"]
"""Modules that are attributes too, but need an extra, so that they are not in __all__."""

PUBLIC = {
    "core": "Layer Parameter pack",
    "kernels.paths": "plain",
    "data": "Dataset Pairs binarize columns digits fashion_mnist minibatches mnist read_set split",
    "layers": "ELU GELU GRU LSTM RNN AvgPool2d BatchNorm Conv1d Conv2d ConvTranspose1d "
    "ConvTranspose2d Crop1d Crop2d Dense Dropout Embedding Flatten GRUCell GaussianSample "
    "GlobalAvgPool2d GroupNorm Identity LSTMCell LayerNorm LeakyReLU MaxPool2d "
    "PixelShuffle RNNCell ReLU RepeatVector Reshape ReverseSteps Sequential Sigmoid "
    "Softmax Softplus Tanh TiedDense TimeDistributed UpsampleBilinear2d UpsampleNearest1d "
    "UpsampleNearest2d ZeroPad1d ZeroPad2d",
    "layers.summary": "summary",
    "losses": "bernoulli_nll categorical_nll gaussian_kl gaussian_nll l1_penalty squared_error",
    "likelihoods": "Bernoulli Gaussian SquaredError",
    "importance": "importance_bound",
    "learned_scale": "DiscretisedLogistic LearnedGaussian discretised_logistic_nll",
    "models": "IWAE VAE VQVAE AdversarialAutoencoder Autoencoder BetaTCVAE Classifier Codebook "
    "ConditionalVAE ContractiveAutoencoder Downsampling GaussianNoise LanguageModel Masking "
    "MusicVAE Regressor SaltAndPepper Trainable Transposition TwoLayerIWAE VampPriorVAE "
    "WassersteinAutoencoder predict",
    "optimizers": "SGD Adam AdamW RMSprop",
    "training": "AdversarialTrainer Trainer TrainingDiverged load load_model mpi_ranks save "
    "save_model",
    "export": "export_onnx",
    "evaluation": "PCA NearestNeighbours SoftmaxProbe baselines elbo importance_nll psnr ssim",
}
"""The names that are here, by the package that has them."""

_HOME = {name: package for package, names in PUBLIC.items() for name in names.split()}

__all__ = sorted([*PACKAGES, *_HOME])

_ADVICE = {"Linear": "the layer is nn.Dense, the learning rate nn.schedules.Linear"}

sys.meta_path.append(_moved.Finder())


def __getattr__(name: str) -> object:
    """Import a public name, or a package, when it is first asked for."""
    if name in PACKAGES or name in EXTRAS:
        return import_module(f"{__name__}.{name}")
    if name not in _HOME:
        advice = f"; {_ADVICE[name]}" if name in _ADVICE else ""
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{advice}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names, whether they have been imported yet or not."""
    return [*__all__, "__version__"]
