"""The equations of docs/backpropagation_through_time.md: the layer and products of Jacobians."""

from typing import Any

import numpy as np
import pytest

import nnscratch as nn
from book.ids import equation
from book.numerics import close, jacobian
from nnscratch.core import Array, Parameter
from nnscratch.kernels.plain_recurrent import add_matmul_steps

T, D, H, N = 4, 3, 2, 5


class Run:
    """One call of a layer with random parameters and first states, and its way back."""

    def __init__(self, rng: np.random.Generator, nonlinearity: str = "tanh") -> None:
        self.layer = nn.RNN(D, H, nonlinearity=nonlinearity, rng=rng, dtype=np.float64)
        self.theta = self.layer.parameters()
        for p in self.theta.values():
            p.value[...] = rng.standard_normal(p.value.shape)
        self.W, self.U = self.theta["weight_ih_l0"].value, self.theta["weight_hh_l0"].value
        self.b = self.theta["bias_ih_l0"].value + self.theta["bias_hh_l0"].value
        self.x, self.h0 = rng.standard_normal((T, D, N)), rng.standard_normal((H, N))
        (self.y, _), self.backward = self.layer.run(self.x, self.h0[None])
        self.h = [self.h0, *self.y]
        self.slope = [1 - y * y if nonlinearity == "tanh" else (y > 0) * 1.0 for y in self.y]

    def back(self, dy: Array, dlast: Array) -> list[Array]:
        """Return ds_1 … ds_T, by the recursion as it stands on the page."""
        ds: list[Array] = [np.zeros((H, N))] * T
        later = dlast
        for t in reversed(range(T)):
            ds[t] = self.slope[t] * (dy[t] + later)
            later = self.U.T @ ds[t]
        return ds


@pytest.fixture(params=["tanh", "relu"])
def run(request: pytest.FixtureRequest, rng: np.random.Generator) -> Run:
    return Run(rng, request.param)


@equation("forward")
def test_forward(run: Run) -> None:
    for t in range(T):
        s = run.W @ run.x[t] + run.b[:, None] + run.U @ run.h[t]
        phi = np.tanh(s) if run.layer.cells[0].nonlinearity == "tanh" else np.maximum(s, 0)  # type: ignore[attr-defined]
        close(run.y[t], phi)


@equation("way-back")
def test_way_back(run: Run, rng: np.random.Generator) -> None:
    dy, dlast = rng.standard_normal((T, H, N)), rng.standard_normal((H, N))
    dx, dh0, _ = run.backward(dy, dlast[None])
    ds = run.back(dy, dlast)
    for t in range(T):
        close(dx[t], run.W.T @ ds[t])
    close(dh0[0], run.U.T @ ds[0])


@equation("sums")
def test_sums(run: Run, rng: np.random.Generator) -> None:
    dy = rng.standard_normal((T, H, N))
    run.backward(dy)
    ds = run.back(dy, np.zeros((H, N)))
    close(run.theta["weight_ih_l0"].grad, sum(ds[t] @ run.x[t].T for t in range(T)))
    close(run.theta["weight_hh_l0"].grad, sum(ds[t] @ run.h[t].T for t in range(T)))
    for name in ("bias_ih_l0", "bias_hh_l0"):
        close(run.theta[name].grad, sum(d @ np.ones(N) for d in ds))


@equation("one-product")
def test_one_product(rng: np.random.Generator) -> None:
    ds, x = rng.standard_normal((T, H, N)), rng.standard_normal((T, D, N))
    p = Parameter(np.zeros((H, D)))
    add_matmul_steps(p, ds, x)
    close(p.grad, np.hstack(list(ds)) @ np.hstack(list(x)).T)


@equation("lengths")
def test_lengths(run: Run, rng: np.random.Generator) -> None:
    """dh is seen by the gradient of the first state of a sample without a step, which is dh_T."""
    lengths = np.array([T, 2, 0, 1, 3])
    (_, final), backward = run.layer.run(run.x, run.h0[None], lengths)
    dlast = rng.standard_normal((1, H, N))
    dx, dh0, _ = backward(None, dlast)
    for n, length in enumerate(lengths):
        close(final[0, :, n], run.h[length][:, n])
        assert not dx[length:, :, n].any()
        end = np.zeros((T, H, N))
        if length:
            end[length - 1] = dlast[0]
            ds = run.back(end, np.zeros((H, N)))
            close(dh0[0, :, n], run.U.T @ ds[0][:, n])
    close(dh0[0, :, 2], dlast[0, :, 2])


def jacobians(run: Run, n: int) -> Array:
    """Return ∂h_T/∂h_0 of a sample: the product as it stands on the page."""
    product = np.eye(H)
    for t in reversed(range(T)):
        product = product @ np.diag(run.slope[t][:, n]) @ run.U
    return product


@equation("jacobian")
def test_jacobian(rng: np.random.Generator) -> None:
    run = Run(rng)

    def last(h0: Array) -> Any:
        return run.layer.run(run.x[:, :, :1], h0[None, :, None])[0][1][0, :, 0]

    close(jacobian(last, run.h0[:, 0]), jacobians(run, 0))


@equation("first-input")
def test_first_input(run: Run, rng: np.random.Generator) -> None:
    dy = np.zeros((T, H, N))
    dy[-1] = rng.standard_normal((H, N))
    dx, _, _ = run.backward(dy)
    for n in range(N):
        later = np.eye(H)  # ∂h_T/∂h_1
        for t in reversed(range(1, T)):
            later = later @ np.diag(run.slope[t][:, n]) @ run.U
        close(dx[0, :, n], run.W.T @ np.diag(run.slope[0][:, n]) @ later.T @ dy[-1, :, n])


@equation("bound")
def test_bound(rng: np.random.Generator) -> None:
    """Of 200 samples with weights of several sizes; the gradient is from the layer."""
    for scale in (0.3, 1.0, 2.0):
        run = Run(rng)
        run.U[...] *= scale
        (run.y, _), run.backward = run.layer.run(run.x, run.h0[None])
        run.slope = [1 - y * y for y in run.y]
        columns = []
        for j in range(H):
            dlast = np.zeros((1, H, N))
            dlast[0, j] = 1
            columns.append(run.backward(None, dlast)[1][0])
        size = np.linalg.norm(run.U, 2)
        for n in range(N):
            norm = np.linalg.norm(np.stack(columns)[:, :, n], 2)
            by_slopes = np.prod([size * slope[:, n].max() for slope in run.slope])
            assert norm <= by_slopes * (1 + 1e-12)
            assert by_slopes <= size**T * (1 + 1e-12)
