"""Where a schedule leads, and when it has come there: what early stopping has to know."""

from ..schedules import (
    Constant,
    Cosine,
    Cyclical,
    Exponential,
    InverseSigmoid,
    Linear,
    Piecewise,
    Schedule,
    StepDecay,
    Warmup,
)

LATE = 10**7, 2 * 10**7 + 1
"""Two steps by which a schedule that leads to a value has come to it."""


def final_value(schedule: Schedule) -> float:
    """Return the value that a schedule leads to, a Cyclical's being its top.

    Raises
        ValueError if a function of one's own gives no number at a late step, or another one at a
        later step.
    """
    match schedule:
        case Constant(value):
            return value
        case Linear(end=end) | Cosine(end=end) | Cyclical(end=end):
            return end
        case StepDecay(start, factor):
            return 0.0 if factor < 1 else start
        case Exponential(start, factor, end):
            return end if factor < 1 else start
        case InverseSigmoid():
            return 1.0
        case Warmup(then=then) | Piecewise(then=then):
            return final_value(then)
    try:
        first, late, later = (float(schedule(step)) for step in (0, *LATE))
    except Exception as error:
        raise ValueError(f"{schedule!r} has no value at step {LATE[0]}: {error!r}") from error
    if not abs(later - late) <= 0.01 * max(abs(first), abs(late)):
        raise ValueError(f"{schedule!r} leads to no value: {late} and {later} at steps {LATE}")
    return late


def settled(schedule: Schedule, step: int) -> bool:
    """Has a schedule come to its final value by this step, to a hundredth of the way there?"""
    if isinstance(schedule, Cyclical):
        step = min(step, schedule.period - 1)  # once at the top, it has been there
    final = final_value(schedule)
    return abs(schedule(step) - final) <= 0.01 * abs(schedule(0) - final)
