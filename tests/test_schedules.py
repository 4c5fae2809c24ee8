"""Schedules: their values by hand, and a description from which each can be made again."""

import copy
import json
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.schedules import (
    KINDS,
    Constant,
    Cosine,
    Cyclical,
    Exponential,
    InverseSigmoid,
    Linear,
    Piecewise,
    StepDecay,
    Warmup,
    as_schedule,
    describe,
    schedule_from,
)
from nnscratch.training.final_values import final_value, settled

ALL = [
    Constant(0.5),
    StepDecay(1.0, 0.5, every=2),
    Exponential(3.0, 0.5, end=1.0),
    Linear(1.0, 2.0, steps=4),
    Cosine(3.0, 4, end=1.0),
    Warmup(3, Linear(8.0, 0.0, steps=2)),
    Piecewise(5.0, 2, Linear(8.0, 0.0, steps=2)),
    Cyclical(0.0, 1.0, period=4),
    InverseSigmoid(2.0),
]
VALUES = [
    [0.5, 0.5, 0.5, 0.5, 0.5, 0.5],
    [1, 1, 0.5, 0.5, 0.25, 0.25],
    [3, 2, 1.5, 1.25, 1.125, 1.0625],
    [1, 1.25, 1.5, 1.75, 2, 2],
    [3, 2 + 2**-0.5, 2, 2 - 2**-0.5, 1, 1],
    [2, 4, 6, 8, 4, 0],
    [5, 5, 8, 4, 0, 0],
    [0, 0.5, 1, 1, 0, 0.5],
    [1 - 2 / (2 + np.exp(step / 2)) for step in range(6)],
]
NAMES = [type(schedule).__name__ for schedule in ALL]


def test_every_kind_is_tested() -> None:
    assert set(NAMES) == set(KINDS)


@pytest.mark.parametrize(("schedule", "values"), list(zip(ALL, VALUES, strict=True)), ids=NAMES)
def test_values(schedule: Any, values: list[float]) -> None:
    np.testing.assert_allclose([schedule(step) for step in range(6)], values, rtol=1e-15)


@pytest.mark.parametrize("schedule", ALL, ids=NAMES)
def test_survives_json_pickle_and_copy(schedule: Any) -> None:
    assert schedule_from(json.loads(json.dumps(describe(schedule)))) == schedule
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    assert copy.deepcopy(schedule) == schedule


def test_says_what_it_is() -> None:
    schedule = Warmup(100, Cosine(1e-3, 5000))
    assert repr(schedule) == "Warmup(steps=100, then=Cosine(start=0.001, steps=5000, end=0.0))"
    assert describe(schedule) == {
        "schedule": "Warmup",
        "steps": 100,
        "then": {"schedule": "Cosine", "start": 0.001, "steps": 5000, "end": 0.0},
    }


@given(
    start=st.floats(-1e3, 1e3),
    end=st.floats(-1e3, 1e3),
    steps=st.integers(1, 1000),
    ramp=st.floats(0.01, 1),
    step=st.integers(0, 2000),
)
def test_stays_between_its_ends(
    start: float, end: float, steps: int, ramp: float, step: int
) -> None:
    low, high = min(start, end) - 1e-9, max(start, end) + 1e-9
    assert low <= Linear(start, end, steps)(step) <= high
    assert low <= Cosine(start, steps, end)(step) <= high
    assert low <= Exponential(start, ramp, end)(step) <= high
    assert low <= Cyclical(start, end, steps, ramp)(step) <= high


@given(start=st.floats(-1e3, 1e3), end=st.floats(-1e3, 1e3), steps=st.integers(1, 1000))
def test_reaches_its_ends_exactly(start: float, end: float, steps: int) -> None:
    assert Linear(start, end, steps)(0) == Cosine(start, steps, end)(0) == start
    assert Linear(start, end, steps)(steps) == Cosine(start, steps, end)(steps) == end
    assert Linear(start, end, steps)(10**9) == Cosine(start, steps, end)(10**9) == end


@given(period=st.integers(1, 100), ramp=st.floats(0.01, 1), step=st.integers(0, 300))
def test_cyclical_begins_again(period: int, ramp: float, step: int) -> None:
    beta = Cyclical(0.0, 1.0, period, ramp)
    assert beta(step + period) == beta(step)
    assert beta(period) == 0


def test_cyclical_is_that_of_the_paper() -> None:
    """Fu et al. count from t = 1: τ = ((t-1) mod T/M)/(T/M), and β = τ/R up to R, 1 from there."""
    T, M, R = 400, 4, 0.5
    tau = [(t - 1) % (T // M) / (T / M) for t in range(1, T + 1)]
    beta = Cyclical(0.0, 1.0, period=T // M, ramp=R)
    np.testing.assert_allclose([beta(step) for step in range(T)], [min(a / R, 1) for a in tau])


@given(k=st.floats(1, 1e5), step=st.integers(0, 10**9))
def test_an_inverse_sigmoid_is_a_probability_that_rises(k: float, step: int) -> None:
    """Also where e^(step/k) would be more than any float."""
    own = InverseSigmoid(k)
    assert 0 < own(step) <= own(step + 1) <= 1
    assert own(0) == pytest.approx(1 / (k + 1))


@pytest.mark.parametrize(("k", "half", "most"), [(1000.0, 6908, 9105), (300.0, 1711, 2370)])
def test_magentas_inverse_sigmoid_in_numbers(k: float, half: int, most: int) -> None:
    """One half at k log k; nine tenths k log 9 steps later."""
    own = InverseSigmoid(k)
    assert own(half) == pytest.approx(0.5, abs=1e-3)
    assert own(most) == pytest.approx(0.9, abs=1e-3)


def test_warmup_rises_evenly_into_what_follows() -> None:
    """From just above 0, by the same amount each step, to the first value of the next schedule."""
    rate = Warmup(9, Constant(1.0))
    np.testing.assert_allclose([rate(step) for step in range(11)], [*np.arange(1, 11) / 10, 1])


def test_a_number_is_a_constant_schedule() -> None:
    assert as_schedule(0.1) == as_schedule(np.float64(0.1)) == Constant(0.1)
    assert Warmup(2, 0.1) == Warmup(2, Constant(0.1))
    assert schedule_from(describe(0.1)) == Constant(0.1)


def test_a_function_is_a_schedule_that_cannot_be_described() -> None:
    def rate(step: int) -> float:
        return 1 / (1 + step)

    assert as_schedule(rate) is rate
    assert Warmup(1, rate)(2) == 0.5
    with pytest.raises(ValueError, match=r"describe: expected one of Constant, .*, got <function"):
        describe(rate)
    with pytest.raises(ValueError, match=r"describe: expected one of Constant, .*, got <function"):
        describe(Warmup(1, rate))


def test_numpys_numbers_become_pythons() -> None:
    """JSON knows no others."""
    schedule = Linear(np.float32(0.5), 1, np.int64(3))
    assert json.dumps(describe(schedule)) == json.dumps(describe(Linear(0.5, 1.0, 3)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant(float("inf")), r"Constant value: expected a finite number, got inf"),
        (lambda: Constant("1e-3"), r"Constant value: expected a finite number, got '1e-3'"),
        (lambda: as_schedule(None), r"Constant value: expected a finite number, got None"),
        (lambda: StepDecay(1, 0, 5), r"StepDecay factor: expected a number in \(0, 1\], got 0"),
        (lambda: StepDecay(1, 0.5, 0), r"StepDecay every: expected an integer ≥ 1, got 0"),
        (lambda: Exponential(1, 1.1), r"Exponential factor: expected .* \(0, 1\], got 1.1"),
        (lambda: Linear(0, 1, 2.5), r"Linear steps: expected an integer ≥ 1, got 2.5"),
        (lambda: Cosine(1, -3), r"Cosine steps: expected an integer ≥ 1, got -3"),
        (lambda: Warmup(5, "x"), r"Constant value: expected a finite number, got 'x'"),
        (lambda: InverseSigmoid(0.5), r"InverseSigmoid k: expected a number ≥ 1, got 0.5"),
        (lambda: InverseSigmoid(np.inf), r"InverseSigmoid k: expected a number ≥ 1, got inf"),
        (lambda: Cyclical(0, 1, 9, np.nan), r"Cyclical ramp: expected .* \(0, 1\], got nan"),
    ],
)
def test_refuses_to_be_made(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({"schedule": "Sine"}, r"schedule_from: expected one of Constant, .*, got 'Sine'"),
        ({"value": 1.0}, r"schedule_from: expected one of Constant, .*, got None"),
        ({"schedule": "Constant", "step": 1}, r"schedule_from: .*argument 'step'"),
        ({"schedule": "Linear", "start": 1}, r"schedule_from: .*missing 2 required .*'end'"),
        ({"schedule": "Constant", "value": None}, r"Constant value: expected a finite number"),
    ],
)
def test_refuses_what_describes_nothing(description: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        schedule_from(description)


# Where a schedule leads

ENDS = [0.5, 0, 1, 2, 1, 0, 0, 1, 1]


@pytest.mark.parametrize(("schedule", "end"), list(zip(ALL, ENDS, strict=True)), ids=NAMES)
def test_the_final_value_is_that_of_a_late_step(schedule: Any, end: float) -> None:
    """A Cyclical's is its top, to which it comes again and again."""
    assert final_value(schedule) == end
    late = 399 if isinstance(schedule, Cyclical) else 400
    assert schedule(late) == pytest.approx(end, abs=1e-12)
    assert settled(schedule, 400)


@pytest.mark.parametrize("kind", [StepDecay(2.0, 1.0, every=3), Exponential(2.0, 1.0, end=9.0)])
def test_a_factor_of_one_leads_nowhere_else(kind: Any) -> None:
    assert final_value(kind) == 2
    assert settled(kind, 0)


@pytest.mark.parametrize(
    ("schedule", "step"),
    [
        (Constant(3.0), 0),
        (Linear(0.0, 1.0, steps=100), 99),
        (Linear(5.0, 1.0, steps=100), 99),
        (Exponential(1.0, 0.1, end=2.0), 2),
        (StepDecay(1.0, 0.09, every=3), 6),
        (Warmup(99, 1.0), 99),
        (Cyclical(0.0, 1.0, period=400), 198),
        (lambda step: min(step / 200, 1.0), 198),
    ],
)
def test_a_schedule_is_settled_a_hundredth_of_the_way_before_its_end(
    schedule: Any, step: int
) -> None:
    """And stays so, also where a Cyclical begins again."""
    assert all(settled(schedule, s) for s in range(step + 1, 900))
    assert not any(settled(schedule, s) for s in range(step))


def test_a_class_is_no_schedule() -> None:
    with pytest.raises(ValueError, match="Constant value: expected a finite number, got <class"):
        as_schedule(Linear)  # type: ignore[arg-type]
