"""Optimisers: each against its paper's formula, and what no split of the work may change."""

import json
from typing import Any

import numpy as np
import pytest
from checks.optimizers import CASES, STEPS, check_cleared, check_clipped, drawn, travelled
from hypothesis import given
from hypothesis import strategies as st

from nnscratch import optimizers
from nnscratch.core import Array, Parameter
from nnscratch.kernels.machine.counters import BLOCK
from nnscratch.kernels.machine.helpers import kernel_threads
from nnscratch.kernels.optimizers import LINE, pieces
from nnscratch.kernels.plain_optimizers import PIECE, Step, gradient_norm, gradient_squares
from nnscratch.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop
from nnscratch.schedules import Constant, Cosine, StepDecay, describe

pytestmark = [pytest.mark.kernel, pytest.mark.plain, pytest.mark.oldest]


# The formulas. A running sum u ← μ u + g is written out as Σ_s μ^(t-s) g_s, and a running mean with
# its bias undone as the average of all g_s with weights β^(t-s): no step carries on the one before.


EACH = pytest.mark.parametrize("name", CASES)
KINDS = pytest.mark.parametrize(
    "make",
    [
        lambda **k: SGD(0.1, momentum=0.9, **k),
        lambda **k: RMSprop(0.1, **k),
        lambda **k: Adam(0.1, **k),
        lambda **k: AdamW(0.1, **k),
    ],
    ids=["SGD", "RMSprop", "Adam", "AdamW"],
)


# Each step is the formula


@EACH
@given(P=st.sampled_from([1, 7, BLOCK - 1, BLOCK, 2 * BLOCK + 5]), seed=st.integers(0, 99))
def test_every_step_is_that_of_the_paper(name: str, P: int, seed: int) -> None:
    make, formula = CASES[name]
    x, g = drawn(P, seed=seed)
    way = travelled(make(), x, g)
    np.testing.assert_allclose(way, list(formula(x, g[:, 0])), rtol=1e-12, atol=1e-12)


@EACH
def test_float32_stays_float32_and_near_the_formula(name: str) -> None:
    """Each of the 6 steps rounds θ ~ 1 to 6e-8."""
    make, formula = CASES[name]
    x, g = drawn(3000, dtype=np.float32)
    optimizer = make()
    way = travelled(optimizer, x, g)
    assert {a.dtype for a in (way, *optimizer.state.values())} == {np.dtype(np.float32)}
    exact = list(formula(x.astype(np.float64), g[:, 0].astype(np.float64)))
    np.testing.assert_allclose(way, exact, rtol=1e-5, atol=2e-6)


def test_options_of_adam_are_in_its_settings_only_if_they_are_used() -> None:
    """Checkpoints of earlier versions have none of them, and can be resumed."""
    assert Adam().settings().keys().isdisjoint({"second_moment", "eps_hat"})
    settings = Adam(second_moment=1.0, eps_hat=True).settings()
    assert (settings["second_moment"], settings["eps_hat"]) == (1.0, True)
    with pytest.raises(ValueError, match="Adam: expected second_moment ≥ 0, got -1"):
        Adam(second_moment=-1.0)


def test_adams_first_step_is_the_rate_whatever_the_gradient() -> None:
    """m̂ = g and √v̂ = |g|, so θ moves by η g/|g|: 0.1, down where g > 0 and up where g < 0."""
    theta = Parameter(np.array([1.0, 1.0, 1.0]))
    theta.grad[...] = [1e-3, -5.0, 0.0]
    Adam(0.1, eps=0.0 + 1e-30).step(theta)
    np.testing.assert_allclose(theta.value, [0.9, 1.1, 1.0], rtol=1e-15)


def test_nesterov_by_hand() -> None:
    """Two steps of g = 1 at μ = ½, η = 1: u = 1, 1½; θ falls by g + μ u = 1½, then 1¾."""
    theta = Parameter(np.zeros(1))
    optimizer = SGD(1.0, momentum=0.5, nesterov=True)
    for expected in (-1.5, -3.25):
        theta.grad[...] = 1
        optimizer.step(theta)
        assert theta.value == expected


@KINDS
def test_no_gradient_no_step(make: Any) -> None:
    """√v + ε divides 0 by ε, not by 0."""
    theta = Parameter(np.ones(3))
    make(weight_decay=0.0).step(theta)
    np.testing.assert_array_equal(theta.value, np.ones(3))


@KINDS
@pytest.mark.parametrize("clip_norm", [None, 1.0])
def test_a_nan_in_the_gradient_is_seen_in_theta(make: Any, clip_norm: float | None) -> None:
    theta = Parameter(np.ones(3))
    theta.grad[...] = [1, np.nan, 2]
    make(clip_norm=clip_norm).step(theta)
    assert np.isnan(theta.value[1])


# Replicas, pieces, threads


def test_a_part_of_the_gradients_is_zero_after_its_step() -> None:
    check_cleared(optimizers)


@KINDS
@pytest.mark.parametrize("clip_norm", [None, 1e-3])
def test_gradients_are_zero_after_the_step(make: Any, clip_norm: float | None) -> None:
    theta = Parameter(np.ones(BLOCK + 3))
    theta.grad[...] = 1
    make(clip_norm=clip_norm).step(theta)
    np.testing.assert_array_equal(theta.grad, 0)
    grads = np.ones((3, theta.value.size))
    make(clip_norm=clip_norm).step(theta, grads)
    np.testing.assert_array_equal(grads, 0)


@EACH
@given(P=st.integers(1, 2 * BLOCK), replicas=st.integers(2, 4), seed=st.integers(0, 99))
def test_replicas_are_summed(name: str, P: int, replicas: int, seed: int) -> None:
    make, formula = CASES[name]
    x, g = drawn(P, replicas, seed=seed)
    way = travelled(make(), x, g)
    np.testing.assert_allclose(way, list(formula(x, g.sum(axis=1))), rtol=1e-12, atol=1e-12)


@EACH
@pytest.mark.parametrize("clip_norm", [None, 1.0])
def test_the_number_of_threads_changes_no_bit(name: str, clip_norm: float | None) -> None:
    make, _ = CASES[name]
    x, g = drawn(9 * BLOCK + 5, replicas=2, dtype=np.float32)

    def way() -> Array:
        optimizer = make()
        optimizer.clip_norm = clip_norm
        return travelled(optimizer, x, g)

    alone = way()
    for threads in (2, 3):
        with kernel_threads(threads):
            np.testing.assert_array_equal(way(), alone)


@EACH
@pytest.mark.parametrize("clip_norm", [None, 1.0])
def test_a_part_of_theta_moves_alone(name: str, clip_norm: float | None) -> None:
    """As if there were no other: its own norm is clipped, and the other gradients wait."""
    make, _ = CASES[name]
    x, g = drawn(3 * BLOCK, replicas=2)
    part = slice(5, 2 * BLOCK)
    whole, alone = make(), make()
    whole.clip_norm = alone.clip_norm = clip_norm
    theta = Parameter(x.copy())
    for gt in g:
        grads = gt.copy()
        whole.step(theta, grads, within=(part.start, part.stop))
        np.testing.assert_array_equal(grads[:, part], 0)
        np.testing.assert_array_equal(np.delete(grads, part, 1), np.delete(gt, part, 1))
    np.testing.assert_array_equal(np.delete(theta.value, part), np.delete(x, part))
    way = travelled(alone, x[part], np.ascontiguousarray(g[:, :, part]))
    np.testing.assert_allclose(theta.value[part], way[-1], rtol=1e-12)


PARTS = st.lists(st.integers(1, 5 * BLOCK), min_size=1, max_size=4).map(tuple)


@given(parts=PARTS, threads=st.integers(1, 4), data=st.data())
def test_pieces_make_up_theta(parts: tuple[int, ...], threads: int, data: st.DataObject) -> None:
    """Every number once; cut at the same places or at multiples of LINE, and no piece too large."""
    start = data.draw(st.integers(0, sum(parts)))
    stop = data.draw(st.integers(start, sum(parts)))
    ends = pieces(parts, start, stop, threads)
    counts = np.zeros(sum(parts), int)
    for a, b in ends:
        assert a < b <= a + BLOCK + 2 * LINE
        assert a in (start, sum(parts)) or a % LINE == 0
        counts[a:b] += 1
    want = np.zeros(sum(parts), int)
    want[start:stop] = 1
    np.testing.assert_array_equal(counts, want)


def test_a_thread_s_share_is_its_part_of_every_parameter() -> None:
    parts = (6 * BLOCK, 2 * BLOCK)
    ends = pieces(parts, 0, sum(parts), 2)
    shares = np.array_split(ends, 2)
    assert [int((b - a).sum()) for a, b in (share.T for share in shares)] == [4 * BLOCK] * 2
    assert shares[0].max() == 7 * BLOCK
    assert shares[1].min() == 3 * BLOCK
    assert Parameter(np.zeros(5)).parts == (5,)


def test_theta_grad_alone_is_a_single_replica() -> None:
    x, g = drawn(5)
    theta = Parameter(x.copy())
    theta.grad[...] = g[0, 0]
    Adam(0.1).step(theta)
    np.testing.assert_array_equal(theta.value, travelled(Adam(0.1), x, g[:1])[0])


# Clipping


@given(P=st.integers(1, 3 * BLOCK), replicas=st.integers(1, 3), seed=st.integers(0, 99))
def test_the_norm_is_that_of_the_sum_of_the_replicas(P: int, replicas: int, seed: int) -> None:
    grads = np.random.default_rng(seed).standard_normal((replicas, P))
    norm = np.linalg.norm(grads.sum(axis=0))
    squares = gradient_squares(grads, (0, P))
    np.testing.assert_allclose(gradient_norm(squares), norm, rtol=1e-12)


@given(P=st.integers(1, 3 * PIECE), seed=st.integers(0, 99), data=st.data())
def test_the_norm_does_not_depend_on_who_sums_which_pieces(
    P: int, seed: int, data: st.DataObject
) -> None:
    """As ranks do, whose parts of θ end at multiples of PIECE."""
    grads = np.random.default_rng(seed).standard_normal((2, P)).astype(np.float32)
    cut = PIECE * data.draw(st.integers(0, P // PIECE))
    whole = gradient_squares(grads.copy(), (0, P))
    parts = [gradient_squares(grads.copy(), ends) for ends in ((0, cut), (cut, P))]
    assert gradient_norm(np.concatenate(parts)) == gradient_norm(whole)


def test_a_long_gradient_is_shortened_and_keeps_its_direction() -> None:
    check_clipped(optimizers)


def test_one_norm_is_taken_over_all_blocks() -> None:
    theta = Parameter(np.zeros(BLOCK + 1))
    grad = np.zeros((1, BLOCK + 1))
    grad[0, [0, BLOCK]] = 3, 4
    SGD(1.0, clip_norm=1.0).step(theta, grad)
    np.testing.assert_allclose(theta.value[[0, BLOCK]], [-0.6, -0.8], rtol=1e-15)


@EACH
def test_a_short_gradient_is_left_alone(name: str) -> None:
    make, _ = CASES[name]
    x, g = drawn(50, replicas=2)
    optimizer = make()
    optimizer.clip_norm = 1e6
    np.testing.assert_array_equal(travelled(optimizer, x, g), travelled(make(), x, g))


@EACH
def test_clipping_comes_before_everything_else(name: str) -> None:
    """Before weight decay, before the moments: as if the gradient had been short from the start."""
    make, formula = CASES[name]
    x, g = drawn(50)
    optimizer = make()
    optimizer.clip_norm = 0.5
    short = [gt * 0.5 / np.linalg.norm(gt) for gt in g[:, 0]]
    way = travelled(optimizer, x, g)
    np.testing.assert_allclose(way, list(formula(x, short)), rtol=1e-12, atol=1e-12)


@EACH
def test_a_gradient_that_is_far_too_long_counts_as_zero(name: str) -> None:
    """As Magenta does it: moments and weight decay go on as after a gradient of zeros."""
    make, formula = CASES[name]
    x, g = drawn(50)
    g[2] *= 1e6
    optimizer = make()
    optimizer.clip_norm, optimizer.skip_norm = 1e3, 1e4
    expected = list(formula(x, [gt if t != 2 else 0 * gt for t, gt in enumerate(g[:, 0])]))
    np.testing.assert_allclose(travelled(optimizer, x, g), expected, rtol=1e-12, atol=1e-12)


def test_a_clip_norm_may_have_a_norm_to_skip_at_beside_it() -> None:
    theta = Parameter(np.zeros(2))
    sgd = SGD(1.0, clip_norm=(1.0, 5.0))
    sgd.step(theta, np.array([[3.0, 4.0]]))
    np.testing.assert_allclose(theta.value, [-0.6, -0.8], rtol=1e-15)
    sgd.step(theta, np.array([[3.0, 4.1]]))
    np.testing.assert_allclose(theta.value, [-0.6, -0.8], rtol=1e-15)
    assert (sgd.settings()["clip_norm"], sgd.settings()["skip_norm"]) == (1.0, 5.0)
    assert "clip_norm=(1.0, 5.0)" in repr(sgd)
    assert "skip_norm" not in SGD(1.0, clip_norm=1.0).settings()


def test_clipping_nothing_divides_by_nothing() -> None:
    theta = Parameter(np.ones(3))
    SGD(1.0, clip_norm=1.0).step(theta)
    np.testing.assert_array_equal(theta.value, np.ones(3))


def test_a_gradient_whose_square_overflows_is_still_clipped() -> None:
    """(3e30, 4e30): in float32 the squares are infinite, and a scale of 1/∞ would stop learning."""
    theta = Parameter(np.zeros(2, np.float32))
    SGD(1.0, clip_norm=1.0).step(theta, np.array([[3e30, 4e30]], np.float32))
    np.testing.assert_allclose(theta.value, [-0.6, -0.8], rtol=1e-6)


# Weight decay


def test_decoupled_decay_shrinks_theta_whatever_the_gradients_were() -> None:
    """Without a gradient θ is multiplied by 1 - ηλ = 0.98 a step."""
    theta = Parameter(np.array([5.0, -2.0]))
    optimizer = AdamW(0.1, weight_decay=0.2)
    for _ in range(3):
        optimizer.step(theta)
    np.testing.assert_allclose(theta.value, 0.98**3 * np.array([5.0, -2.0]), rtol=1e-15)


def test_l2_decay_is_scaled_away_by_adam() -> None:
    """The gradient is λθ, and Adam's first step is η whatever the gradient: 5 → 4.9, -2 → -1.9."""
    theta = Parameter(np.array([5.0, -2.0]))
    Adam(0.1, weight_decay=0.2).step(theta)
    np.testing.assert_allclose(theta.value, [4.9, -1.9], rtol=1e-7)


# Schedules and what is remembered


@KINDS
def test_the_rate_is_asked_for_once_a_step_from_zero_on(make: Any) -> None:
    asked: list[int] = []

    def rate(step: int) -> float:
        asked.append(step)
        return 0.1

    optimizer = make()
    optimizer.learning_rate = rate
    travelled(optimizer, *drawn(3))
    assert asked == list(range(STEPS))
    assert optimizer.steps == STEPS


def test_a_schedule_sets_the_length_of_each_step() -> None:
    """g = 1 and η = 8, 8, 4, 4, 2, 2."""
    way = travelled(SGD(StepDecay(8.0, 0.5, every=2)), np.zeros(1), np.ones((STEPS, 1, 1)))
    np.testing.assert_array_equal(way[:, 0], [-8, -16, -20, -24, -26, -28])


@KINDS
def test_settings_are_all_that_a_run_is_defined_by(make: Any) -> None:
    """No moments, no count; and JSON takes them, NumPy's numbers too."""
    optimizer = make(weight_decay=np.float32(0.5), clip_norm=np.float32(2))
    before = optimizer.settings()
    travelled(optimizer, *drawn(3))
    assert optimizer.settings() == before
    assert before["learning_rate"] == Constant(0.1)
    assert (before["weight_decay"], before["clip_norm"]) == (0.5, 2)
    json.dumps({k: describe(v) if callable(v) else v for k, v in before.items()})


# What is refused


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(-0.1), r"SGD: expected learning_rate ≥ 0, got -0.1"),
        (lambda: Adam(np.nan), r"Constant value: expected a finite number, got nan"),
        (lambda: Adam("fast"), r"Constant value: expected a finite number, got 'fast'"),
        (lambda: SGD(1, momentum=1), r"SGD: expected momentum in \[0, 1\), got 1"),
        (lambda: SGD(1, momentum=-0.1), r"SGD: expected momentum in \[0, 1\), got -0.1"),
        (lambda: SGD(1, nesterov=True), r"SGD: expected momentum > 0 with nesterov, got 0"),
        (lambda: RMSprop(alpha=1), r"RMSprop: expected alpha in \[0, 1\), got 1"),
        (lambda: RMSprop(eps=-1), r"RMSprop: expected eps ≥ 0, got -1"),
        (lambda: Adam(beta1=1.5), r"Adam: expected beta1 in \[0, 1\), got 1.5"),
        (lambda: Adam(beta2=np.nan), r"Adam: expected beta2 in \[0, 1\), got nan"),
        (lambda: AdamW(eps=np.inf), r"AdamW: expected eps, a finite number, got inf"),
        (lambda: AdamW(weight_decay=-1), r"AdamW: expected weight_decay ≥ 0, got -1"),
        (lambda: SGD(1, clip_norm=0), r"SGD: expected clip_norm > 0, got 0"),
        (lambda: SGD(1, clip_norm=np.nan), r"SGD: expected clip_norm > 0, got nan"),
        (lambda: SGD(1, clip_norm=(2, 1)), r"SGD: expected the norm to skip at > 2, got 1"),
        (lambda: SGD(1, clip_norm=(0, 1)), r"SGD: expected clip_norm > 0, got 0"),
        (lambda: SGD(1, clip_norm=(1, 2, 3)), r"SGD: expected clip_norm, a number, got \(1, 2, 3"),
    ],
)
def test_refuses_a_hyperparameter_out_of_range(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_an_unknown_word_is_refused() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'betas'"):
        AdamW(betas=(0.9, 0.99))


@KINDS
@pytest.mark.parametrize(
    ("shape", "dtype", "got"),
    [
        ((1, 4), "float64", r"\(1, 4\) float64"),
        ((3,), "float64", r"\(3\) float64"),
        ((1, 3), "float32", r"\(1, 3\) float32"),
    ],
)
def test_refuses_gradients_that_do_not_fit_and_moves_nothing(
    make: Any, shape: tuple[int, ...], dtype: str, got: str
) -> None:
    theta, optimizer = Parameter(np.ones(3)), make()
    with pytest.raises(ValueError, match=rf"grads: expected \(R, 3\) float64, got {got}"):
        optimizer.step(theta, np.ones(shape, dtype))
    np.testing.assert_array_equal(theta.value, 1)
    assert optimizer.steps == 0
    assert optimizer.state == {}


def test_refuses_to_step_another_theta_with_the_moments_of_this_one() -> None:
    optimizer = Adam(0.1)
    optimizer.step(Parameter(np.ones(3)))
    with pytest.raises(ValueError, match=r"Adam first: expected \(4\) float64, got \(3\) float64"):
        optimizer.step(Parameter(np.ones(4)))


# How they print


@pytest.mark.parametrize(
    "optimizer",
    [
        SGD(0.1, momentum=0.9, nesterov=True),
        RMSprop(),
        Adam(Cosine(1e-3, 100), clip_norm=1.0),
        AdamW(StepDecay(0.1, 0.5, 10), weight_decay=0.1),
    ],
)
def test_prints_as_the_call_that_makes_its_like(optimizer: Optimizer) -> None:
    again = eval(repr(optimizer))
    assert type(again) is type(optimizer)
    assert again.settings() == optimizer.settings()


def test_a_rate_that_is_a_number_prints_as_one() -> None:
    assert repr(Adam(1e-3)).startswith("Adam(learning_rate=0.001, ")


def test_a_step_takes_the_sum_of_the_gradients_unless_told() -> None:
    """No factor from clipping and no decay: g is the sum over the replicas, which are cleared."""
    theta, grads = Parameter(np.array([3.0, 4.0, 5.0])), np.array([[1.0, 2, 3], [10, 20, 30]])
    _, x, g = Step(theta, grads, (1, 3), 0.1).take()
    np.testing.assert_array_equal(x, [4, 5])
    np.testing.assert_array_equal(g, [22, 33])
    np.testing.assert_array_equal(grads, [[1, 0, 0], [10, 0, 0]])
