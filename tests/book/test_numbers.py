"""The equations of docs/numbers.md: floats against fractions and fifty decimal digits."""

from decimal import Decimal, localcontext
from fractions import Fraction
from math import ceil, log2
from typing import Any

import numpy as np
import pytest

import nnscratch as nn
from book.ids import equation, number
from nnscratch.core import Array
from nnscratch.kernels.plain import sigmoid, softplus
from nnscratch.losses import gaussian_kl

UNITS = {np.float32: Fraction(1, 2**24), np.float64: Fraction(1, 2**53)}


def exact(x: Any) -> Fraction:
    return Fraction(float(x))


@equation("rounding")
@pytest.mark.parametrize("kind", UNITS)
def test_an_operation_rounds_once(kind: Any, rng: np.random.Generator) -> None:
    largest = Fraction(0)
    for a, b in rng.standard_normal((300, 2)).astype(kind):
        x, y = exact(a), exact(b)
        results = [(a + b, x + y), (a - b, x - y), (a * b, x * y), (a / b, x / y)]
        for computed, right in results:
            largest = max(largest, abs(exact(computed) - right) / abs(right))
    assert UNITS[kind] / 2 < largest <= UNITS[kind]


def error(computed: float, right: Decimal) -> float:
    return float(abs(Decimal(float(computed)) - right) / right)


@equation("logsumexp")
def test_logsumexp(rng: np.random.Generator) -> None:
    for scale in (1, 100, 5000):
        a = scale * rng.standard_normal((6, 1))
        t = int(a.argmin())
        value, _ = nn.categorical_nll(a, np.array([t]))
        with localcontext() as context:
            context.prec, context.Emax, context.Emin = 50, 10**6, -(10**6)
            numbers = [Decimal(float(v)) for v in a[:, 0]]
            right = sum((v.exp() for v in numbers), Decimal(0)).ln() - numbers[t]
            assert error(value, right) < 1e-15 * 4


@equation("softplus")
def test_softplus() -> None:
    x = np.array([-700, -30, -1, -1e-9, 0, 1e-9, 1, 30, 700, 1e4])
    for value, v in zip(softplus(x), x, strict=True):
        with localcontext() as context:
            context.prec, context.Emax = 400, 10**6
            assert error(value, (1 + Decimal(float(v)).exp()).ln()) < 1e-15


@equation("sigmoid")
def test_sigmoid() -> None:
    x = np.array([-700, -30, -1, -1e-9, 0, 1e-9, 1, 30, 700])
    for value, v in zip(sigmoid(x), x, strict=True):
        with localcontext() as context:
            context.prec = 400
            assert error(value, 1 / (1 + (-Decimal(float(v))).exp())) < 1e-15


def kl_error(value: float, s: float) -> float:
    with localcontext() as context:
        context.prec = 50
        right = (Decimal(s).exp() - 1 - Decimal(s)) / 2
        return error(value, right)


@equation("kl")
def test_kl_near_zero() -> None:
    for s in (0.01, -0.01):
        value, (_, ds) = gaussian_kl(np.zeros((1, 1)), np.full((1, 1), s))
        assert value == pytest.approx(s**2 / 4 + s**3 / 12, abs=s**4 / 40)
        assert ds[0, 0] == pytest.approx(np.expm1(s) / 2, rel=1e-15)
        assert kl_error(value, s) < 1e-13


S = np.full((1, 1), 0.003, np.float32)


@number("kl-naive")
def kl_naive() -> str:
    value = (np.exp(S) - np.float32(1) - S)[0, 0] / 2
    return f"{kl_error(value, float(S[0, 0])):.0e}"


@number("kl-expm1")
def kl_expm1() -> str:
    value, _ = gaussian_kl(np.zeros_like(S), S)
    return f"{kl_error(value, float(S[0, 0])):.0e}"


def in_a_loop(x: Array) -> Any:
    return np.add.accumulate(x)[-1]


def in_pairs(x: Array) -> Any:
    while x.size > 1:
        odd = x[-1:] if x.size % 2 else x[:0]
        x = np.concatenate([x[: x.size // 2 * 2 : 2] + x[1::2], odd])
    return x[0]


@equation("sums")
@pytest.mark.parametrize("n", [2, 7, 1000])
def test_bounds_of_sums(n: int, rng: np.random.Generator) -> None:
    u = UNITS[np.float32]
    for _ in range(20):
        x = rng.standard_normal(n).astype(np.float32)
        right, size = sum(map(exact, x)), sum(abs(exact(v)) for v in x)
        assert abs(exact(in_a_loop(x)) - right) <= (n - 1) * u * size * Fraction(1001, 1000)
        assert abs(exact(in_pairs(x)) - right) <= ceil(log2(n)) * u * size * Fraction(1001, 1000)


def million() -> tuple[Array, float]:
    x = np.random.default_rng(0).random(1_000_000, dtype=np.float32)
    return x, float(x.astype(np.float64).sum())


@number("sum-loop")
def sum_loop() -> str:
    x, right = million()
    return f"{abs(float(in_a_loop(x)) - right) / right:.0e}"


@number("sum-pairs")
def sum_pairs() -> str:
    x, right = million()
    return f"{abs(float(in_pairs(x)) - right) / right:.0e}"


def moments(steps: int) -> list[float]:
    """Return Adam's first moment after one gradient of 0.01, and after each of none."""
    theta, adam = nn.Parameter(np.zeros(1, np.float32)), nn.Adam(1e-3)
    theta.grad[...] = 1e-2
    found = []
    with nn.plain():
        for _ in range(steps):
            adam.step(theta)
            found.append(float(adam.state["first"][0]))
    return found


@equation("decay")
def test_the_first_moment_decays() -> None:
    found = moments(400)
    for t in (1, 10, 399):
        assert found[t] == pytest.approx(0.9**t * found[0], rel=1e-4)


@number("steps-to-subnormal")
def steps_to_subnormal() -> str:
    """And there it stays: the moment is no zero, and no normal number, ever after."""
    found = moments(1200)
    tiny = float(np.finfo(np.float32).tiny)
    count = next(t for t, m in enumerate(found) if m < tiny)
    assert 0 < found[-1] < tiny
    assert found[-1] == found[-2]
    return str(count)
