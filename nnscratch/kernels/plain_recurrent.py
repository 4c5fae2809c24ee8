"""The operations of sequences in NumPy: products over all steps, and the loops over time.

A sequence is (T, D, N): T steps of D features of N samples. A recurrent layer takes the product of
its input with W for all steps at once, a_t = W x_t + b, and only what depends on the state of the
step before is left to the loop. The same holds for the way back: the loop returns da_t = ∂L/∂a_t,
and the gradients of the weights are one product over all steps.

Where `lengths` (N,) is given, the first lengths[n] steps of sample n are valid. After them its
state stays as it is, what the loop keeps of those steps is 0, and so is their da.
"""

import numpy as np

from ..core import Array, IntArray, Parameter
from .paths import accelerated
from .plain import sigmoid

# Products over all steps


@accelerated("steps")
def matmul_steps(w: Array, x: Array, bias: Array | None = None) -> Array:
    """Return y_t = w x_t, or w x_t + bias 1ᵀ, for all steps t.

    w  (M, D)        x  (T, D, N)        y  (T, M, N)
    bias  (M,), or (M, N) if each sample has its own
    """
    y: Array = w @ x
    return y if bias is None else y + bias.reshape(len(bias), -1)


@accelerated("steps", array=1)
def add_matmul_steps(p: Parameter, dy: Array, x: Array, sums: Parameter | None = None) -> None:
    """p.grad += Σ_t dy_t x_tᵀ and, where it is asked for, sums.grad += Σ_tn dy_tmn.

    dy  (T, M, N)        x  (T, D, N)        p  (M, D)        sums  (M,)
    """
    p.grad += np.einsum("tmn,tdn->md", dy, x, optimize=True)
    if sums is not None:
        sums.grad += dy.sum(axis=(0, 2))


@accelerated("tokens")
def gather_steps(w: Array, tokens: IntArray, bias: Array | None = None) -> Array:
    """Return y_tmn = w[m, tokens_tn] + bias_m: the product of w with one-hot columns.

    w  (M, D)        tokens  (T, N), from 0 to D - 1        y  (T, M, N)
    bias  (M,), or (M, N) if each sample has its own
    """
    y = np.ascontiguousarray(w.T[tokens].swapaxes(1, 2))
    return y if bias is None else y + bias.reshape(len(bias), -1)


@accelerated("tokens", array=1)
def add_gather_steps(
    p: Parameter, dy: Array, tokens: IntArray, sums: Parameter | None = None
) -> None:
    """p.grad[m, tokens_tn] += dy_tmn for all t and n; sums.grad += Σ_tn dy_tmn if it is asked for.

    dy  (T, M, N)        tokens  (T, N)        p  (M, D)        sums  (M,)
    """
    np.add.at(p.grad.T, tokens, dy.swapaxes(1, 2))
    if sums is not None:
        sums.grad += dy.sum(axis=(0, 2))


# The plain recurrent layer


@accelerated("rnn")
def rnn(a: Array, u: Array, h0: Array, lengths: IntArray | None, nonlinearity: str) -> Array:
    """Return h with h_0 = h0 and h_t = φ(a_t + u h_t-1), where φ is "tanh" or "relu".

    a  (T, H, N)        u  (H, H)        h0  (H, N)        h  (T + 1, H, N)
    """
    h = _from(h0, a)
    for t in range(len(a)):
        s = a[t] + u @ h[t]
        y = np.tanh(s) if nonlinearity == "tanh" else np.where(s.real < 0, 0, s)
        h[t + 1] = _kept(lengths, t, y, h[t])
    return h


@accelerated("rnn")
def rnn_backward(
    dy: Array, dh: Array, u: Array, h: Array, lengths: IntArray | None, nonlinearity: str
) -> tuple[Array, Array]:
    """Return da and dh0, from the gradients of all states and of the last one.

    dy  (T, H, N) of h[1:], 0 where not valid        dh  (H, N)        da  (T, H, N)
    """
    da = np.zeros_like(dy)
    for t in reversed(range(len(dy))):
        y = h[t + 1]
        slope = 1 - y * y if nonlinearity == "tanh" else y > 0
        da[t] = _kept(lengths, t, (dh + dy[t]) * slope, 0)
        dh = _kept(lengths, t, u.T @ da[t], dh)
    return da, dh


# LSTM


@accelerated("lstm")
def lstm(
    a: Array, u: Array, h0: Array, c0: Array, lengths: IntArray | None
) -> tuple[Array, Array, Array]:
    """Return the states h and c, of which the first are h0 and c0, and the gates i, f, g, o.

        i, f, o = σ(s_i), σ(s_f), σ(s_o) and g = tanh s_g,  with s = a_t + u h_t-1
        c_t = f c_t-1 + i g
        h_t = o tanh c_t

    a  (T, 4H, N)        u  (4H, H)        h0, c0  (H, N)
    h, c  (T + 1, H, N)                    gates   (T, 4H, N), in the memory of a
    """
    h, c, gates = _from(h0, a), _from(c0, a), a
    for t in range(len(a)):
        s = np.split(a[t] + u @ h[t], 4)
        i, f, o = sigmoid(s[0]), sigmoid(s[1]), sigmoid(s[3])
        g = np.tanh(s[2])
        gates[t] = _kept(lengths, t, np.concatenate([i, f, g, o]), 0)
        c[t + 1] = _kept(lengths, t, f * c[t] + i * g, c[t])
        h[t + 1] = _kept(lengths, t, o * np.tanh(c[t + 1]), h[t])
    return h, c, gates


@accelerated("lstm_backward")
def lstm_backward(
    dy: Array,
    dh: Array,
    dc: Array,
    u: Array,
    h: Array,
    c: Array,
    gates: Array,
    lengths: IntArray | None,
) -> tuple[Array, Array, Array]:
    """Return da, dh0 and dc0, from the gradients of all h and of the last h and c.

    dy  (T, H, N) of h[1:], 0 where not valid        dh, dc  (H, N)        da  (T, 4H, N)
    """
    da = np.zeros_like(gates)
    for t in reversed(range(len(dy))):
        i, f, g, o = np.split(gates[t], 4)
        y = np.tanh(c[t + 1])
        dh_t = dh + dy[t]  # h_t acts on the loss by itself and through the next step
        dc_t = dc + dh_t * o * (1 - y * y)  # and c_t through h_t and through the next step
        di, df, dg, do = dc_t * g, dc_t * c[t], dc_t * i, dh_t * y
        ds = [di * i * (1 - i), df * f * (1 - f), dg * (1 - g * g), do * o * (1 - o)]
        da[t] = _kept(lengths, t, np.concatenate(ds), 0)
        dh = _kept(lengths, t, u.T @ da[t], dh)
        dc = _kept(lengths, t, dc_t * f, dc)
    return da, dh, dc


# GRU


@accelerated("gru")
def gru(
    a: Array, u: Array, bias_hh: Array | None, h0: Array, lengths: IntArray | None
) -> tuple[Array, Array, Array]:
    """Return the states h, of which the first is h0, the gates r, z, n, and the n part of q.

        q = u h_t-1 + bias_hh
        r, z = σ(a_r + q_r), σ(a_z + q_z)
        n = tanh(a_n + r q_n)
        h_t = (1 - z) n + z h_t-1

    a  (T, 3H, N)        u  (3H, H)        bias_hh  (3H,)        h0  (H, N)
    h  (T + 1, H, N)     gates  (T, 3H, N), in the memory of a   un = q_n  (T, H, N)
    """
    h, gates = _from(h0, a), a
    un = np.zeros_like(h[1:])
    for t in range(len(a)):
        q = u @ h[t] if bias_hh is None else u @ h[t] + bias_hh[:, None]
        (a_r, a_z, a_n), (q_r, q_z, q_n) = np.split(a[t], 3), np.split(q, 3)
        r, z = sigmoid(a_r + q_r), sigmoid(a_z + q_z)
        n = np.tanh(a_n + r * q_n)
        gates[t] = _kept(lengths, t, np.concatenate([r, z, n]), 0)
        un[t] = _kept(lengths, t, q_n, 0)
        h[t + 1] = _kept(lengths, t, (1 - z) * n + z * h[t], h[t])
    return h, gates, un


@accelerated("gru_backward")
def gru_backward(
    dy: Array,
    dh: Array,
    u: Array,
    h: Array,
    gates: Array,
    un: Array,
    lengths: IntArray | None,
) -> tuple[Array, Array, Array]:
    """Return da, dq and dh0, from the gradients of all states and of the last one.

    dy  (T, H, N) of h[1:], 0 where not valid        dh  (H, N)        da, dq  (T, 3H, N)
    """
    da, dq = np.zeros_like(gates), np.zeros_like(gates)
    for t in reversed(range(len(dy))):
        r, z, n = np.split(gates[t], 3)
        dh_t = dh + dy[t]  # h_t acts on the loss by itself and through the next step
        dn = dh_t * (1 - z) * (1 - n * n)
        dz = dh_t * (h[t] - n) * z * (1 - z)
        dr = dn * un[t] * r * (1 - r)
        da[t] = _kept(lengths, t, np.concatenate([dr, dz, dn]), 0)
        dq[t] = _kept(lengths, t, np.concatenate([dr, dz, dn * r]), 0)
        dh = _kept(lengths, t, u.T @ dq[t] + dh_t * z, dh)
    return da, dq, dh


def _from(first: Array, a: Array) -> Array:
    """Return an array for the states of all steps, in which the first stands already."""
    states: Array = np.zeros((len(a) + 1, *first.shape), a.dtype)
    states[0] = first
    return states


def _kept(lengths: IntArray | None, t: int, new: Array, old: Array | int) -> Array:
    """Return what is new for the samples of which step t is valid, what is old for the others."""
    return new if lengths is None else np.where(t < lengths, new, old)
