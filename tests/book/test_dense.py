"""The equations of docs/dense.md: nn.Dense against loops and differences."""

import numpy as np
import pytest

import nnscratch as nn
from book.ids import equation
from book.numerics import close, jacobian
from nnscratch.core import Array

D, M, N = 4, 3, 5


@pytest.fixture
def dense(rng: np.random.Generator) -> nn.Dense:
    layer = nn.Dense(D, M, rng=rng, dtype=np.float64)
    layer.b.value[...] = rng.standard_normal(M)
    return layer


def batch(rng: np.random.Generator) -> tuple[Array, Array]:
    """Return x and dy."""
    return rng.standard_normal((D, N)), rng.standard_normal((M, N))


@equation("forward")
def test_forward(dense: nn.Dense, rng: np.random.Generator) -> None:
    x, _ = batch(rng)
    w, b = dense.w.value, dense.b.value
    y, _ = dense.forward(x)
    close(
        y, [[sum(w[m, d] * x[d, n] for d in range(D)) + b[m] for n in range(N)] for m in range(M)]
    )
    close(y, w @ x + np.outer(b, np.ones(N)))


@equation("jacobians")
def test_jacobians(dense: nn.Dense, rng: np.random.Generator) -> None:
    """The library's Jacobians, one row for each unit dy."""
    x, _ = batch(rng)
    w = dense.w.value
    for m, n in np.ndindex(M, N):
        unit = np.zeros((M, N))
        unit[m, n] = 1
        for p in (dense.w, dense.b):
            p.grad[...] = 0
        dx = dense.forward(x)[1](unit)
        for d, j in np.ndindex(D, N):
            close(dx[d, j], w[m, d] * (n == j))
        for k in range(M):
            close(dense.w.grad[k], (m == k) * x[:, n])
            close(dense.b.grad[k], float(m == k))


@equation("dx")
def test_dx(dense: nn.Dense, rng: np.random.Generator) -> None:
    x, dy = batch(rng)
    w = dense.w.value
    dx = dense.forward(x)[1](dy)
    close(dx, [[sum(w[m, d] * dy[m, n] for m in range(M)) for n in range(N)] for d in range(D)])
    close(dx, jacobian(lambda x: (dy * dense.forward(x)[0]).sum(), x))


@equation("dw")
def test_dw(dense: nn.Dense, rng: np.random.Generator) -> None:
    x, dy = batch(rng)
    dense.forward(x)[1](dy)
    dw = [[sum(dy[m, n] * x[d, n] for n in range(N)) for d in range(D)] for m in range(M)]
    close(dense.w.grad, dw)
    close(dw, jacobian(lambda w: (dy * (w @ x)).sum(), dense.w.value))


@equation("db")
def test_db(dense: nn.Dense, rng: np.random.Generator) -> None:
    x, dy = batch(rng)
    dense.forward(x)[1](dy)
    close(dense.b.grad, [sum(dy[m, n] for n in range(N)) for m in range(M)])
    close(dense.b.grad, jacobian(lambda b: (dy * b[:, None]).sum(), dense.b.value))


@equation("trace")
def test_the_trace(dense: nn.Dense, rng: np.random.Generator) -> None:
    x, dy = batch(rng)
    dense.forward(x)[1](dy)
    change = rng.standard_normal((M, D))
    close((dense.w.grad * change).sum(), np.trace(dy.T @ change @ x))
    close((dense.w.grad * change).sum(), (dy * (change @ x)).sum())
    close((dense.w.grad * change).sum(), np.trace(x @ dy.T @ change))


@equation("outer")
def test_one_outer_product_a_sample(rng: np.random.Generator) -> None:
    layer = nn.Dense(7, 6, rng=rng, dtype=np.float64)
    for size in (1, 2, 9):
        x, dy = rng.standard_normal((7, size)), rng.standard_normal((6, size))
        layer.w.grad[...] = 0
        layer.forward(x)[1](dy)
        close(layer.w.grad, sum(np.outer(dy[:, n], x[:, n]) for n in range(size)))
        assert np.linalg.matrix_rank(layer.w.grad) == min(size, 7, 6)


class Counted(float):
    """A number that counts the products it takes part in."""

    products = 0

    def __mul__(self, other: float) -> float:
        Counted.products += 1
        return float(self) * other


@equation("flops")
def test_multiplications(dense: nn.Dense, rng: np.random.Generator) -> None:
    """The layer's three products, once more with numbers that count."""
    x, dy = batch(rng)
    y, backward = dense.forward(x)
    dx = backward(dy)
    counted = np.vectorize(Counted, otypes=[object])
    w = dense.w.value
    Counted.products = 0
    close((counted(w) @ x).astype(float) + dense.b.value[:, None], y)
    assert Counted.products == D * M * N
    Counted.products = 0
    close((counted(w.T) @ dy).astype(float), dx)
    close((counted(dy) @ x.T).astype(float), dense.w.grad)
    assert Counted.products == 2 * D * M * N


@equation("tied")
def test_a_tied_decoder(rng: np.random.Generator) -> None:
    encoder = nn.Dense(D, M, rng=rng, bias=False, dtype=np.float64)
    x, dy = rng.standard_normal((2, D, N))
    w = encoder.w.value
    _, backward = nn.Sequential(encoder, nn.TiedDense(encoder)).forward(x)
    backward(dy)
    close(encoder.w.grad, (w @ dy) @ x.T + (w @ x) @ dy.T)
    close(encoder.w.grad, jacobian(lambda w: (dy * (w.T @ w @ x)).sum(), w))
