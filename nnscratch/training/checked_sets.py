"""What `fit` is given, judged once, before the first step."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks.arguments import integer
from ..layers.contract import whole_batch
from ..models.batch_first import naming
from .streams import NOISE

if TYPE_CHECKING:
    from .run import Run


def checked_sets(run: "Run[Any]", data: Any, validation: Any, epochs: int) -> tuple[Any, Any]:
    """Return both sets as the model takes them; ValueError for what cannot be trained on."""
    model, batch_size = run.model, run.batch_size
    data = checked_set("fit data", model, data)
    if validation is not None:
        validation = checked_set("fit validation", model, validation)
    if len(data) < batch_size:
        raise ValueError(f"fit: expected at least a batch of {batch_size} samples, got {len(data)}")
    integer("fit", "epochs", epochs)
    if run.augment is not None and len(arrays_of_floats(model.batch(data, np.arange(1)))) > 1:
        raise ValueError("fit: expected no Pairs with augment, which would change one of two")
    if len(data) % batch_size == 1 and whole_batch(model):  # has one a variance?
        batches = f"{len(data)} samples in batches of {batch_size}"
        with naming(f"fit: {batches} leave a last batch of one"):
            model.loss(*model.batch(data, np.arange(1)), rng=run.stream(NOISE, 0))
    if run.batch_index > 0 and run.count != len(data):  # another set has another order
        raise ValueError(
            f"fit: an epoch of {run.count} samples is under way, expected as many, got {len(data)}"
        )
    theta = run.replicas.theta.value
    if not all(np.may_share_memory(theta, p.value) for p in model.parameters().values()):
        raise ValueError(
            "fit: the weights of this model are another Trainer's by now; go on with that one"
        )
    if run.patience is not None and validation is None:
        raise ValueError("fit: patience needs validation data, got none")
    return data, validation


def checked_set(who: str, model: Any, data: Any) -> Any:
    """Return a set as the model takes it, of which it must be able to make a batch."""
    data, name = model.check_data(who, data), type(model).__name__
    if not hasattr(data, "__len__") or len(data) == 0:
        got = "0 rows" if hasattr(data, "__len__") else type(data).__name__
        raise ValueError(
            f"{who}: expected {name}.check_data to return a set with a length, got {got}"
        )
    batch = model.batch(data, np.arange(1))
    if not isinstance(batch, tuple):
        raise ValueError(
            f"{who}: expected {name}.batch to return a tuple, got {type(batch).__name__}"
        )
    return data


def arrays_of_floats(batch: tuple[Any, ...]) -> list[Any]:
    """Return what of a batch is not labels: inputs, and targets where they are others."""
    return [a for a in batch if getattr(a, "dtype", np.dtype(int)).kind == "f"]
