"""The arguments and attributes of a Trainer by the names that they had in earlier versions."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from .._moved import warn

F = TypeVar("F", bound=Callable[..., Any])

NAMES = {"lanes": "replicas", "step": "batch_index", "learn": "train_step"}


def with_earlier_names(trainer: Any) -> Any:
    """Let a class of trainers take `lanes` for `replicas`, and have the attributes of NAMES."""
    trainer.__init__ = renamed_argument("Trainer", "lanes", "replicas")(trainer.__init__)
    for old, new in NAMES.items():
        setattr(trainer, old, _attribute(old, new))
    return trainer


def renamed_argument(call: str, old: str, new: str) -> Callable[[F], F]:
    """Return a decorator of a method, written in messages as `call`, whose argument was `old`."""

    def decorate(method: F) -> F:
        @wraps(method)
        def renaming(*args: Any, **kwargs: Any) -> Any:
            if old in kwargs:
                warn(f"{call}({old}=)", f"{call}({new}=)")
                kwargs[new] = kwargs.pop(old)
            return method(*args, **kwargs)

        return cast(F, renaming)

    return decorate


def _attribute(old: str, new: str) -> property:
    """Return a property that reads and sets the attribute with the new name."""

    def read(self: Any) -> Any:
        warn(f"Trainer.{old}", f"Trainer.{new}")
        return getattr(self, new)

    def write(self: Any, value: Any) -> None:
        warn(f"Trainer.{old}", f"Trainer.{new}")
        setattr(self, new, value)

    return property(read, write)
