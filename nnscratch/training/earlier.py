"""The arguments and attributes of a Trainer by the names that they had in earlier versions."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from .._moved import warn

NAMES = {"lanes": "replicas", "step": "batch_index", "learn": "train_step"}


def with_earlier_names(trainer: Any) -> Any:
    """Let a class of trainers take `lanes` for `replicas`, and have the attributes of NAMES."""
    trainer.__init__ = _taking_lanes(trainer.__init__)
    for old, new in NAMES.items():
        setattr(trainer, old, _attribute(old, new))
    return trainer


def _taking_lanes(init: Callable[..., None]) -> Callable[..., None]:
    @wraps(init)
    def constructor(self: Any, *args: Any, **kwargs: Any) -> None:
        if "lanes" in kwargs:
            warn("Trainer(lanes=)", "Trainer(replicas=)")
            kwargs["replicas"] = kwargs.pop("lanes")
        init(self, *args, **kwargs)

    return constructor


def _attribute(old: str, new: str) -> property:
    """Return a property that reads and sets the attribute with the new name."""

    def read(self: Any) -> Any:
        warn(f"Trainer.{old}", f"Trainer.{new}")
        return getattr(self, new)

    def write(self: Any, value: Any) -> None:
        warn(f"Trainer.{old}", f"Trainer.{new}")
        setattr(self, new, value)

    return property(read, write)
