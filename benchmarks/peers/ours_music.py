"""nnscratch's MusicVAE and Trainer, as the demo has them."""

from contextlib import ExitStack
from typing import Any

import numpy as np

from nnscratch.core import Array, Shape
from nnscratch.optimizers import Adam
from nnscratch.training import Trainer

from .. import melodies as m
from .. import workloads as w
from .serve import Job, threads

OPEN = ExitStack()  # the threads end with the process


class Replay:
    """In place of a generator: noise that was drawn before."""

    def __init__(self, eps: Array) -> None:
        self.eps = eps

    def standard_normal(self, shape: Shape, dtype: Any) -> Array:
        """Return it."""
        return self.eps


class ReplayingTrainer(Trainer[Any]):
    """A Trainer whose noise is given, (BATCHES, latent, BATCH)."""

    noise: Array

    def stream(self, purpose: int, *place: int) -> Any:
        """Return the noise of a micro-batch; a step draws nothing else."""
        _, step, i = place
        here = slice(i * self.micro_batch, (i + 1) * self.micro_batch)
        return Replay(np.ascontiguousarray(self.noise[step % m.BATCHES][:, here]))


def music(name: str, variant: str) -> Job:
    """Return a training step."""
    model = m.first_model()
    adam = Adam(w.LEARNING_RATE, beta1=w.BETA1, beta2=w.BETA2, eps=w.EPS)
    trainer = ReplayingTrainer(model, adam, seed=0, batch_size=m.BATCH, replicas=2)
    trainer.noise = m.noise().transpose(0, 2, 1)
    rows = np.arange(m.BATCHES * m.BATCH).reshape(m.BATCHES, -1)
    data = model.check_data("music", m.windows())
    OPEN.enter_context(trainer.replicas.running(threads()))

    def run() -> float:
        terms = trainer.train_step(data, rows[trainer.batch_index % m.BATCHES])
        trainer.batch_index += 1
        return terms["total"]

    def arrays() -> dict[str, Array]:
        return {name: p.value for name, p in model.parameters().items()}

    return Job(run, arrays, float)
