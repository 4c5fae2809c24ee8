"""What a Trainer asks of a model. Whatever has these methods can be trained."""

from collections.abc import Callable
from typing import Any, Protocol, Self, TypeAlias

from ..core import IntArray, Parameter
from ..layers.contract import check_methods

Terms: TypeAlias = dict[str, float]
"""The terms of a loss by name; "total" is what is minimised."""

Loss: TypeAlias = Callable[..., tuple[Terms, Callable[[float], None]]]
"""(*batch, rng=rng) ↦ the terms, and a backward(weight) that adds weight · ∂total/∂θ."""


class Trainable(Protocol):
    """A model and its loss, of any data that `batch` can take rows of.

    A Trainer judges a set once, by `check_data`. It then draws the numbers of some rows, asks for
    the batch that they are, and calls `loss(*batch, rng=rng)` and the backward that this returns.

    What only some models have, and a Trainer asks for by name:
        whole_batch       True if the statistics of the whole batch enter (BatchNorm)
        activation_bytes  what the layers make of one sample, in bytes. A Trainer cuts the batch of
                          such a model into micro-batches whose activations stay in a core's cache,
                          and runs two replicas. Without it, or if it is None, a batch stays whole
                          and threads share each kernel; that is best where samples are vectors.
        buffers()         arrays that belong to a trained model but have no gradient
    """

    def parameters(self) -> dict[str, Parameter]:
        """Return θ by name."""
        ...

    def check_data(self, who: str, data: Any, /) -> Any:
        """Return a set as `batch` takes it, which has a length; ValueError if it does not fit."""
        ...

    def batch(self, data: Any, rows: IntArray, /) -> tuple[Any, ...]:
        """Return some rows of a set as `loss` takes them, the batch as the last axis."""
        ...

    @property
    def loss(self) -> Loss:
        """The loss of a batch: a method loss(self, x, …, *, rng), see Loss."""
        ...

    def term_weights(self) -> Terms:
        """Return what each term counts in the total."""
        ...

    def settings(self) -> dict[str, Any]:
        """Return, beside its weights and shapes, what defines the model; JSON must know it."""
        ...

    def inference(self) -> Self:
        """Return the model as it is used once learning is over: without noise, statistics fixed."""
        ...


METHODS = ("parameters", "check_data", "batch", "loss", "term_weights", "settings", "inference")


def check_trainable(who: str, model: Any) -> None:
    """Raise ValueError unless this is a model with the methods of a Trainable."""
    check_methods(who, model, *METHODS)
