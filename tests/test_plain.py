"""Plain = fast: each operation against its definition, to what rounding allows and no more.

u is half an eps. A sum of K products, in any order, is off by less than (K + 1) u Σ |a| |b|
(Higham, Accuracy and Stability of Numerical Algorithms, 2002, §3.1); both sides may be.
"""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import config
from operations import OPERATIONS

from nnscratch.core import Array, Parameter
from nnscratch.kernels import optimizers, plain, plain_optimizers, plain_samples
from nnscratch.kernels.machine.counters import BLOCK
from nnscratch.kernels.machine.helpers import kernel_threads
from nnscratch.kernels.plain_optimizers import PIECE, Step

pytestmark = pytest.mark.plain

SIZES = st.one_of(st.integers(1, 12), st.integers(1, 150))
DTYPES = st.sampled_from([np.float32, np.float64])
JIT = not config.DISABLE_JIT  # type: ignore[attr-defined]
LONG = st.one_of(st.integers(1, 300), st.integers(BLOCK - 20, 3 * BLOCK if JIT else BLOCK))
"""Lengths of flat arrays, beyond the blocks that threads share."""

Both = tuple[Any, Any]


def both(name: str, *args: Any) -> Both:
    """What the definition returns, and what the fast operation does."""
    operation = OPERATIONS[name]
    return operation.definition(*args), operation.fast()(*args)


def rounding(dtype: Any) -> float:
    return float(np.finfo(dtype).eps) / 2


def normal(draw: Any, *shape: int, dtype: Any, some_zeros: bool = False) -> Array:
    """Numbers from N(0, 1), in one of the layouts in which layers meet them."""
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    a = rng.standard_normal(shape).astype(dtype)
    if some_zeros:
        a *= rng.random(shape) < 0.8
    layout = draw(st.sampled_from(["rows", "columns", "neither"]))
    if layout == "columns":
        return np.asfortranarray(a)
    return np.repeat(a, 2, axis=-1)[..., ::2] if layout == "neither" else a


def same(got: Array, want: Array, bound: Any = 0) -> None:
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    assert (np.abs(got - want) <= bound).all()


def check_matmul(data: st.DataObject) -> None:
    M, K, N, dtype = *(data.draw(SIZES) for _ in range(3)), data.draw(DTYPES)
    a, b = normal(data.draw, M, K, dtype=dtype), normal(data.draw, K, N, dtype=dtype)
    bias = (
        np.ascontiguousarray(normal(data.draw, M, dtype=dtype))
        if data.draw(st.booleans())
        else None
    )
    size = np.abs(a) @ np.abs(b) + (0 if bias is None else np.abs(bias)[:, None])
    same(*both("matmul", a, b, bias), 2 * (K + 2) * rounding(dtype) * size)


def check_add_matmul(data: st.DataObject) -> None:
    M, K, N, dtype = *(data.draw(SIZES) for _ in range(3)), data.draw(DTYPES)
    a, b = normal(data.draw, M, K, dtype=dtype), normal(data.draw, K, N, dtype=dtype)
    before, sums_before = normal(data.draw, M, N, dtype=dtype), normal(data.draw, M, dtype=dtype)
    ask = data.draw(st.booleans())
    results = []
    for run in (plain.add_matmul.definition, plain.add_matmul.fast()):
        p, sums = Parameter(np.zeros((M, N), dtype)), Parameter(np.zeros(M, dtype))
        p.grad[...], sums.grad[...] = before, sums_before
        run(p, a, b, *((sums,) if ask else ()))
        results.append((p.grad, sums.grad))
    (want, want_sums), (got, got_sums) = results
    u = rounding(dtype)
    same(got, want, 2 * (K + 2) * u * (np.abs(a) @ np.abs(b) + np.abs(before)))
    same(got_sums, want_sums, 2 * (K + 2) * u * (np.abs(a).sum(axis=1) + np.abs(sums_before)))
    assert ask or np.array_equal(got_sums, sums_before)


def elementwise(data: st.DataObject, count: int) -> list[Array]:
    shape, dtype = (data.draw(st.integers(1, 3)), data.draw(LONG)), data.draw(DTYPES)
    return [normal(data.draw, *shape, dtype=dtype, some_zeros=True) for _ in range(count)]


def check_relu(data: st.DataObject) -> None:
    same(*both("relu", *elementwise(data, 1)))


def check_relu_backward(data: st.DataObject) -> None:
    same(*both("relu_backward", *elementwise(data, 2)))


def check_tanh_backward(data: st.DataObject) -> None:
    """1 - y² has a rounding or, by a fused multiply-add, half as many as that."""
    dy, y = elementwise(data, 2)
    same(*both("tanh_backward", dy, np.tanh(y)), 3 * rounding(y.dtype) * np.abs(dy))


def check_leaky_relu_backward(data: st.DataObject) -> None:
    same(*both("leaky_relu_backward", *elementwise(data, 2), data.draw(st.floats(0.01, 0.9))))


def check_normal_cdf(data: st.DataObject) -> None:
    """|Φ'(x) x| < ¼, so an argument that is rounded twice moves Φ by less than u."""
    (x,) = elementwise(data, 1)
    same(*both("normal_cdf", 3 * x), 6 * rounding(x.dtype))


def check_bernoulli_nll(data: st.DataObject) -> None:
    """Both gradients are differences of numbers in [0, 1], of which each has few roundings.

    The value's terms are sums of max(a, 0), log(1 + e) ≤ 1 and t a: of 112 factors of a product
    each adds a rounding, and so do sums of at most 64 numbers that begin new ones.
    """
    a, t = elementwise(data, 2)
    a, t = 4 * a, np.abs(np.sin(t))
    (want, d_want), (got, d_got) = both("bernoulli_nll", a, t)
    N, u = a.shape[-1], rounding(a.dtype)
    same(d_got, d_want, 12 * u / N)
    assert isinstance(got, float)
    assert isinstance(want, float)
    assert abs(got - want) <= 64 * u * (1 + np.abs(a) * (1 + t)).sum() / N


def check_bernoulli_log_prob(data: st.DataObject) -> None:
    """As bernoulli_nll, of each column: its sums are no longer than the column."""
    D, N, dtype = data.draw(st.integers(1, 250)), data.draw(st.integers(1, 70)), data.draw(DTYPES)
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    a, t = (4 * rng.standard_normal((D, N))).astype(dtype), rng.random((D, N)).astype(dtype)
    if data.draw(st.booleans()):
        a, t = np.asfortranarray(a), np.asfortranarray(t)
    want, got = both("bernoulli_log_prob", a, t)
    assert (got.shape, got.dtype) == (want.shape, want.dtype) == ((N,), np.float64)
    assert (abs(got - want) <= 64 * rounding(dtype) * (2 + 2 * np.abs(a)).sum(axis=0)).all()


def check_bernoulli_log_prob_and_slope(data: st.DataObject) -> None:
    """The same of several columns for each target, and the gradient."""
    K, N = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 40))
    D, dtype = data.draw(st.integers(1, 130)), data.draw(DTYPES)
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    a, t = (4 * rng.standard_normal((D, K * N))).astype(dtype), rng.random((D, N)).astype(dtype)
    if data.draw(st.booleans()):
        a, t = np.asfortranarray(a), np.asfortranarray(t)
    (want, d_want), (got, d_got) = both("bernoulli_log_prob_and_slope", a, t)
    u = rounding(dtype)
    same(d_got, d_want, 12 * u)
    assert (got.shape, got.dtype) == (want.shape, want.dtype) == ((K * N,), np.float64)
    assert (abs(got - want) <= 64 * u * (2 + 2 * np.abs(a)).sum(axis=0)).all()


def draws(data: st.DataObject) -> tuple[int, int, int, Any]:
    L, K, N = (data.draw(st.integers(1, most)) for most in (20, 40, 30))
    return L, K, N, data.draw(DTYPES)


def check_gaussian_draws(data: st.DataObject) -> None:
    """A fused multiply-add rounds μ + σ ε once; the definition sums terms that are rounded."""
    L, K, N, dtype = draws(data)
    mu, logvar = normal(data.draw, L, N, dtype=dtype), normal(data.draw, L, N, dtype=dtype)
    eps = normal(data.draw, L, K * N, dtype=dtype)
    with kernel_threads(data.draw(st.integers(1, 3))):
        (want, want_ratio), (got, got_ratio) = both("gaussian_draws", mu, logvar, eps)
    same(got, want, 2 * rounding(dtype) * (np.abs(want) + np.tile(np.abs(mu), K)))
    size = eps * eps + want * want + np.tile(np.abs(logvar), K)
    same(got_ratio, want_ratio, (L + 8) * rounding(dtype) * size.sum(axis=0))


def check_sums_over_draws(data: st.DataObject) -> None:
    L, K, N, dtype = draws(data)
    dz, eps = (normal(data.draw, L, K * N, dtype=dtype) for _ in range(2))
    with kernel_threads(data.draw(st.integers(1, 3))):
        wants, gots = both("sums_over_draws", dz, eps, N)
    for want, got, terms in zip(wants, gots, (dz, dz * eps), strict=True):
        size = np.abs(terms).reshape(L, K, N).sum(axis=1)
        same(got, want, 2 * (K + 1) * rounding(dtype) * size)


def check_scaled_columns(data: st.DataObject) -> None:
    """One product each: every bit is the same."""
    (a,) = elementwise(data, 1)
    scale = np.ascontiguousarray(normal(data.draw, a.shape[-1], dtype=a.dtype))
    with kernel_threads(data.draw(st.integers(1, 3))):
        same(*both("scaled_columns", a, scale))


def check_gather_columns(data: st.DataObject) -> None:
    """A byte is divided by 255 once, on both paths: every bit is the same."""
    N, shape = data.draw(st.integers(1, 40)), data.draw(st.sampled_from([(5,), (3, 4), (2, 3, 1)]))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    images = rng.integers(0, 256, (7, *shape), np.uint8)
    if data.draw(st.booleans()):
        images = np.repeat(images, 2, axis=0)[::2]
    same(*both("gather_columns", images, rng.integers(0, 7, N), data.draw(DTYPES)))


def steps_of(data: st.DataObject, name: str, moments: int, *numbers: Any) -> None:
    """One step from the same θ, gradients and moments on both paths.

    Second moments are at least 0.1, so that no quotient enlarges a rounding by more than 10.
    """
    P, R, dtype = data.draw(LONG), data.draw(st.integers(1, 3)), data.draw(DTYPES)
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x, grads = rng.standard_normal(P).astype(dtype), rng.standard_normal((R, P)).astype(dtype)
    state = (0.1 + rng.random((moments, P))).astype(dtype)
    start = data.draw(st.integers(0, P))
    within = start, data.draw(st.integers(start, P))
    parts = (P // 3, P - P // 3) if P > 2 else (P,)
    l2, scale = data.draw(st.sampled_from([0.0, 0.2])), data.draw(st.sampled_from([1.0, 0.3]))
    results = []
    for run in (OPERATIONS[name].definition, OPERATIONS[name].fast()):
        theta, g, own = Parameter(x.copy(), parts), grads.copy(), state.copy()
        with kernel_threads(data.draw(st.integers(1, 3))):
            run(Step(theta, g, within, 0.1, scale, l2), *own, *numbers)
        results.append((theta.value, g, own))
    (want, want_g, want_state), (got, got_g, got_state) = results
    part = slice(*within)
    assert not got_g[:, part].any()
    np.testing.assert_array_equal(got_g, want_g)
    size = 1 + np.abs(x) + np.abs(grads).sum(axis=0)
    bound = 40 * rounding(dtype) * size * size
    same(got_state, want_state, bound)
    same(got, want, bound)
    for a, before in ((got, x), (got_g, grads), (got_state, state)):
        outside = np.delete(a, part, -1), np.delete(before, part, -1)
        np.testing.assert_array_equal(*outside)


def check_sgd(data: st.DataObject) -> None:
    steps_of(data, "sgd", 1, *data.draw(st.sampled_from([(0.0, False), (0.9, False), (0.7, True)])))


def check_rmsprop(data: st.DataObject) -> None:
    steps_of(data, "rmsprop", 1, 0.9, 1e-8)


def check_adam(data: st.DataObject) -> None:
    count, decay = data.draw(st.integers(1, 50)), data.draw(st.sampled_from([0.0, 0.3]))
    steps_of(data, "adam", 2, 0.9, 0.99, 1e-8, count, decay)


def check_gradient_squares(data: st.DataObject) -> None:
    """The replicas are summed in one order; a sum of squares of P numbers has no cancellation."""
    P, R, dtype = data.draw(LONG), data.draw(st.integers(1, 3)), data.draw(DTYPES)
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    grads = rng.standard_normal((R, P)).astype(dtype)
    start = data.draw(st.integers(0, P))
    within = start, data.draw(st.integers(start, P))
    want = plain_optimizers.gradient_squares.definition(grads.copy(), within)
    got = optimizers.gradient_squares(grads, within)
    assert got.shape == want.shape
    assert (np.abs(got - want) <= PIECE * rounding(np.float64) * want).all()


CHECKS: dict[str, Callable[[st.DataObject], None]] = {
    name.removeprefix("check_"): check
    for name, check in list(globals().items())
    if name.startswith("check_")
}


def test_every_operation_is_checked() -> None:
    assert CHECKS.keys() == OPERATIONS.keys()


@pytest.mark.parametrize("name", CHECKS)
@settings(max_examples=40 if JIT else 8)
@given(data=st.data())
def test_plain_is_fast(name: str, data: st.DataObject) -> None:
    """A product also multiplies what lies beside the last column, which NumPy may warn of."""
    with nullcontext() if JIT else np.errstate(over="ignore", invalid="ignore"):
        CHECKS[name](data)


# The definitions by hand: what test_faults.py convicts faults in them with, and complex numbers


COMPLEX = 1e-30


@pytest.mark.parametrize("name", ["sigmoid", "softplus"])
def test_maps_of_one_number_take_complex_steps(name: str) -> None:
    """Im f(x + ih)/h is f'(x) to all digits: σ' = σ (1 - σ) and softplus' = σ."""
    x = np.array([-800.0, -3.0, -0.5, 0.5, 3.0, 800.0])
    s = plain.sigmoid(x)
    slope = {"sigmoid": s * (1 - s), "softplus": s}[name]
    got = getattr(plain, name)(x + 1j * COMPLEX).imag / COMPLEX
    np.testing.assert_allclose(got, slope, rtol=1e-14, atol=1e-300)


def test_draws_take_complex_steps(rng: np.random.Generator) -> None:
    """∂/∂μ and ∂/∂log σ² of Σ dz z are what the sums over draws say; log_ratio has its own."""
    mu, logvar = rng.standard_normal((2, 3, 2))
    eps, dz = rng.standard_normal((2, 3, 8))
    sums, products = plain_samples.sums_over_draws(dz, eps, 2)
    slopes = sums, products * np.exp(logvar / 2) / 2
    z, _ = plain_samples.gaussian_draws(mu, logvar, eps)
    for which, want in enumerate(slopes):
        for i in np.ndindex(3, 2):
            step = np.zeros((2, 3, 2), complex)
            step[which][i] = 1j * COMPLEX
            moved, ratio = plain_samples.gaussian_draws(mu + step[0], logvar + step[1], eps)
            got = (dz * moved.imag).sum() / COMPLEX
            np.testing.assert_allclose(got, want[i], rtol=1e-12)
            of_z = -(z * moved.imag / COMPLEX)[:, i[1] :: 2].sum(axis=0)
            got = ratio.imag[i[1] :: 2] / COMPLEX
            np.testing.assert_allclose(got, of_z + which / 2, rtol=1e-12)


def test_products_and_losses_take_complex_steps(rng: np.random.Generator) -> None:
    """Each entry of a gradient is what moves the value: dw = dy xᵀ, da = (σ(a) - t)/N."""
    w, x, dy = (rng.standard_normal(shape) for shape in ((3, 2), (2, 4), (3, 4)))
    p = Parameter(w)
    plain.add_matmul(p, dy, x.T)
    a, t = rng.standard_normal((3, 2)), rng.random((3, 2))
    _, da = plain.bernoulli_nll(a, t)
    for i in np.ndindex(3, 2):
        step = np.zeros((3, 2), complex)
        step[i] = 1j * COMPLEX
        y = plain.matmul(w + step, x, np.ones(3))
        np.testing.assert_allclose((dy * y.imag).sum() / COMPLEX, p.grad[i], rtol=1e-13)
        value, _ = plain.bernoulli_nll(a + step, t)
        np.testing.assert_allclose(value.imag / COMPLEX, da[i], rtol=1e-13)
    b, t = rng.standard_normal((3, 4)), rng.random((3, 2))
    _, db = plain_samples.bernoulli_log_prob_and_slope(b, t)
    for i in np.ndindex(3, 4):
        step = np.zeros((3, 4), complex)
        step[i] = 1j * COMPLEX
        each, _ = plain_samples.bernoulli_log_prob_and_slope(b + step, t)
        np.testing.assert_allclose(each.imag / COMPLEX, db[i] * (np.arange(4) == i[1]), rtol=1e-13)
