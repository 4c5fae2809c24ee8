"""The equations of docs/lstm.md: both layers against the formulas of the page and differences."""

from typing import Any

import numpy as np

import nnscratch as nn
from book.ids import equation
from book.numerics import close, jacobian
from nnscratch.core import Array
from nnscratch.kernels.plain_recurrent import gru, gru_backward, lstm, lstm_backward

T, D, H, N = 3, 2, 4, 3


def sigmoid(a: Array) -> Array:
    return 1 / (1 + np.exp(-a))


class Call:
    """A layer with random parameters and first states: what the page calls s, h, c, and so on."""

    def __init__(self, kind: Any, rng: np.random.Generator) -> None:
        self.layer = kind(D, H, rng=rng, dtype=np.float64)
        self.theta = self.layer.parameters()
        for p in self.theta.values():
            p.value[...] = rng.standard_normal(p.value.shape)
        self.W, self.U, self.b_ih, self.b_hh = (p.value for p in self.theta.values())
        self.x = rng.standard_normal((T, D, N))
        self.first = rng.standard_normal((2, H, N))
        self.dy, self.dlast = rng.standard_normal((T, H, N)), rng.standard_normal((2, H, N))

    def split(self, s: Array) -> list[Array]:
        return [s[k : k + H] for k in range(0, len(s), H)]


def lstm_states(call: Call) -> tuple[list[Array], list[Array], list[list[Array]]]:
    """Return h_0 …, c_0 … and the gates of each step, by the library's loop over time."""
    a = np.stack([call.W @ x + (call.b_ih + call.b_hh)[:, None] for x in call.x])
    h, c, gates = lstm(a, call.U, *call.first, None)
    return list(h), list(c), [call.split(g) for g in gates]


@equation("gates")
def test_gates(rng: np.random.Generator) -> None:
    call = Call(nn.LSTM, rng)
    h, _, gates = lstm_states(call)
    for t in range(T):
        s = call.W @ call.x[t] + call.b_ih[:, None] + call.U @ h[t] + call.b_hh[:, None]
        si, sf, sg, so = call.split(s)
        for got, want in zip(
            gates[t], (sigmoid(si), sigmoid(sf), np.tanh(sg), sigmoid(so)), strict=True
        ):
            close(got, want)


@equation("states")
def test_states(rng: np.random.Generator) -> None:
    call = Call(nn.LSTM, rng)
    _, c, gates = lstm_states(call)
    (y, final), _ = call.layer.run(call.x, tuple(call.first[:, None]))
    for t, (i, f, g, o) in enumerate(gates):
        close(c[t + 1], f * c[t] + i * g)
        close(y[t], o * np.tanh(c[t + 1]))
    close(final[1][0], c[T])


def lstm_way_back(call: Call) -> tuple[list[Array], list[Array], list[Array]]:
    """Return dh_1 …, dc_1 … and ds_1 …, by the formulas of the page."""
    _, c, gates = lstm_states(call)
    dh, dc, ds = [call.dlast[0]] * T, [call.dlast[1]] * T, [np.zeros((4 * H, N))] * T
    for t in reversed(range(T)):
        i, f, g, o = gates[t]
        tanh = np.tanh(c[t + 1])
        if t < T - 1:
            dh[t], dc[t] = call.U.T @ ds[t + 1], gates[t + 1][1] * dc[t + 1]
        dh[t] = dh[t] + call.dy[t]
        dc[t] = dc[t] + dh[t] * o * (1 - tanh**2)
        ds[t] = np.concatenate(
            [
                dc[t] * g * i * (1 - i),
                dc[t] * c[t] * f * (1 - f),
                dc[t] * i * (1 - g**2),
                dh[t] * tanh * o * (1 - o),
            ]
        )
    return dh, dc, ds


@equation("states-back")
def test_gradients_of_the_states(rng: np.random.Generator) -> None:
    """dh_t and dc_t by differences: what the rest of the sequence makes of the states at t."""
    call = Call(nn.LSTM, rng)
    h, c, _ = lstm_states(call)
    dh, dc, _ = lstm_way_back(call)
    for t in (0, 1):

        def loss(state: Array, t: int = t) -> float:
            """What is seen of the states after step t + 1: y_t itself, and all that follows."""
            (y, final), _ = call.layer.run(call.x[t + 1 :], tuple(state[:, None]))
            last = (call.dlast[0] * final[0][0] + call.dlast[1] * final[1][0]).sum()
            return float((call.dy[t] * state[0]).sum() + (call.dy[t + 1 :] * y).sum() + last)

        found = jacobian(loss, np.stack([h[t + 1], c[t + 1]]))
        through_h = found[0] * _o(call, t) * (1 - np.tanh(c[t + 1]) ** 2)
        close(found[0], dh[t], 1e-8)
        close(found[1] + through_h, dc[t], 1e-8)


def _o(call: Call, t: int) -> Array:
    return lstm_states(call)[2][t][3]


@equation("gates-back")
def test_gradients_of_the_gates(rng: np.random.Generator) -> None:
    call = Call(nn.LSTM, rng)
    a = np.stack([call.W @ x + (call.b_ih + call.b_hh)[:, None] for x in call.x])
    kept = lstm(a, call.U, *call.first, None)
    da, _, _ = lstm_backward(call.dy, *call.dlast, call.U, *kept, None)
    close(da, np.stack(lstm_way_back(call)[2]))


@equation("first-states")
def test_gradients_of_the_first_states(rng: np.random.Generator) -> None:
    call = Call(nn.LSTM, rng)
    _, backward = call.layer.run(call.x, tuple(call.first[:, None]))
    _, (dh0, dc0), _ = backward(call.dy, tuple(call.dlast[:, None]))
    _, dc, ds = lstm_way_back(call)
    close(dh0[0], call.U.T @ ds[0])
    close(dc0[0], lstm_states(call)[2][0][1] * dc[0])


@equation("carousel")
def test_carousel(rng: np.random.Generator) -> None:
    """With U = 0 the gates are given numbers: they do not depend on the states."""
    call = Call(nn.LSTM, rng)
    call.U[...] = 0
    gates = lstm_states(call)[2]

    def last(c0: Array) -> Any:
        state = call.first[0][None], c0[None]
        return call.layer.run(call.x, state)[0][1][1][0]

    product = np.prod([f for _, f, _, _ in gates], axis=0)
    want = np.einsum("hn,hk,nm->hnkm", product, np.eye(H), np.eye(N))
    close(jacobian(last, call.first[1]), want)


def gru_parts(call: Call, h: list[Array], t: int) -> tuple[list[Array], Array]:
    """Return r, z, n and q_n, from the formulas of the page."""
    a_r, a_z, a_n = call.split(call.W @ call.x[t] + call.b_ih[:, None])
    q_r, q_z, q_n = call.split(call.U @ h[t] + call.b_hh[:, None])
    r, z = sigmoid(a_r + q_r), sigmoid(a_z + q_z)
    return [r, z, np.tanh(a_n + r * q_n)], q_n


def gru_states(call: Call) -> list[Array]:
    (y, _), _ = call.layer.run(call.x, call.first[:1])
    return [call.first[0], *y]


@equation("gru")
def test_gru(rng: np.random.Generator) -> None:
    call = Call(nn.GRU, rng)
    h = gru_states(call)
    for t in range(T):
        (_, z, n), _ = gru_parts(call, h, t)
        close(h[t + 1], (1 - z) * n + z * h[t])


def gru_way_back(call: Call) -> tuple[list[Array], list[Array], list[Array]]:
    """Return the gradients of the states h_0 …, da_1 … and dq_1 …, by the formulas of the page."""
    h, dh = gru_states(call), [np.zeros((H, N))] * T + [call.dlast[0] + call.dy[-1]]
    da, dq = [np.zeros((3 * H, N))] * T, [np.zeros((3 * H, N))] * T
    for t in reversed(range(T)):
        (r, z, n), q_n = gru_parts(call, h, t)
        da_n = dh[t + 1] * (1 - z) * (1 - n**2)
        da_z = dh[t + 1] * (h[t] - n) * z * (1 - z)
        da_r = da_n * q_n * r * (1 - r)
        da[t], dq[t] = np.concatenate([da_r, da_z, da_n]), np.concatenate([da_r, da_z, r * da_n])
        dh[t] = call.U.T @ dq[t] + z * dh[t + 1] + (call.dy[t - 1] if t else 0)
    return dh, da, dq


@equation("gru-states-back")
def test_gradients_of_the_states_of_a_gru(rng: np.random.Generator) -> None:
    call = Call(nn.GRU, rng)
    h, dh = gru_states(call), gru_way_back(call)[0]
    for t in range(T):

        def loss(state: Array, t: int = t) -> float:
            (y, final), _ = call.layer.run(call.x[t:], state[None])
            seen = (call.dy[t - 1] * state).sum() if t else 0.0
            return float(seen + (call.dy[t:] * y).sum() + (call.dlast[0] * final[0]).sum())

        close(jacobian(loss, h[t]), dh[t], 1e-8)


@equation("gru-gates-back")
def test_gradients_of_the_gates_of_a_gru(rng: np.random.Generator) -> None:
    call = Call(nn.GRU, rng)
    a = np.stack([call.W @ x + call.b_ih[:, None] for x in call.x])
    kept = gru(a, call.U, call.b_hh, call.first[0], None)
    da, dq, _ = gru_backward(call.dy, call.dlast[0], call.U, *kept, None)
    _, want_a, want_q = gru_way_back(call)
    close(da, np.stack(want_a))
    close(dq, np.stack(want_q))


@equation("two-biases")
def test_two_biases(rng: np.random.Generator) -> None:
    call = Call(nn.GRU, rng)
    _, backward = call.layer.run(call.x, call.first[:1])
    backward(call.dy, call.dlast[:1])
    h, (_, da, _) = gru_states(call), gru_way_back(call)
    da_n = [d[2 * H :] for d in da]
    r = [gru_parts(call, h, t)[0][0] for t in range(T)]
    close(call.theta["bias_ih_l0"].grad[2 * H :], sum(d @ np.ones(N) for d in da_n))
    want = sum((r[t] * da_n[t]) @ np.ones(N) for t in range(T))
    close(call.theta["bias_hh_l0"].grad[2 * H :], want)
