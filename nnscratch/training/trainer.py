"""Training: epochs of steps on one thread or several, with a history and a way back.

    trainer = Trainer(model, Adam(1e-3), seed=0)
    trainer.fit(images, validation=held_out, epochs=10, checkpoint="out/vae.safetensors")

All randomness is a function of (seed, epoch, step, micro-batch), see streams.py. So two runs with
one seed agree to the last bit, on any number of threads, and a run that resumes from a checkpoint
agrees with one that was never stopped.
"""

import sys
from collections.abc import Callable, Mapping
from math import ceil, isfinite
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from tqdm import tqdm

from ..checks.arguments import integer, is_integer
from ..core import IntArray, whole_batch
from ..data.dataset import Dataset, Images, gather
from ..layers.held import restart_all
from ..models.autoencoder import Autoencoder, Terms
from ..models.batch_first import naming, set_of
from ..optimizers import Optimizer
from ..schedules import Schedule, as_schedule, describe
from .console import printable
from .diagnosis import broken_parameter, first_non_finite
from .early_stopping import EarlyStopping, Weights, copied
from .interrupt import interruptible
from .micro_batches import size_of_micro_batch
from .replicas import Replicas, lanes_are_replicas
from .run_file import resume_run, save_run
from .streams import NOISE, SHUFFLE, VALIDATION, stream
from .terms import check_terms, mean

EVALUATION_CHUNK = 32
"""The least number of samples in a chunk of an evaluation, or kernels would be mostly overhead."""


Data: TypeAlias = Images | Dataset
Batch: TypeAlias = tuple[Any, ...]
Loss: TypeAlias = Callable[..., tuple[Terms, Callable[[float], None]]]


class TrainingDiverged(ArithmeticError):
    """The loss is no longer a finite number; the message says when and where it began."""


@lanes_are_replicas
class Trainer:
    """Trains one model with one optimiser; everything that defines the run is an argument here.

        replicas     how many micro-batches have a gradient of their own (part of the arithmetic);
                     2 if None, or 1 where samples are vectors: threads share the kernels of dense
                     layers, which leaves each product whole
        micro_batch  samples a micro-batch (part of the arithmetic); if None, about 64, or 32
                     where activations are large (micro_batches.py); of vectors
                     batch_size / replicas
        threads      how many replicas run at once (no influence on the result); all cores if None
        anneal       schedules of model attributes by the step number: {"beta": Linear(0, 1, 500)}
        patience     epochs without a better validation total before training stops; needs
                     validation data

    Without patience the model, a checkpoint and a resumed run hold the last weights. With patience
    the model holds the best ones found so far whenever `fit` has ended, in whatever way, as does a
    checkpoint; a later or resumed `fit` goes on from the last ones (docs/training.md).

    A model that needs the statistics of the whole batch (BatchNorm) runs as one replica and one
    micro-batch.

    Raises
        ValueError if a size is not positive, the seed is not in [0, 2⁶³), the model has no
        attribute of an annealed name, or with patience one that leads to no value.
    """

    def __init__(
        self,
        model: Autoencoder,
        optimizer: Optimizer,
        *,
        seed: int,
        batch_size: int = 128,
        micro_batch: int | None = None,
        replicas: int | None = None,
        threads: int | None = None,
        anneal: Mapping[str, Schedule | float] | None = None,
        patience: int | None = None,
    ) -> None:
        sizes = {"batch_size": batch_size, "micro_batch": micro_batch}
        sizes |= {"threads": threads, "patience": patience}
        for name, size in sizes.items():
            if size is not None:
                integer("Trainer", name, size)
        if not is_integer(seed) or not 0 <= seed < 2**63:
            raise ValueError(f"Trainer: expected seed, an integer in [0, 2⁶³), got {seed!r}")
        self.anneal = {name: as_schedule(value) for name, value in (anneal or {}).items()}
        for name in self.anneal:
            if not hasattr(model, name):
                raise ValueError(f"Trainer: {type(model).__name__} has no {name!r} to anneal")
        if replicas is None:
            replicas = 1 if len(model.input_shape) == 1 else 2
        if whole_batch(model):
            replicas, micro_batch = 1, batch_size
        self.model, self.optimizer = model, optimizer
        self.replicas = Replicas(model, replicas)
        self.seed, self.batch_size = int(seed), batch_size
        self.threads, self.patience = threads, patience
        self.micro_batch = micro_batch or size_of_micro_batch(model, batch_size, replicas)
        self.epoch, self.step, self.count = 0, 0, 0
        self.history: list[dict[str, Any]] = []
        self.sums: Terms = {}
        self.stopping = EarlyStopping(model, patience, self.anneal)
        self.set_annealed(0)
        weights = {f"weight.{name}": weight for name, weight in model.term_weights().items()}
        self.objective = model.settings() | weights  # as it is before anything is annealed

    # ------------------------------------------------------------------------------ one step

    def stream(self, purpose: int, *place: int) -> np.random.Generator:
        """Return the random stream of a purpose and a place, always the same one."""
        return stream(self.seed, purpose, *place)

    def restart(self, k: int, *place: int) -> None:
        """Set the generators that parts of replica k hold: as the streams, from seed and place."""
        restart_all(self.replicas.sources[k], self.seed, *place)

    def gradient(
        self, data: Data, rows: IntArray, loss: str = "loss", purpose: int = NOISE
    ) -> Terms:
        """Add the gradient of one batch to the replicas; return the terms of this loss."""
        self.set_annealed(self.optimizer.steps)
        pieces = [rows[i : i + self.micro_batch] for i in range(0, len(rows), self.micro_batch)]

        def rng_of(i: int) -> np.random.Generator:
            return self.stream(purpose, self.epoch, self.step, i)

        def task(model: Autoencoder, i: int) -> Terms:
            self.restart(i % len(self.replicas.models), purpose, self.epoch, self.step, i)
            terms, backward = getattr(model, loss)(*self.batch(data, pieces[i]), rng=rng_of(i))
            backward(len(pieces[i]) / len(rows))
            return terms

        each = self.replicas.map(task, len(pieces))
        for i, terms in enumerate(each):
            if not all(map(isfinite, terms.values())):
                batch = self.batch(data, pieces[i])
                self.restart(0, purpose, self.epoch, self.step, i)
                self.diverged(f"step {self.step + 1}", terms, batch, rng_of(i))
        return mean(each, [len(p) for p in pieces])

    def learn(self, data: Data, rows: IntArray) -> Terms:
        """Take one step on one batch and return the terms of the loss before it."""
        terms = self.gradient(data, rows)
        check_terms(terms, self.model.term_weights())
        self.optimizer.step(self.replicas.theta, self.replicas.grads)
        return terms

    def set_annealed(self, step: int) -> None:
        """Give the annealed attributes their values of this step."""
        for name, schedule in self.anneal.items():
            value = schedule(step)
            for model in self.replicas.models:
                setattr(model, name, value)

    def batch(self, data: Data, rows: IntArray) -> Batch:
        """Return some images as the model takes them, with their labels if it is to be told."""
        x = gather(images_of(data), rows, self.model.dtype)
        x = x.reshape(*self.model.input_shape, len(rows))
        return (x, data.labels[rows]) if isinstance(data, Dataset) and self.model.classes else (x,)

    def diverged(self, when: str, terms: Terms, batch: Batch, rng: np.random.Generator) -> None:
        """Raise TrainingDiverged with the place where the first NaN or infinity arose."""
        losses = ", ".join(f"{name} {value}" for name, value in terms.items())
        where = first_non_finite(self.model, batch, rng=rng)
        raise TrainingDiverged(f"epoch {self.epoch + 1}, {when}: {losses}; {where}")

    @np.errstate(over="ignore", invalid="ignore")  # which is what it looks for
    def diverged_in_validation(self, data: Data, terms: Terms) -> None:
        """Raise TrainingDiverged with the place in the first chunk that has a NaN or infinity."""
        loss = self.model.inference().loss
        for i, rows in enumerate(self.chunks(data)):
            batch = self.batch(data, rows)
            self.restart(0, VALIDATION, i)
            if not all(map(isfinite, loss(*batch, rng=self.stream(VALIDATION, i))[0].values())):
                break
        self.restart(0, VALIDATION, i)
        self.diverged("validation", terms, batch, self.stream(VALIDATION, i))

    def check_theta(self) -> None:
        """Raise TrainingDiverged if a step has broken θ, of which no loss has told yet."""
        if not np.isfinite(self.replicas.theta.value).all():
            where = broken_parameter(self.model)
            raise TrainingDiverged(f"epoch {self.epoch + 1}, step {self.step}: {where}")

    # ------------------------------------------------------------------------------ epochs

    def fit(
        self,
        images: Data,
        *,
        epochs: int,
        validation: Data | None = None,
        checkpoint: str | Path | None = None,
        progress: bool = False,
    ) -> list[dict[str, Any]]:
        """Train until `epochs` epochs are done, counted from the very first; return the history.

        images, validation  samples (N, …), bytes or floats, in [0, 1] if the likelihood asks for it
                            (see arrays.py); a Dataset where the model is told labels
        checkpoint          written after every epoch, and on Ctrl-C or SIGTERM once the step is
                            done; what the program does on this signal is done after that
        progress            a bar with the loss terms, or a line an epoch where there is no terminal

        In a row of the history "train" has the means over the epoch and "validation" the terms at
        its end. With patience these are the ones that are compared: annealed attributes count there
        with the values they lead to.

        Raises
            ValueError if images are not images, or fewer than a batch, or do not fit the model, or
            are not as many as those of the epoch that is under way, or leave one for the last
            batch of a BatchNorm of vectors; or if another Trainer has taken the model over.
            TrainingDiverged if the loss is not finite, OSError if a checkpoint cannot be written;
            the last checkpoint is left as it was.
        """
        images, validation = self.check_data(images, validation, epochs)
        if checkpoint is not None:
            self.settings()  # which are refused here if they cannot be written, not an epoch later
        self.replicas.clear()  # a step may have been broken off
        steps = ceil(len(images) / self.batch_size)
        bar = tqdm(
            total=(epochs - self.epoch) * steps - self.step,
            disable=not (progress and sys.stderr.isatty()),
            unit="step",
        )
        with (
            interruptible() as interrupt,
            self.stopping.training(),
            bar,
            self.replicas.running(self.threads),
        ):
            while self.epoch < epochs and not self.out_of_patience():
                order = self.stream(SHUFFLE, self.epoch).permutation(len(images))
                while self.step < steps:
                    rows = order[self.step * self.batch_size :][: self.batch_size]
                    terms = self.learn(images, rows)
                    for name, value in terms.items():
                        self.sums[name] = self.sums.get(name, 0.0) + value * len(rows)
                    self.step += 1
                    bar.update()
                    bar.set_postfix(terms, refresh=False)
                    if interrupt:
                        if checkpoint is not None:
                            self.save(checkpoint)
                        interrupt.deliver()
                self.close_epoch(len(images), validation)
                if checkpoint is not None:
                    self.save(checkpoint)
                if progress:
                    bar.write(printable(self.line(epochs)), file=sys.stdout)
                interrupt.deliver()
        return self.history

    def check_data(
        self, images: Data, validation: Data | None, epochs: int
    ) -> tuple[Data, Data | None]:
        """Return both sets as plain arrays; ValueError for what cannot be trained on."""
        images = set_of("fit images", images, self.model)
        if validation is not None:
            validation = set_of("fit validation", validation, self.model)
        if len(images) < self.batch_size:
            raise ValueError(
                f"fit: expected at least a batch of {self.batch_size} images, got {len(images)}"
            )
        integer("fit", "epochs", epochs)
        if len(images) % self.batch_size == 1 and whole_batch(self.model):  # has one a variance?
            batches = f"{len(images)} images in batches of {self.batch_size}"
            with naming(f"fit: {batches} leave a last batch of one"):
                self.model.loss(*self.batch(images, np.arange(1)), rng=self.stream(NOISE, 0))
        if self.step > 0 and self.count != len(images):  # another set has another order
            raise ValueError(
                f"fit: an epoch of {self.count} images is under way, expected as many, "
                f"got {len(images)}"
            )
        self.count = len(images)
        theta = self.replicas.theta.value
        if not all(np.may_share_memory(theta, p.value) for p in self.model.parameters().values()):
            raise ValueError(
                "fit: the weights of this model are another Trainer's by now; go on with that one"
            )
        if self.patience is not None and validation is None:
            raise ValueError("fit: patience needs validation images, got none")
        return images, validation

    def close_epoch(self, N: int, validation: Data | None) -> None:
        """Enter the epoch into the history, and with patience remember the best weights."""
        self.check_theta()
        row: dict[str, Any] = {
            "epoch": self.epoch + 1,
            "steps": self.optimizer.steps,
            "learning_rate": self.optimizer.learning_rate(self.optimizer.steps - 1),
            "train": {name: value / N for name, value in self.sums.items()},
        }
        row |= {name: getattr(self.model, name) for name in self.anneal}
        if validation is not None:
            with self.stopping.one_objective():
                row["validation"] = terms = self.evaluate(validation)
                if not isfinite(terms["total"]):
                    self.diverged_in_validation(validation, terms)
        if self.patience is not None and self.stopping.is_best([*self.history, row]):
            self.stopping.best = copied(self.model)
        self.history.append(row)
        self.epoch, self.step, self.sums = self.epoch + 1, 0, {}

    def evaluate(self, data: Data) -> Terms:
        """Return the terms of the loss on other images; the noise is the same at every call.

        Raises
            ValueError if images are not images, or do not fit the model.
        """
        data = set_of("evaluate", data, self.model)
        terms = self.average(data, self.model.inference().loss)
        check_terms(terms, self.model.term_weights())
        return terms

    def average(self, data: Data, loss: Loss) -> Terms:
        """Return the mean of the terms of a loss over all images."""
        chunks = self.chunks(data)

        def task(_: Autoencoder, i: int) -> Terms:
            self.restart(0, VALIDATION, i)
            return loss(*self.batch(data, chunks[i]), rng=self.stream(VALIDATION, i))[0]

        # All chunks go through one model: if its parts hold generators, one after the other.
        replicas = 1 if self.replicas.sources[0] else None
        return mean(self.replicas.map(task, len(chunks), replicas), [len(c) for c in chunks])

    def chunks(self, data: Data) -> list[IntArray]:
        """Return the rows of all samples in chunks of a micro-batch, so in as little memory."""
        size = max(self.micro_batch, EVALUATION_CHUNK)
        return np.split(np.arange(len(data)), range(size, len(data), size))

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

    def line(self, epochs: int) -> str:
        """Return the last epoch in one line."""
        row = self.history[-1]
        parts = [f"epoch {row['epoch']:>{len(str(epochs))}}/{epochs}"]
        for name in ("train", "validation"):
            if name in row:
                terms = row[name]
                told = (k for k in terms if k == "total" or terms[k] != terms["total"])
                parts.append(name + " " + "  ".join(f"{k} {terms[k]:.3f}" for k in told))
        return " | ".join(parts)

    # ------------------------------------------------------------------------------ on disk

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
            **{f"anneal.{k}": describe(v) for k, v in self.anneal.items()},
            "seed": self.seed,
            "batch_size": self.batch_size,
            "micro_batch": self.micro_batch,
            "replicas": len(self.replicas.models),
            "patience": self.patience,
        }

    def save(self, path: str | Path) -> None:
        """Write a checkpoint: weights, moments, history, and where the run stands (run_file.py).

        Raises
            OSError if it cannot be written, TrainingDiverged if θ is not worth it; what was there
            before is still there.
        """
        self.check_theta()
        save_run(self, path)

    def resume(self, path: str | Path) -> None:
        """Go back to where the run that wrote this checkpoint stood; `fit` then continues it.

        The model then holds what `fit` had left in it, with patience the best weights.

        Raises
            FileNotFoundError, or ValueError if the file is damaged, holds weights alone, or belongs
            to another model or to a run with other settings.
        """
        resume_run(self, path)


def images_of(data: Data) -> Images:
    """Return the images, without their labels if there are any."""
    return data.images if isinstance(data, Dataset) else data
