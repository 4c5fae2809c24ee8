"""Training: epochs of steps on one thread or several, with a history and a way back.

    trainer = Trainer(model, Adam(1e-3), seed=0)
    trainer.fit(images, validation=held_out, epochs=10, checkpoint="out/vae.safetensors")

The model may be anything that is Trainable (models/trainable.py): an autoencoder of images, a
classifier, a class of one's own.

All randomness is a function of (seed, epoch, batch, micro-batch), see streams.py. So two runs with
one seed agree to the last bit, on any number of threads, and a run that resumes from a checkpoint
agrees with one that was never stopped.
"""

import sys
from collections.abc import Callable
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ..core import IntArray
from ..models.trainable import Terms
from .checked_sets import checked_set, checked_sets
from .console import printable
from .diagnosis import TrainingDiverged, all_finite, check_theta, diverged, own_loss
from .earlier import renamed_argument
from .early_stopping import copied
from .fingerprint import check_equal_ranks
from .history import Row, add_to, row_of, summary_line
from .interrupt import Interrupt, interruptible
from .run import M, Run
from .streams import AUGMENT, NOISE, SHUFFLE
from .terms import check_terms, mean
from .validation import diverged_in_validation, mean_terms

__all__ = ["Trainer", "TrainingDiverged"]


class Trainer(Run[M]):
    """Trains one model with one optimiser; everything that defines the run is an argument here.

        batch_size   samples a step
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
        augment      what is done to the images of each batch that is learned from, at random:
                     Augment(flip=True, shift=2), see data/augment.py
        shuffle      whether each epoch has an order of its own; without it, batches are cut from
                     the set as it stands
        reduction    what an optimiser is given: the gradient of the mean loss over a batch, or of
                     its sum, as some programs have it. The terms of the loss are means either way.
        ranks        the processes that share the replicas (ranks.py, mpi.py), which have no
                     influence on the result either; this one alone if None

    Without patience the model, a checkpoint and a resumed run hold the last weights. With patience
    the model holds the best ones found so far whenever `fit` has ended, in whatever way, as does a
    checkpoint; a later or resumed `fit` goes on from the last ones (docs/training.md).

    A model that needs the statistics of the whole batch (BatchNorm) runs as one replica and one
    micro-batch.

    Raises
        ValueError if the model is not Trainable, a size is not positive, the seed is not in
        [0, 2⁶³), the model has no attribute of an annealed name, or with patience one that leads
        to no value.
    """

    def gradient(
        self,
        data: Any,
        rows: IntArray,
        loss: Callable[..., Any] = own_loss,
        purpose: int = NOISE,
    ) -> Terms:
        """Add the gradient of one batch to the replicas; return the terms of loss(model, *batch).

        `data` is what the model's `check_data` returns.
        """
        self.annealing.set(self.replicas.models, self.optimizer.steps)
        pieces = [rows[i : i + self.micro_batch] for i in range(0, len(rows), self.micro_batch)]
        place = (purpose, self.epoch, self.batch_index)

        def task(model: M, i: int) -> Terms:
            self.restart(i % len(self.replicas.models), *place, i)
            batch = self.augmented(model.batch(data, pieces[i]), i)
            terms, backward = loss(model, *batch, rng=self.stream(*place, i))
            backward(len(pieces[i]) / (len(rows) if self.reduction == "mean" else 1))
            return terms

        each = self.replicas.map(task, len(pieces))
        for i, terms in enumerate(each):
            if not all_finite(terms):
                batch = self.augmented(self.model.batch(data, pieces[i]), i)
                self.restart(0, *place, i)
                when, rng = f"step {self.batch_index + 1}", self.stream(*place, i)
                raise diverged(self, when, terms, batch, rng)
        return mean(each, [len(p) for p in pieces])

    def augmented(self, batch: tuple[Any, ...], i: int) -> tuple[Any, ...]:
        """Return the i-th micro-batch of this step with other views of its images."""
        if self.augment is None:
            return batch
        rng = self.stream(AUGMENT, self.epoch, self.batch_index, i)
        return self.augment(batch[0], rng=rng), *batch[1:]

    def train_step(self, data: Any, rows: IntArray) -> Terms:
        """Take one step on one batch and return the terms of the loss before it."""
        terms = self.gradient(data, rows)
        check_terms(terms, self.model.term_weights())
        self.replicas.step(self.optimizer)
        return terms

    @renamed_argument("fit", "images", "data")
    def fit(
        self,
        data: Any,
        *,
        epochs: int,
        validation: Any = None,
        checkpoint: str | Path | None = None,
        progress: bool = False,
    ) -> list[Row]:
        """Train until `epochs` epochs are done in all, counted from the first; return the history.

        So `fit(epochs=3)` and then `fit(epochs=5)` makes three epochs and then two, and a resumed
        run is continued by the call that was broken off.

        data, validation    what the model learns from: of an autoencoder images (N, …), bytes or
                            floats, in [0, 1] if the likelihood asks for it (see arrays.py); a
                            Dataset where there are classes
        checkpoint          written after every epoch, and on Ctrl-C or SIGTERM once the step is
                            done; what the program does on this signal is done after that
        progress            a bar with the loss terms, or a line an epoch where there is no terminal

        In a row of the history "train" has the means over the epoch and "validation" the terms at
        its end. With patience these are the ones that are compared: annealed attributes count there
        with the values they lead to.

        Raises
            ValueError if the model refuses the data, they are fewer than a batch or not as many as
            those of the epoch that is under way, or leave one for the last batch of a BatchNorm of
            vectors; or if another Trainer has taken the model over.
            TrainingDiverged if the loss is not finite, OSError if a checkpoint cannot be written;
            the last checkpoint is left as it was.
        """
        data, validation = self.ranks.agreed(lambda: checked_sets(self, data, validation, epochs))
        check_equal_ranks(self, data, validation)
        progress = progress and self.ranks.rank == 0
        self.count = len(data)
        if checkpoint is not None:
            self.settings()  # which are refused here if they cannot be written, not an epoch later
        self.replicas.clear()  # a step may have been broken off
        steps = ceil(len(data) / self.batch_size)
        bar = tqdm(
            total=(epochs - self.epoch) * steps - self.batch_index,
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
                order = self.order(len(data))
                while self.batch_index < steps:
                    rows = order[self.batch_index * self.batch_size :][: self.batch_size]
                    terms = self.train_step(data, rows)
                    add_to(self.sums, terms, len(rows))
                    self.batch_index += 1
                    bar.update()
                    bar.set_postfix(terms, refresh=False)
                    if self.interrupted(interrupt):
                        if checkpoint is not None:
                            self.save(checkpoint)
                        interrupt.deliver()
                self.close_epoch(len(data), validation)
                if checkpoint is not None:
                    self.save(checkpoint)
                if progress:
                    bar.write(printable(summary_line(self.history[-1], epochs)), file=sys.stdout)
                if self.interrupted(interrupt):
                    interrupt.deliver()
        return self.history

    def order(self, N: int) -> IntArray:
        """Return the order in which this epoch takes the N samples."""
        return self.stream(SHUFFLE, self.epoch).permutation(N) if self.shuffle else np.arange(N)

    def interrupted(self, interrupt: Interrupt) -> bool:
        """Has a signal come, to this rank or to another one? Then all have it."""
        number = max(self.ranks.gather(interrupt.pending or 0))
        if number and not interrupt:
            interrupt.pending = number
        return number > 0

    def close_epoch(self, N: int, validation: Any) -> None:
        """Enter the epoch into the history, and with patience remember the best weights."""
        check_theta(self)
        row = row_of(self, N)
        if validation is not None:
            with self.stopping.one_objective():
                row["validation"] = terms = self.validate(validation)
                if not all_finite({"total": terms["total"]}):
                    raise diverged_in_validation(self, validation, terms)
        if self.patience is not None and self.stopping.is_best([*self.history, row]):
            self.stopping.best = copied(self.model)
        self.history.append(row)
        self.epoch, self.batch_index, self.sums = self.epoch + 1, 0, {}

    def evaluate(self, data: Any) -> Terms:
        """Return the terms of the loss on other data; the noise is the same at every call.

        Raises
            ValueError if the model refuses the data.
        """
        return self.validate(checked_set("evaluate", self.model, data))

    def validate(self, data: Any) -> Terms:
        """Return the terms of the loss on data that have been judged before."""
        terms = mean_terms(self, data)
        check_terms(terms, self.model.term_weights())
        return terms
