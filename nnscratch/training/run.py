"""A run of training: what defines it, and where it stands, in memory and on disk."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from ..checks.arguments import flag, integer, is_integer
from ..checks.text import listing
from ..core import Array
from ..layers.contract import whole_batch
from ..layers.held import restart_all
from ..models.trainable import Terms, Trainable, check_trainable
from ..optimizers import Optimizer
from ..schedules import Schedule, describe
from .annealing import Annealing
from .diagnosis import check_theta
from .earlier import with_earlier_names
from .early_stopping import EarlyStopping, Weights
from .history import Row
from .micro_batches import activation_bytes, size_of_micro_batch
from .ranks import Alone, Ranks
from .replicas import Replicas
from .run_file import resume_run, save_run
from .streams import stream

M = TypeVar("M", bound=Trainable)


@with_earlier_names
class Run(Generic[M]):
    """The state of a Trainer, and the way of this state to a file and back.

    epoch        how many epochs are done
    batch_index  how many batches of the present one
    count        how many samples an epoch has
    sums         of the terms of these batches
    history      a row for each epoch
    notes        what else a checkpoint is to say, of which JSON knows: see model_file.read_notes
    """

    def __init__(
        self,
        model: M,
        optimizer: Optimizer,
        *,
        seed: int,
        batch_size: int = 128,
        micro_batch: int | None = None,
        replicas: int | None = None,
        threads: int | None = None,
        anneal: Mapping[str, Schedule | float] | None = None,
        patience: int | None = None,
        augment: Callable[..., Array] | None = None,
        shuffle: bool = True,
        reduction: str = "mean",
        ranks: Ranks | None = None,
    ) -> None:
        check_trainable("Trainer model", model)
        integer("Trainer", "batch_size", batch_size)
        sizes = {"micro_batch": micro_batch, "threads": threads, "patience": patience}
        for name, size in sizes.items():
            if size is not None:
                integer("Trainer", name, size)
        if not is_integer(seed) or not 0 <= seed < 2**63:
            raise ValueError(f"Trainer: expected seed, an integer in [0, 2⁶³), got {seed!r}")
        if augment is not None and not callable(augment):
            raise ValueError(
                f"Trainer: expected augment, such as Augment(flip=True), got {augment!r}"
            )
        if reduction not in ("mean", "sum"):
            raise ValueError(f"Trainer: expected reduction, mean or sum, got {reduction!r}")
        self.shuffle, self.reduction = flag("Trainer", "shuffle", shuffle), reduction
        self.annealing = Annealing("Trainer", model, anneal or {})
        if replicas is None:
            replicas = 1 if activation_bytes(model) is None else 2
        if whole_batch(model):
            replicas, micro_batch = 1, batch_size
        self.model, self.optimizer = model, optimizer
        self.replicas, self.ranks = Replicas(model, replicas, ranks), ranks or Alone()
        self.seed, self.batch_size = int(seed), batch_size
        self.threads, self.patience, self.augment = threads, patience, augment
        self.micro_batch = micro_batch or size_of_micro_batch(model, batch_size, replicas)
        self.epoch, self.batch_index, self.count = 0, 0, 0
        self.history: list[Row] = []
        self.sums: Terms = {}
        self.notes: dict[str, Any] = {}
        self.stopping = EarlyStopping(model, patience, self.annealing.schedules)
        self.annealing.set(self.replicas.models, 0)
        weights = {f"weight.{name}": weight for name, weight in model.term_weights().items()}
        self.objective = model.settings() | weights  # as it is before anything is annealed

    def stream(self, purpose: int, *place: int) -> np.random.Generator:
        """Return the random stream of a purpose and a place, always the same one."""
        return stream(self.seed, purpose, *place)

    def restart(self, k: int, *place: int) -> None:
        """Set the generators that parts of replica k hold: as the streams, from seed and place."""
        restart_all(self.replicas.sources[k], self.seed, *place)

    @property
    def best(self) -> Weights:
        """The weights with the lowest validation total, if there is patience."""
        return self.stopping.best

    def since_best(self) -> int:
        """Return how many epochs ago the validation total was lowest."""
        return self.stopping.since_best(self.history)

    def out_of_patience(self) -> bool:
        """Has the validation total not improved for `patience` epochs?"""
        return self.patience is not None and self.since_best() >= self.patience

    def optimizers(self) -> dict[str, Optimizer]:
        """Return all optimisers by the names that their state has in a checkpoint."""
        return {"optimizer": self.optimizer}

    def settings(self) -> dict[str, Any]:
        """Return what defines this run: two trainers with equal settings compute the same."""
        optimizers = {
            f"{name}.{key}": describe(value) if callable(value) else value
            for name, optimizer in self.optimizers().items()
            for key, value in optimizer.settings().items()
        }
        return {
            **self.objective,
            **optimizers,
            **self.annealing.settings(),
            **({} if self.augment is None else {"augment": repr(self.augment)}),
            **({} if self.shuffle else {"shuffle": False}),
            **({} if self.reduction == "mean" else {"reduction": self.reduction}),
            "seed": self.seed,
            "batch_size": self.batch_size,
            "micro_batch": self.micro_batch,
            "replicas": len(self.replicas.models),
            "patience": self.patience,
        }

    def __repr__(self) -> str:
        names = ("seed", "batch_size", "micro_batch", "replicas", "patience")
        settings = self.settings()
        run = ", ".join(f"{name} {settings[name]}" for name in names)
        done = f"epoch {self.epoch}, batch {self.batch_index}"
        parts = {"model": self.model, **self.optimizers(), **self.annealing.schedules}
        return type(self).__name__ + listing({**parts, "run": run, "done": done})

    def save(self, path: str | Path) -> None:
        """Write a checkpoint: weights, moments, history, and where the run stands (run_file.py).

        Of several ranks the first one writes it, and each has to call this.

        Raises
            OSError if it cannot be written, TrainingDiverged if θ is not worth it; what was there
            before is still there.
        """
        check_theta(self)
        self.replicas.assemble_moments()
        self.ranks.first(lambda: save_run(self, path))

    def resume(self, path: str | Path) -> None:
        """Go back to where the run that wrote this checkpoint stood; `fit` then continues it.

        The model then holds what `fit` had left in it, with patience the best weights.

        Raises
            FileNotFoundError, or ValueError if the file is damaged, holds weights alone, or belongs
            to another model or to a run with other settings.
        """
        resume_run(self, path)
