"""The equations of docs/teacher_forcing.md: sequences written down, and events counted."""

from itertools import product
from typing import Any

import numpy as np

from book.ids import equation, number
from book.numerics import close, jacobian
from nnscratch.core import Array, IntArray
from nnscratch.losses import categorical_nll
from nnscratch.models import MusicVAE
from nnscratch.models.sequences import SequenceDecoder, SequenceEncoder
from nnscratch.models.tokens import Step, before, drawn, own_events
from nnscratch.schedules import InverseSigmoid

K, T, H, L = 3, 4, 5, 2
EVERY = np.array(list(product(range(K), repeat=T))).T
"""All sequences, (T, K^T)."""


def decoder() -> SequenceDecoder:
    return SequenceDecoder(K, H, L, rng=np.random.default_rng(0), dtype=np.float64)


def code(count: int) -> Array:
    z = np.random.default_rng(1).standard_normal((L, 1))
    return np.repeat(z, count, axis=1)


def softmax(a: Array, axis: int) -> Array:
    e = np.exp(a - a.max(axis=axis, keepdims=True))
    p: Array = e / e.sum(axis=axis, keepdims=True)
    return p


@equation("product")
def test_the_factors_of_all_sequences() -> None:
    """By whole sequences, and by calls of one step each; and they add up to one."""
    made, N = decoder(), EVERY.shape[1]
    logits, _ = made.forward(code(N), before(EVERY, K))
    left = np.array([categorical_nll(logits[..., [n]], EVERY[:, [n]])[0] for n in range(N)])
    step, seen, right = made.start(code(N)), before(EVERY, K), np.ones(N)
    for t in range(T):
        right *= softmax(step(seen[t]), 0)[EVERY[t], np.arange(N)]
    close(np.exp(-left), right)
    close(right.sum(), 1.0)


@equation("logits")
def test_the_gradient_in_the_logits(rng: np.random.Generator) -> None:
    a, x = rng.standard_normal((T, K, 1)), rng.integers(0, K, (T, 1))
    _, da = categorical_nll(a, x)
    close(da, softmax(a, 1) - (np.arange(K)[None, :, None] == x[:, None]))
    close(da, jacobian(lambda a: categorical_nll(a, x)[0], a))


@equation("temperature")
def test_the_temperature(rng: np.random.Generator) -> None:
    """Shares of what is drawn with u on a fine grid are the probabilities."""
    a, grid = rng.standard_normal(K), (np.arange(20_000) + 0.5) / 20_000
    for temperature in (0.3, 1.0, 2.5):
        events = drawn(np.repeat(a[:, None], len(grid), axis=1), grid, temperature)
        shares = np.bincount(events, minlength=K) / len(grid)
        close(shares, softmax(a / temperature, 0), error=1e-4)


@equation("drift")
def test_the_drift(rng: np.random.Generator) -> None:
    """Wrong from the first wrong event on, simulated; four standard errors."""
    epsilon, steps = 0.2, 32
    right = np.logical_and.accumulate(rng.random((4000, steps)) >= epsilon, axis=1).mean(axis=1)
    formula = drift(epsilon, steps)
    close(sum((1 - epsilon) ** t for t in range(1, steps + 1)) / steps, formula)
    assert abs(right.mean() - formula) < 4 * right.std() / np.sqrt(len(right))


def drift(epsilon: float, steps: int) -> float:
    return (1 - epsilon) * (1 - (1 - epsilon) ** steps) / (epsilon * steps)


@number("drift")
def at_a_fifth() -> str:
    return f"{drift(0.2, 32):.2f}"


@equation("inverse-sigmoid")
def test_the_inverse_sigmoid() -> None:
    n = np.array([0, 100, 1711, 3000])
    close([InverseSigmoid(300.0)(int(i)) for i in n], 1 - 300 / (300 + np.exp(n / 300)))
    close(InverseSigmoid(1000.0)(round(1000 * np.log(1000))), 0.5, error=1e-3)


class Knows:
    """A decoder that knows how the first event is distributed."""

    classes = K

    def __init__(self, first: Array) -> None:
        self.first = first

    def start(self, z: Any) -> Step:
        """Return a step that says the same whatever it is given."""
        return lambda previous: np.repeat(np.log(self.first)[:, None], len(previous), axis=1)


def chain() -> tuple[Array, Array]:
    """Return p(a), and p(b | a) as (a, b)."""
    rng = np.random.default_rng(5)
    return rng.dirichlet(np.ones(K)), rng.dirichlet(np.ones(K), K)


def two_events(count: int, rng: np.random.Generator) -> IntArray:
    first, second = chain()
    a = rng.choice(K, count, p=first)
    b = (rng.random(count)[:, None] > second[a].cumsum(axis=1)).sum(axis=1)
    return np.stack([a, b])


@equation("mixture")
def test_what_the_second_step_sees(rng: np.random.Generator) -> None:
    """Pairs of what it is given and the true event after it, counted; five standard errors."""
    first, second = chain()
    x = two_events(200_000, rng)
    for s in (0.0, 0.4, 1.0):
        seen = own_events(Knows(first), x, before(x, K), s, rng)[1]  # type: ignore[arg-type]
        for a in range(K):
            after = x[1, seen == a]
            shares = np.bincount(after, minlength=K) / len(after)
            right = (1 - s) * second[a] + s * first @ second
            assert (np.abs(shares - right) < 5 * np.sqrt(right * (1 - right) / len(after))).all()


@equation("loss")
def test_what_is_lost_is_the_information() -> None:
    """I = Σ p(a, b) log p(a, b)/(p(a) p(b)) beside the two expected logarithms."""
    first, second = chain()
    joint, marginal = first[:, None] * second, first @ second
    left = (joint * np.log(second)).sum() - (joint * np.log(marginal)).sum()
    information = (joint * np.log(joint / np.outer(first, marginal))).sum()
    close(left, information)
    assert information > 0.05


@equation("dropout")
def test_a_mean_over_what_is_left(rng: np.random.Generator) -> None:
    """All 2^(T-1) ways to take events away, weighted, beside draws of the loss; five errors."""
    made, x, r = decoder(), EVERY[:, [17]], 0.4
    encoder = SequenceEncoder(K, H, L, rng=rng, dtype=np.float64)
    for p in encoder.parameters().values():
        p.value[...] = 0
    encoder.output.b.value[L:] = -60  # type: ignore[union-attr]  # a code that is always 0
    expected = 0.0
    for gone in product((False, True), repeat=T - 1):
        inputs = np.where(np.array([True, *gone])[:, None], K, before(x, K))
        nll, _ = categorical_nll(made.forward(np.zeros((L, 1)), inputs)[0], x)
        expected += r ** sum(gone) * (1 - r) ** (T - 1 - sum(gone)) * nll
    vae = MusicVAE(encoder, made, steps=T, word_dropout=r)
    draws = [
        vae.loss(np.repeat(x, 400, axis=1), rng=np.random.default_rng(i))[0]["reconstruction"]
        for i in range(30)
    ]
    assert abs(np.mean(draws) - expected) < 5 * np.std(draws, ddof=1) / np.sqrt(len(draws))
