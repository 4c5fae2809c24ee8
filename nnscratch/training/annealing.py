"""Annealing: attributes of a model that are functions of the step, as β from 0 to 1."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..schedules import Schedule, as_schedule, describe


class Annealing:
    """Schedules by the names of the attributes that they set, on a model and on its replicas.

    Raises
        ValueError if the model has no such attribute, or a number is not finite.
    """

    def __init__(self, who: str, model: Any, schedules: Mapping[str, Schedule | float]) -> None:
        self.schedules = {name: as_schedule(value) for name, value in schedules.items()}
        for name in self.schedules:
            if not hasattr(model, name):
                raise ValueError(f"{who}: {type(model).__name__} has no {name!r} to anneal")

    def set(self, models: Sequence[Any], step: int) -> None:
        """Give the attributes their values of this step."""
        for name, schedule in self.schedules.items():
            value = schedule(step)
            for model in models:
                setattr(model, name, value)

    def values(self, model: Any) -> dict[str, Any]:
        """Return the values that the attributes have now."""
        return {name: getattr(model, name) for name in self.schedules}

    def settings(self) -> dict[str, Any]:
        """Return the schedules as JSON knows them."""
        return {f"anneal.{name}": describe(s) for name, s in self.schedules.items()}
