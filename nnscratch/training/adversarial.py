"""Two players, two optimisers, the same replicas: how an adversarial autoencoder is trained."""

from typing import Any

from ..core import IntArray, unique
from ..models.adversarial import AdversarialAutoencoder
from ..models.autoencoder import Terms
from ..models.batch_first import set_of
from ..optimizers import Optimizer
from .streams import DUEL
from .terms import check_terms
from .trainer import Data, Trainer


class AdversarialTrainer(Trainer):
    """A Trainer whose every step is two: the autoencoder's, then the discriminator's.

        trainer = AdversarialTrainer(model, Adam(1e-3), Adam(5e-4), seed=0)

    θ is packed with the discriminator's part last, so each player moves one end of the vector. The
    gradient that the autoencoder's loss sends into the discriminator on its way to the encoder is
    set to zero: that is the stop without which the encoder would corrupt its judge.

    `stop=False` leaves it out, to show what happens then.
    """

    model: AdversarialAutoencoder

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
        self.border = self.end - sum(p.value.size for p in theirs)

    def learn(self, data: Data, rows: IntArray) -> Terms:
        """Take a step of each player on one batch; return the terms of both losses before them."""
        theta, grads = self.replicas.theta, self.replicas.grads
        terms = self.gradient(data, rows)
        check_terms(terms, self.model.term_weights())
        if self.stop:
            grads[:, self.border :] = 0
        self.optimizer.step(theta, grads, within=(0, self.border))
        judged = self.gradient(data, rows, "discriminator_loss", DUEL)
        self.discriminator_optimizer.step(theta, grads, within=(self.border, self.end))
        return terms | judged

    def evaluate(self, data: Data) -> Terms:
        """Return the terms of both losses on other images."""
        data = set_of("evaluate", data, self.model)
        judged = self.model.inference().discriminator_loss
        return super().evaluate(data) | self.average(data, judged)

    def optimizers(self) -> dict[str, Optimizer]:
        """Return both players' optimisers by the names their state has in a checkpoint."""
        return super().optimizers() | {"discriminator": self.discriminator_optimizer}

    def settings(self) -> dict[str, Any]:
        """Return what defines this run."""
        return super().settings() | {"stop": self.stop}
