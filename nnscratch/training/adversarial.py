"""Two players, two optimisers, the same replicas: how an adversarial autoencoder is trained."""

from typing import Any

import numpy as np

from ..core import IntArray, unique
from ..models.adversarial import AdversarialAutoencoder
from ..models.trainable import Terms
from ..optimizers import Optimizer
from .streams import DUEL
from .terms import check_terms
from .trainer import Trainer
from .validation import mean_terms


def discriminator_loss(model: AdversarialAutoencoder, *batch: Any, rng: np.random.Generator) -> Any:
    """Return model.discriminator_loss of a batch."""
    return model.discriminator_loss(*batch, rng=rng)


class AdversarialTrainer(Trainer[AdversarialAutoencoder]):
    """A Trainer whose every step is two: the autoencoder's, then the discriminator's.

        trainer = AdversarialTrainer(model, Adam(1e-3), Adam(5e-4), seed=0)

    θ is packed with the discriminator's part last, from the index `split` on, so each player moves
    one end of the vector. The gradient that the autoencoder's loss sends into the discriminator on
    its way to the encoder is set to zero: that is the stop without which the encoder would corrupt
    its judge.

    `stop=False` leaves it out, to show what happens then.
    """

    def __init__(
        self,
        model: AdversarialAutoencoder,
        optimizer: Optimizer,
        discriminator_optimizer: Optimizer,
        *,
        stop: bool = True,
        **run: Any,
    ) -> None:
        self.discriminator_optimizer, self.stop = discriminator_optimizer, stop
        super().__init__(model, optimizer, **run)
        theirs = unique(model.discriminator.parameters())
        self.end = self.replicas.theta.value.size
        self.split = self.end - sum(p.value.size for p in theirs)

    def train_step(self, data: Any, rows: IntArray) -> Terms:
        """Take a step of each player on one batch; return the terms of both losses before them."""
        terms = self.gradient(data, rows)
        check_terms(terms, self.model.term_weights())
        if self.stop:
            self.replicas.grads[:, self.split :] = 0
        self.replicas.step(self.optimizer, within=(0, self.split))
        judged = self.gradient(data, rows, discriminator_loss, DUEL)
        self.replicas.step(self.discriminator_optimizer, within=(self.split, self.end))
        return terms | judged

    def validate(self, data: Any) -> Terms:
        """Return the terms of both losses on data that have been judged before."""
        return super().validate(data) | mean_terms(self, data, discriminator_loss)

    def optimizers(self) -> dict[str, Optimizer]:
        """Return both players' optimisers by the names their state has in a checkpoint."""
        return super().optimizers() | {"discriminator": self.discriminator_optimizer}

    def settings(self) -> dict[str, Any]:
        """Return what defines this run."""
        return super().settings() | {"stop": self.stop}
