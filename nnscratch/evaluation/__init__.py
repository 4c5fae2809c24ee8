"""What a trained model is worth: its bound in nats, its pictures, its codes, beside baselines."""

from typing import TYPE_CHECKING

from .._moved import renamed
from .baselines import PCA, linear_vae_optimum, mean_image
from .elbo import ACTIVE, Elbo, Estimate, active_units, elbo, estimate, importance_nll
from .metrics import bce, bce_floor, mse, psnr, sse, ssim
from .probes import NearestNeighbours, SoftmaxProbe, accuracy, balanced

__all__ = [
    "ACTIVE",
    "PCA",
    "Elbo",
    "Estimate",
    "NearestNeighbours",
    "SoftmaxProbe",
    "accuracy",
    "active_units",
    "balanced",
    "bce",
    "bce_floor",
    "elbo",
    "estimate",
    "importance_nll",
    "linear_vae_optimum",
    "mean_image",
    "mse",
    "psnr",
    "sse",
    "ssim",
]

if not TYPE_CHECKING:
    __getattr__ = renamed(__name__)
