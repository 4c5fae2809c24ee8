"""Training: epochs of steps, on one thread or several, with a history and a way back from disk."""

from .adversarial import AdversarialTrainer
from .checkpoint import load_model, save_model
from .model_file import load, save
from .mpi import mpi_ranks
from .trainer import Trainer, TrainingDiverged

__all__ = [
    "AdversarialTrainer",
    "Trainer",
    "TrainingDiverged",
    "load",
    "load_model",
    "mpi_ranks",
    "save",
    "save_model",
]
