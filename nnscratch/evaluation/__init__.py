"""What a trained model is worth: its bound in nats, its pictures, its codes, beside baselines."""

from typing import TYPE_CHECKING

from .._moved import renamed
from . import attributes, baselines
from .baselines import PCA, linear_vae_optimum, mean_image
from .detection import auroc, average_precision
from .disentanglement import DCI, dci, factor_vae_score, mutual_information_gap
from .elbo import ACTIVE, Elbo, Estimate, active_units, elbo, estimate
from .frechet import frechet_distance
from .importance import ImportanceNLL, LowEffectiveSampleSize, importance_nll
from .melody_baselines import MetreModel, NextStep, NGram, copied_bar, next_step
from .metrics import bce, bce_floor, mse, psnr, squared_errors, sse, ssim
from .probes import NearestNeighbours, SoftmaxProbe, accuracy, balanced, nearest

__all__ = [
    "ACTIVE",
    "DCI",
    "PCA",
    "Elbo",
    "Estimate",
    "ImportanceNLL",
    "LowEffectiveSampleSize",
    "MetreModel",
    "NGram",
    "NearestNeighbours",
    "NextStep",
    "SoftmaxProbe",
    "accuracy",
    "active_units",
    "attributes",
    "auroc",
    "average_precision",
    "balanced",
    "baselines",
    "bce",
    "bce_floor",
    "copied_bar",
    "dci",
    "elbo",
    "estimate",
    "factor_vae_score",
    "frechet_distance",
    "importance_nll",
    "linear_vae_optimum",
    "mean_image",
    "mse",
    "mutual_information_gap",
    "nearest",
    "next_step",
    "psnr",
    "squared_errors",
    "sse",
    "ssim",
]

if not TYPE_CHECKING:
    __getattr__ = renamed(__name__)
