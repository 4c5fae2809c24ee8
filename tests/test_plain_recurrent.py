"""The operations of sequences: kernels compute what their definitions say."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from images import DTYPES, JIT, assert_close
from operations import OF_SEQUENCES

from nnscratch.core import Array, IntArray, Parameter
from nnscratch.kernels import gru, lstm, lstm_backward, rnn, steps, tokens
from nnscratch.kernels.machine.helpers import CACHE_LINE, kernel_threads
from nnscratch.kernels.machine.processor import BYTES
from nnscratch.layers import GRU, LSTM, RNN

pytestmark = [pytest.mark.plain, pytest.mark.kernel]

STEPS = st.integers(1, 4)
FEATURES = st.one_of(st.integers(1, 5), st.integers(1, 30 if JIT else 14))
SAMPLES = st.one_of(st.integers(1, 5), st.integers(1, 5 * BYTES // 4 if JIT else 40))
"""From one sample to blocks of two panels, and a remainder."""

Both = tuple[Any, Any]


class Case:
    """Sizes, and numbers for them: weights of a size that lets states neither vanish nor grow."""

    def __init__(self, data: st.DataObject) -> None:
        self.T, self.H, self.D = data.draw(STEPS), data.draw(FEATURES), data.draw(FEATURES)
        self.N, self.dtype = data.draw(SAMPLES), data.draw(DTYPES)
        self.rng = np.random.default_rng(data.draw(st.integers(0, 99)))
        self.data = data

    def normal(self, *shape: int) -> Array:
        return self.rng.standard_normal(shape).astype(self.dtype)

    def weight(self, rows: int, columns: int) -> Array:
        """In one of the layouts that layers have: a parameter, or its transpose."""
        w = self.normal(rows, columns) / np.sqrt(columns).astype(self.dtype)
        return np.asfortranarray(w) if self.data.draw(st.booleans()) else w

    def lengths(self) -> IntArray | None:
        some = self.data.draw(st.booleans())
        return self.rng.integers(0, self.T + 1, self.N) if some else None

    def bias(self, rows: int) -> Array | None:
        shape = self.data.draw(st.sampled_from([None, (rows,), (rows, self.N)]))
        return None if shape is None else self.normal(*shape)

    def tokens(self) -> IntArray:
        return self.rng.integers(0, self.D, (self.T, self.N))


def both(name: str, case: Case, *args: Any) -> Both:
    """What the definition returns, and what the fast operation does on some threads."""
    operation = OF_SEQUENCES[name]

    def run(function: Callable[..., Any]) -> Any:
        copies = (a.copy("K") if isinstance(a, np.ndarray) else a for a in args)
        return function(*copies)

    want = run(operation.definition)
    with kernel_threads(case.data.draw(st.integers(1, 2))):
        return want, run(operation.fast())


def same(case: Case, want: Any, got: Any) -> None:
    for w, g in zip(want, got, strict=True):
        assert g.shape == w.shape
        assert_close(g, w, case.dtype)


def close(case: Case, got: Array, want: Array, bound: Array, terms: int) -> None:
    """Equal up to the roundings of sums of so many terms, whose sizes add up to `bound`."""
    assert (got.dtype, got.shape) == (case.dtype, want.shape)
    u = float(np.finfo(case.dtype).eps) / 2
    assert (np.abs(got - want) <= 2 * (terms + 3) * u * bound).all()


def check_matmul_steps(case: Case) -> None:
    w, x = case.weight(case.H, case.D), case.normal(case.T, case.D, case.N)
    bias = case.bias(case.H)
    want, got = both("matmul_steps", case, w, x, bias)
    of_bias = 0 if bias is None else np.abs(bias).reshape(case.H, -1)
    close(case, got, want, np.abs(w) @ np.abs(x) + of_bias, case.D)


def check_gather_steps(case: Case) -> None:
    want, got = both(
        "gather_steps", case, case.weight(case.H, case.D), case.tokens(), case.bias(case.H)
    )
    np.testing.assert_array_equal(got, want)
    assert got.dtype == case.dtype


def added(name: str, case: Case, dy: Array, of_x: Array, sizes: Array) -> None:
    """What is added to gradients that are not 0; `sizes` are those of a sum's terms, added up."""
    before, sums_before = case.normal(case.H, case.D), case.normal(case.H)
    ask, results = case.data.draw(st.booleans()), []
    for run in (OF_SEQUENCES[name].definition, OF_SEQUENCES[name].fast()):
        p, sums = Parameter(np.zeros_like(before)), Parameter(np.zeros_like(sums_before))
        p.grad[...], sums.grad[...] = before, sums_before
        with kernel_threads(case.data.draw(st.integers(1, 2))):
            run(p, dy, of_x, *((sums,) if ask else ()))
        results.append((p.grad, sums.grad))
    (want, want_sums), (got, got_sums) = results
    terms = case.T * case.N
    close(case, got, want, sizes + np.abs(before), terms)
    of_rows = np.abs(dy).sum(axis=(0, 2)) + np.abs(sums_before)
    close(case, got_sums, want_sums, of_rows, terms)
    assert ask or np.array_equal(got_sums, sums_before)


def check_add_matmul_steps(case: Case) -> None:
    dy, x = case.normal(case.T, case.H, case.N), case.normal(case.T, case.D, case.N)
    added("add_matmul_steps", case, dy, x, np.einsum("tmn,tdn->md", np.abs(dy), np.abs(x)))


def check_add_gather_steps(case: Case) -> None:
    dy, tokens = case.normal(case.T, case.H, case.N), case.tokens()
    sizes = np.zeros((case.H, case.D))
    np.add.at(sizes.T, tokens, np.abs(dy).swapaxes(1, 2))
    added("add_gather_steps", case, dy, tokens, sizes)


def forward(case: Case, gates: int) -> tuple[Array, Array, list[Array], IntArray | None]:
    """a, u, two first states, and lengths."""
    states = list(case.normal(2, case.H, case.N))
    a, u = case.normal(case.T, gates * case.H, case.N), case.weight(gates * case.H, case.H)
    return a, u, states, case.lengths()


def check_rnn(case: Case) -> None:
    (a, u, (h0, _), lengths), phi = forward(case, 1), case.data.draw(NONLINEARITIES)
    want, got = both("rnn", case, a, u, h0, lengths, phi)
    same(case, [want], [got])


def check_rnn_backward(case: Case) -> None:
    """The first path's h goes to both: a rectifier's slope jumps."""
    (a, u, (h0, dh), lengths), phi = forward(case, 1), case.data.draw(NONLINEARITIES)
    h, dy = OF_SEQUENCES["rnn"].definition(a, u, h0, lengths, phi), np.sin(a)
    same(case, *both("rnn_backward", case, dy, dh, u, h, lengths, phi))


def check_lstm(case: Case) -> None:
    a, u, (h0, c0), lengths = forward(case, 4)
    same(case, *both("lstm", case, a, u, h0, c0, lengths))


def check_lstm_backward(case: Case) -> None:
    a, u, (h0, c0), lengths = forward(case, 4)
    h, c, gates = OF_SEQUENCES["lstm"].definition(a, u, h0, c0, lengths)
    dy, (dh, dc) = case.normal(*h[1:].shape), case.normal(2, *h0.shape)
    same(case, *both("lstm_backward", case, dy, dh, dc, u, h, c, gates, lengths))


def check_gru(case: Case) -> None:
    a, u, (h0, _), lengths = forward(case, 3)
    bias = case.normal(3 * case.H) if case.data.draw(st.booleans()) else None
    same(case, *both("gru", case, a, u, bias, h0, lengths))


def check_gru_backward(case: Case) -> None:
    a, u, (h0, dh), lengths = forward(case, 3)
    h, gates, un = OF_SEQUENCES["gru"].definition(a, u, case.normal(3 * case.H), h0, lengths)
    dy = case.normal(*un.shape)
    same(case, *both("gru_backward", case, dy, dh, u, h, gates, un, lengths))


NONLINEARITIES = st.sampled_from(["tanh", "relu"])
CHECKS: dict[str, Callable[[Case], None]] = {
    name.removeprefix("check_"): check
    for name, check in list(globals().items())
    if name.startswith("check_")
}


def test_every_operation_is_checked() -> None:
    assert CHECKS.keys() == OF_SEQUENCES.keys()


@pytest.mark.parametrize("name", CHECKS)
@settings(max_examples=25 if JIT else 12)
@given(data=st.data())
def test_plain_is_fast(name: str, data: st.DataObject) -> None:
    """A product also multiplies what lies beside the last column, which NumPy may warn of."""
    with nullcontext() if JIT else np.errstate(all="ignore"):
        CHECKS[name](Case(data))


# Threads


@pytest.mark.fast("kernels do not run there")
def test_what_threads_write_side_by_side_begins_where_a_cache_line_does() -> None:
    """Several of each, kept until the end, for one of NumPy's arrays may do so by chance."""
    rng, (T, H, N) = np.random.default_rng(0), (2, 3, 5)
    x, u, h0 = (rng.standard_normal(shape) for shape in ((T, H, N), (4 * H, H), (H, N)))
    written: list[Array] = []
    for _ in range(8):
        a = steps.matmul_steps(u, x)
        h, c, gates = lstm.lstm(a, u, h0, h0, None)
        da, _, _ = lstm_backward.lstm_backward(x, h0, h0, u, h, c, gates, None)
        written += [a, h, da, tokens.gather_steps(u, np.zeros((T, N), np.int64))]
        written += [a := steps.matmul_steps(u[: 3 * H], x)]
        h, un, gates = gru.gru(a, u[: 3 * H], None, h0, None)
        written += [h, un, rnn.rnn(x, u[:H], h0, None, "tanh")]
    assert [a.ctypes.data % CACHE_LINE for a in written] == [0] * len(written)


@pytest.mark.skipif(not JIT, reason="interpreted kernels run alone")
@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
def test_the_same_bits_on_any_number_of_threads(kind: Any, dtype: Any, threads: int) -> None:
    """Of y and of all gradients: blocks of other widths, other strips, and other hands."""
    rng = np.random.default_rng(0)
    layer = kind(20, 30, rng=rng, dtype=dtype)
    x, dy = rng.standard_normal((6, 20, 150)), rng.standard_normal((6, 30, 150))
    x, dy = x.astype(dtype), dy.astype(dtype)
    lengths = rng.integers(0, 7, 150)

    def all_numbers(of_x: Any) -> list[Array]:
        for p in layer.parameters().values():
            p.grad[...] = 0
        (y, _), backward = layer.run(of_x, None, lengths)
        dx, _, _ = backward(dy)
        grads = [p.grad.copy() for p in layer.parameters().values()]
        return [y, *grads] if dx is None else [y, dx, *grads]

    for of_x in (x, rng.integers(0, 20, (6, 150))):
        alone = all_numbers(of_x)
        with kernel_threads(threads):
            for _ in range(5):
                for got, want in zip(all_numbers(of_x), alone, strict=True):
                    np.testing.assert_array_equal(got, want)
