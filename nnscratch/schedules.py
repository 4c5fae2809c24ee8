"""Numbers that change as learning goes on: a learning rate, the β of a VAE.

A schedule is a function of the step number, 0 for the first step. Those of this file are values:
they print, compare and copy as such, and a checkpoint keeps them as JSON.

    rate = Warmup(100, Cosine(1e-3, 10_000))
    rate(0)                                   # 9.9e-06, for the first step
    schedule_from(describe(rate)) == rate     # True

Wherever a schedule is expected a plain number will do: `as_schedule` makes it a Constant.

All of them raise ValueError if a number is not finite, a count of steps is not an integer ≥ 1, or
a `factor` or `ramp` is not in (0, 1], or a `k` is less than 1.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from math import cos, exp, isfinite, pi
from typing import Annotated, Any, TypeAlias

from .checks.arguments import LARGEST, is_integer, is_number

Schedule: TypeAlias = Callable[[int], float]
Steps: TypeAlias = Annotated[int, "an integer ≥ 1"]
Fraction: TypeAlias = Annotated[float, "a number in (0, 1]"]
AtLeastOne: TypeAlias = Annotated[float, "a number ≥ 1"]


def _validated(name: str, value: Any, kind: Any) -> Any:
    """Return `value` as the plain Python number that JSON knows, if it is of this kind."""
    if kind == Schedule:
        return as_schedule(value)
    if kind == Steps:
        fits = is_integer(value) and 1 <= value <= LARGEST
    else:
        fits = is_number(value) and isfinite(value)
    if kind == Fraction:
        fits = fits and 0 < value <= 1
    if kind == AtLeastOne:
        fits = fits and value >= 1
    if not fits:
        want = kind.__metadata__[0] if kind in (Steps, Fraction, AtLeastOne) else "a finite number"
        raise ValueError(f"{name}: expected {want}, got {value!r}")
    return int(value) if kind == Steps else float(value)


class _Validated:
    """A schedule whose fields are what their annotations say."""

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]
            name = f"{type(self).__name__} {field.name}"
            value = _validated(name, getattr(self, field.name), field.type)
            object.__setattr__(self, field.name, value)


@dataclass(frozen=True)
class Constant(_Validated):
    """`value`, always."""

    value: float

    def __call__(self, step: int) -> float:
        """Return the value at this step."""
        return self.value


@dataclass(frozen=True)
class StepDecay(_Validated):
    """start · factor^⌊step/every⌋: a staircase."""

    start: float
    factor: Fraction
    every: Steps

    def __call__(self, step: int) -> float:
        """Return the value at this step."""
        return self.start * self.factor ** (step // self.every)


@dataclass(frozen=True)
class Exponential(_Validated):
    """end + (start - end) · factor^step: a decay to a floor, or a rise to a ceiling.

    MusicVAE uses both: Exponential(1e-3, 0.9999, end=1e-5) for its rate, and for its β one that
    starts at 0 and ends at β_max (Roberts et al. 2018).
    """

    start: float
    factor: Fraction
    end: float = 0.0

    def __call__(self, step: int) -> float:
        """Return the value at this step."""
        return self.end + (self.start - self.end) * self.factor**step


@dataclass(frozen=True)
class Linear(_Validated):
    """A straight line from start to end in so many steps; end from then on."""

    start: float
    end: float
    steps: Steps

    def __call__(self, step: int) -> float:
        """Return the value at this step."""
        done = min(step / self.steps, 1.0)
        return (1 - done) * self.start + done * self.end


@dataclass(frozen=True)
class Cosine(_Validated):
    """Half a wave from start to end in so many steps; end from then on.

    end + ½ (start - end) (1 + cos(π step/steps)): Loshchilov and Hutter, SGDR (2017), eq. 5.
    """

    start: float
    steps: Steps
    end: float = 0.0

    def __call__(self, step: int) -> float:
        """Return the value at this step."""
        left = (1 + cos(pi * min(step / self.steps, 1.0))) / 2
        return left * self.start + (1 - left) * self.end


@dataclass(frozen=True)
class Warmup(_Validated):
    """A linear rise to the first value of another schedule, which then follows.

    then(0) · (step + 1)/(steps + 1) while step < steps, then(step - steps) after: no step is wasted
    on 0 and none is repeated at the top. Goyal et al., Accurate, Large Minibatch SGD (2017), §2.2.
    """

    steps: Steps
    then: Schedule

    def __call__(self, step: int) -> float:
        """Return the value at this step."""
        if step < self.steps:
            return self.then(0) * (step + 1) / (self.steps + 1)
        return self.then(step - self.steps)


@dataclass(frozen=True)
class Piecewise(_Validated):
    """`first` for so many steps, and then another, which begins with its own step 0.

    A rate in three stages is Piecewise(1e-3, 100, Piecewise(5e-4, 300, 1e-4)).
    """

    first: Schedule
    steps: Steps
    then: Schedule

    def __call__(self, step: int) -> float:
        """Return the value at this step."""
        return self.first(step) if step < self.steps else self.then(step - self.steps)


@dataclass(frozen=True)
class Cyclical(_Validated):
    """Again and again: a linear rise over the fraction `ramp` of a period, then rest at the top.

    With τ = (step mod period)/period, start + (end - start) min(τ/ramp, 1). As the β of a VAE it
    lets the code fill up before the KL presses on it, time after time (Fu et al., Cyclical
    Annealing Schedule, 2019). Their R is `ramp`, and M cycles in T steps are a period of T/M.
    """

    start: float
    end: float
    period: Steps
    ramp: Fraction = 0.5

    def __call__(self, step: int) -> float:
        """Return the value at this step."""
        risen = min(step % self.period / (self.period * self.ramp), 1.0)
        return (1 - risen) * self.start + risen * self.end


@dataclass(frozen=True)
class InverseSigmoid(_Validated):
    """1 - k/(k + e^(step/k)): a probability that rises from 1/(k + 1) to 1.

    It is one half at step k log k. As the `sampling` of a MusicVAE it says how often the decoder is
    given an event of its own for the one before, in place of the right one (Bengio et al.,
    Scheduled Sampling, 2015, §2.4, whose ε is one minus this).
    """

    k: AtLeastOne

    def __call__(self, step: int) -> float:
        """Return the value at this step."""
        return 1 / (1 + self.k * exp(-step / self.k))


KINDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        Constant,
        StepDecay,
        Exponential,
        Linear,
        Cosine,
        Warmup,
        Piecewise,
        Cyclical,
        InverseSigmoid,
    )
}


def as_schedule(schedule: Schedule | float) -> Schedule:
    """Return a function of the step as it is, a number as a Constant."""
    if isinstance(schedule, type) or not callable(schedule):
        return Constant(schedule)  # type: ignore[arg-type]  # which refuses what is no number
    return schedule


def describe(schedule: Schedule | float) -> dict[str, Any]:
    """Return a JSON-able description, from which `schedule_from` makes the schedule again.

    Raises
        ValueError if the schedule is not one of this file.
    """
    schedule = as_schedule(schedule)
    kind = type(schedule).__name__
    if type(schedule) is not KINDS.get(kind):
        raise ValueError(f"describe: expected one of {', '.join(KINDS)}, got {schedule!r}")
    entries = {field.name: getattr(schedule, field.name) for field in fields(schedule)}  # type: ignore[arg-type]
    return {"schedule": kind} | {k: describe(v) if callable(v) else v for k, v in entries.items()}


def schedule_from(description: Mapping[str, Any]) -> Schedule:
    """Return the schedule that `describe` described.

    Raises
        ValueError if there is no such schedule, or its entries are not the right ones.
    """
    entries = {k: schedule_from(v) if isinstance(v, Mapping) else v for k, v in description.items()}
    kind = entries.pop("schedule", None)
    if kind not in KINDS:
        raise ValueError(f"schedule_from: expected one of {', '.join(KINDS)}, got {kind!r}")
    try:
        schedule: Schedule = KINDS[kind](**entries)
    except TypeError as error:
        raise ValueError(f"schedule_from: {error}") from None
    return schedule
