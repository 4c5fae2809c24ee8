"""RNN, LSTM and GRU: gradients, formulas, lengths, directions, cells, and refusals."""

from typing import Any

import numpy as np
import pytest
from checks import recurrent as checks
from checks.recurrent import KINDS, Flat, new
from hypothesis import given, settings
from hypothesis import strategies as st

from nnscratch import layers
from nnscratch.core import Array
from nnscratch.gradcheck import gradcheck
from nnscratch.layers.initializers import orthogonal
from nnscratch.layers.recurrent import backwards
from nnscratch.layers.summary import summary

pytestmark = pytest.mark.plain

EACH = pytest.mark.parametrize("kind", KINDS)


@EACH
@settings(max_examples=6)
@given(data=st.data())
def test_gradient(kind: str, data: st.DataObject) -> None:
    """Of x, h0, c0, the constant and all parameters, with each option, by two ways."""
    D, H, T, N, C = (data.draw(st.integers(1, 3)) for _ in range(5))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    options = {
        "layers": data.draw(st.integers(1, 2)),
        **{o: data.draw(st.booleans()) for o in ("bidirectional", "bias", "return_sequences")},
    }
    layer = new(kind, rng, D + C, H, **options)
    lengths = rng.integers(0, T + 1, N) if data.draw(st.booleans()) else None
    states = [(len(layer.cells), H, N)] * len(layer.cells[0].names)
    report = gradcheck(Flat(layer, lengths), (T, D, N), *states, (C, N), rng=rng)
    report.raise_if_failed()
    assert {row.method for row in report.rows} == {"central", "complex"}


def test_gradient_of_relu() -> None:
    checks.check_relu_gradient(layers)


@EACH
def test_agrees_with_loops_over_units(kind: str) -> None:
    checks.check_formula(layers, kind)


@EACH
def test_what_lies_beyond_the_end_has_no_influence(kind: str) -> None:
    checks.check_lengths(layers, kind)


@EACH
def test_tokens_are_one_hot_columns(kind: str) -> None:
    checks.check_tokens(layers, kind)


@EACH
def test_backward_is_the_adjoint_of_the_whole_sequence(kind: str, rng: Any) -> None:
    """⟨J v, dy⟩ = ⟨v, Jᵀ dy⟩ over 40 steps; J v by one complex step in the direction v."""
    layer = new(kind, rng, 3, 4, layers=2, bidirectional=True)
    x, v = rng.standard_normal((2, 40, 3, 5))
    y, backward = layer.forward(x)
    dy = rng.standard_normal(y.shape)
    dx = backward(dy)
    values = {k: p.value for k, p in layer.parameters().items()}
    for p in layer.parameters().values():
        p.value = p.value.astype(complex)
    jv = layer.forward(x + 1e-30j * v)[0].imag / 1e-30
    for k, p in layer.parameters().items():
        p.value = values[k]
    error = abs(np.vdot(jv, dy) - np.vdot(v, dx))
    assert error <= 1e-12 * np.linalg.norm(jv) * np.linalg.norm(dy)


@EACH
def test_the_first_input_has_a_gradient_through_all_steps(kind: str, rng: Any) -> None:
    """Of the last output alone: the way back does not end after a step."""
    layer = getattr(layers, kind)(2, 8, rng=rng, dtype=np.float64)
    dy = np.zeros((12, 8, 3))
    dy[-1] = 1
    _, through = layer.run(rng.standard_normal((12, 2, 3)))
    dx, dinitial, _ = through(dy)
    assert (np.abs(dx).max(axis=(1, 2)) > 1e-12).all()
    for d in dinitial if isinstance(dinitial, tuple) else (dinitial,):
        assert np.abs(d).max() > 1e-12


# Cells


@EACH
def test_a_sequence_is_that_many_steps_of_the_cell(kind: str, rng: Any) -> None:
    """Forwards and on the way back, where the gradients of the state are carried by hand."""
    layer = new(kind, rng, 3, 4)
    [cell] = layer.cells
    x, dy = rng.standard_normal((5, 3, 2)), rng.standard_normal((5, 4, 2))
    states = tuple(rng.standard_normal((4, 2)) for _ in cell.names)
    pair = len(states) > 1
    (y, final), through = layer.run(x, tuple(s[None] for s in states) if pair else states[0][None])
    dx, dinitial, _ = through(dy)
    whole = [p.grad.copy() for p in layer.parameters().values()]
    for p in layer.parameters().values():
        p.grad[...] = 0

    steps, state = [], states
    for t in range(5):
        found, step = cell.forward(x[t], *state)
        state = found if pair else (found,)
        steps.append(step)
        np.testing.assert_allclose(state[0], y[t], rtol=1e-13)
    dstate = tuple(np.zeros((4, 2)) for _ in states)
    for t in reversed(range(5)):
        dstate = (dstate[0] + dy[t], *dstate[1:])
        dxt, *back = steps[t](dstate if pair else dstate[0])
        dstate = tuple(back)
        np.testing.assert_allclose(dxt, dx[t], rtol=1e-11, atol=1e-13)
    for a, b in zip(dinitial if pair else (dinitial,), dstate, strict=True):
        np.testing.assert_allclose(a[0], b, rtol=1e-11, atol=1e-13)
    for a, p in zip(whole, layer.parameters().values(), strict=True):
        np.testing.assert_allclose(a, p.grad, rtol=1e-11, atol=1e-13)
    assert (final[0] if pair else final).shape == (1, 4, 2)


@EACH
def test_a_cell_takes_tokens_and_a_constant(kind: str, rng: Any) -> None:
    """As the layer does: decoding goes on where a sequence has ended."""
    layer = new(kind, rng, 6, 4)
    [cell] = layer.cells
    tokens, z = rng.integers(0, 4, (3, 2)), rng.standard_normal((2, 2))
    (_, final), _ = layer.run(tokens[:2], constant=z)
    (_, want), through = layer.run(tokens[2:], final, constant=z)
    pair = isinstance(final, tuple)
    got, step = cell.forward(tokens[2], *(s[0] for s in (final if pair else (final,))), constant=z)
    for a, b in zip(got if pair else (got,), want if pair else (want,), strict=True):
        np.testing.assert_allclose(a, b[0], rtol=1e-13)
    d = rng.standard_normal((4, 2))
    dx, *_, dz = step((d, 0 * d) if pair else d)
    assert dx is None
    np.testing.assert_allclose(dz, through(d[None])[2], rtol=1e-12)


def test_the_gradient_of_c_comes_from_both_of_its_branches(rng: Any) -> None:
    """dc = f dc' + f dh' o (1 - tanh² c'): into the next step, and into h'. Each alone is less."""
    cell = new("LSTM", rng, 2, 3).cells[0]
    x, h, c, d = rng.standard_normal((2, 4)), *rng.standard_normal((3, 3, 4))
    _, step = cell.forward(x, h, c)
    zero = np.zeros_like(d)
    both, of_h, of_c = (step(pair)[2] for pair in ((d, d), (d, zero), (zero, d)))
    np.testing.assert_allclose(both, of_h + of_c, rtol=1e-12, atol=1e-15)
    assert min(np.abs(of_h).min(), np.abs(of_c).min()) > 1e-6


def test_the_hidden_bias_of_a_gru_is_not_redundant(rng: Any) -> None:
    """Its n part has another gradient than b_ih's, which it would not if it were added to it."""
    layer = new("GRU", rng, 2, 3)
    y, backward = layer.forward(rng.standard_normal((3, 2, 4)))
    backward(rng.standard_normal(y.shape))
    grads = {k: p.grad for k, p in layer.parameters().items()}
    np.testing.assert_allclose(grads["bias_ih_l0"][:6], grads["bias_hh_l0"][:6], rtol=1e-12)
    assert (np.abs(grads["bias_ih_l0"][6:] - grads["bias_hh_l0"][6:]) > 1e-3).all()


# Directions and layers


@EACH
def test_reversal_symmetry(kind: str, rng: Any) -> None:
    """If both directions have the same θ, the reversed input has the reversed output."""
    layer = new(kind, rng, 2, 3, bidirectional=True)
    forwards, reverse = layer.cells
    for name, p in forwards.parameters().items():
        reverse.parameters()[name].value[...] = p.value
    x, lengths = rng.standard_normal((5, 2, 4)), np.array([5, 2, 4, 1])
    (y, _), _ = layer.run(x, lengths=lengths)
    (turned, _), _ = layer.run(backwards(x, lengths), lengths=lengths)
    swapped = np.concatenate([turned[:, 3:], turned[:, :3]], axis=1)
    np.testing.assert_allclose(backwards(swapped, lengths), y, rtol=1e-12)


@given(T=st.integers(1, 5), N=st.integers(1, 4), data=st.data())
def test_reversal_is_its_own_inverse_and_adjoint(T: int, N: int, data: st.DataObject) -> None:
    lengths = np.array(data.draw(st.lists(st.integers(0, T), min_size=N, max_size=N)))
    x, y = np.random.default_rng(0).standard_normal((2, T, 2, N))
    np.testing.assert_array_equal(backwards(backwards(x, lengths), lengths), x)
    np.testing.assert_allclose(
        np.vdot(backwards(x, lengths), y), np.vdot(x, backwards(y, lengths)), rtol=1e-12
    )
    full = np.full(N, T)
    np.testing.assert_array_equal(backwards(x, full), backwards(x, None))


@EACH
def test_a_second_layer_reads_the_first(kind: str, rng: Any) -> None:
    deep = new(kind, rng, 2, 3, layers=2)
    first, second = (getattr(layers, kind)(D, 3, rng=rng, dtype=np.float64) for D in (2, 3))
    for k, one in enumerate((first, second)):
        for name, p in one.parameters().items():
            p.value[...] = deep.parameters()[name.replace("l0", f"l{k}")].value
    x = rng.standard_normal((4, 2, 3))
    y, _ = deep.forward(x)
    np.testing.assert_array_equal(y, second.forward(first.forward(x)[0])[0])


@EACH
@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_last_state_is_that_of_each_direction(kind: str, bidirectional: bool, rng: Any) -> None:
    """Backwards, the last step is the first of the sequence."""
    layer = new(kind, rng, 2, 3, layers=2, bidirectional=bidirectional)
    x = rng.standard_normal((4, 2, 3))
    (y, final), _ = layer.run(x)
    h = final[0] if isinstance(final, tuple) else final
    layer.return_sequences = False
    last, _ = layer.forward(x)
    np.testing.assert_array_equal(last[:3], y[-1, :3])
    np.testing.assert_array_equal(last, np.concatenate(list(h[-layer.directions :])))
    if bidirectional:
        np.testing.assert_array_equal(last[3:], y[0, 3:])
    assert layer.output_shape((4, 2)) == last.shape[:-1]


# How it starts


@EACH
def test_starts_as_pytorch_does(kind: str, rng: Any) -> None:
    """From U(-1/√H, 1/√H), weights and biases alike, whatever the number of inputs."""
    layer = getattr(layers, kind)(50, 16, rng=rng)
    for name, p in layer.parameters().items():
        assert 0.1 < np.abs(p.value).max() <= 0.25
        if name.startswith("weight"):
            assert np.abs(p.value).max() > 0.24
            assert p.value.var() == pytest.approx(0.25**2 / 3, rel=0.2)


@EACH
def test_each_gate_has_an_orthogonal_matrix(kind: str, rng: Any) -> None:
    layer = getattr(layers, kind)(3, 6, rng=rng, recurrent_init=orthogonal, dtype=np.float64)
    u = layer.parameters()["weight_hh_l0"].value
    for gate in u.reshape(-1, 6, 6):
        np.testing.assert_allclose(gate @ gate.T, np.eye(6), atol=1e-13)


def test_the_forget_bias(rng: Any) -> None:
    """b_ih + b_hh of the forget gates is what was asked for, of no other gate."""
    theta = layers.LSTM(3, 4, forget_bias=1, layers=2, rng=rng).parameters()
    for k in (0, 1):
        total = theta[f"bias_ih_l{k}"].value + theta[f"bias_hh_l{k}"].value
        np.testing.assert_array_equal(total[4:8], np.ones(4))
        assert (np.delete(total, range(4, 8)) != 1).all()


@EACH
def test_names_are_those_of_pytorch(kind: str, rng: Any) -> None:
    names = list(getattr(layers, kind)(2, 3, layers=2, bidirectional=True, rng=rng).parameters())
    parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    ends = ("_l0", "_l0_reverse", "_l1", "_l1_reverse")
    assert names == [part + end for end in ends for part in parts]
    assert list(getattr(layers, kind)(2, 3, bias=False, rng=rng).parameters()) == [
        "weight_ih_l0",
        "weight_hh_l0",
    ]


def test_summary(rng: Any) -> None:
    """An LSTM keeps x, the gates, and h and c of the T + 1 places between steps.

    The TimeDistributed Dense keeps a copy of its x, whose samples are steps.
    """
    net = layers.Sequential(
        layers.LSTM(5, 3, rng=rng), layers.TimeDistributed(layers.Dense(3, 2, rng=rng))
    )
    found = summary(net, (7, 5))
    assert [row.output_shape for row in found.rows] == [(7, 3), (7, 2)]
    assert [row.parameters for row in found.rows] == [12 * (5 + 3 + 2), 8]
    assert [row.kept for row in found.rows] == [4 * (7 * 5 + 7 * 12 + 2 * 8 * 3), 4 * 7 * 3]


@EACH
def test_summary_of_tokens(kind: str, rng: Any) -> None:
    """Samples (T,) are tokens, if that is what the first layer takes for them."""
    layer = getattr(layers, kind)(5, 3, rng=rng)
    [row] = summary(layer, (7,)).rows
    assert row.output_shape == (7, 3)
    assert row.kept == summary(layer, (7, 5)).rows[0].kept - 4 * 7 * 5 + 8 * 7
    net = layers.Sequential(layers.Embedding(4, 5, rng=rng), layer)
    found = summary(net, (7,))
    assert [row.output_shape for row in found.rows] == [(7, 5), (7, 3)]
    assert [row.kept for row in found.rows] == [8 * 7, summary(layer, (7, 5)).rows[0].kept]


# Refusals

MESSAGES: list[tuple[dict[str, Any], str]] = [
    ({"x": np.zeros((4, 3, 2))}, r"LSTM x: expected \(T, 2, N\) float64, got \(4, 3, 2\)"),
    ({"x": np.zeros((4, 2))}, r"LSTM x: expected \(T, 2, N\) float64, got \(4, 2\)"),
    ({"x": np.zeros((4, 2, 3), np.float32)}, r"expected \(T, 2, N\) float64, got .* float32"),
    ({"x": np.zeros((0, 2, 3))}, r"LSTM x: expected a step or more, got \(0, 2, 3\)"),
    ({"x": [1, 2]}, r"LSTM x: expected \(T, 2, N\) float64, got list"),
    ({"x": np.array([[0, 2]])}, r"LSTM x: expected tokens from 0 to 1, got 0 to 2"),
    ({"x": np.array([[-1, 1]])}, r"LSTM x: expected tokens from 0 to 1, got -1 to 1"),
    ({"x": np.array([0, 1])}, r"LSTM x: expected \(T, N\) int64, got \(2\) int64"),
    ({"initial": np.zeros((1, 3, 2))}, r"LSTM initial: expected a pair \(h0, c0\), got ndarray"),
    (
        {"initial": (np.zeros((3, 2)), np.zeros((1, 3, 2)))},
        r"LSTM h0: expected \(1, 3, 2\) float64, got \(3, 2\)",
    ),
    (
        {"initial": (np.zeros((1, 3, 2)), np.zeros((1, 3, 1)))},
        r"LSTM c0: expected \(1, 3, 2\) float64, got \(1, 3, 1\)",
    ),
    ({"lengths": [1, 2, 3]}, r"LSTM lengths: expected \(2,\) integers, got \(3,\) int64"),
    ({"lengths": [1.0, 2.0]}, r"LSTM lengths: expected \(2,\) integers, got \(2,\) float64"),
    ({"lengths": [5, 2]}, r"LSTM lengths: expected 0 … 4 steps, got 2 … 5"),
    ({"lengths": [-1, 2]}, r"LSTM lengths: expected 0 … 4 steps, got -1 … 2"),
    ({"constant": np.zeros((1, 2))}, r"LSTM x: expected \(T, 1, N\) float64, got \(4, 2, 2\)"),
    ({"constant": np.zeros(2)}, r"LSTM constant: expected \(C, N\) float64, got \(2\)"),
    (
        {"constant": np.zeros((1, 3)), "x": np.zeros((4, 1, 2))},
        r"LSTM constant: expected \(1, 2\) float64, got \(1, 3\)",
    ),
]


@pytest.mark.parametrize(("given", "message"), MESSAGES)
def test_refuses(given: dict[str, Any], message: str, rng: Any) -> None:
    layer = layers.LSTM(2, 3, rng=rng, dtype=np.float64)
    with pytest.raises(ValueError, match=message):
        layer.run(**({"x": np.zeros((4, 2, 2))} | given))


@pytest.mark.parametrize(
    ("dy", "dfinal", "message"),
    [
        (np.zeros((4, 3, 1)), None, r"LSTM dy: expected \(4, 3, 2\) float64, got \(4, 3, 1\)"),
        (None, np.zeros(3), r"LSTM dfinal: expected a pair \(dh, dc\), got ndarray"),
        (None, (np.zeros((1, 3, 2)), np.zeros((3, 2))), r"LSTM dc: expected \(1, 3, 2\)"),
    ],
)
def test_refuses_gradients(dy: Any, dfinal: Any, message: str, rng: Any) -> None:
    _, backward = layers.LSTM(2, 3, rng=rng, dtype=np.float64).run(np.zeros((4, 2, 2)))
    with pytest.raises(ValueError, match=message):
        backward(dy, dfinal)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda rng: layers.LSTM(0, 3, rng=rng), "LSTM: expected in_features ≥ 1, got 0"),
        (lambda rng: layers.GRU(2, 0, rng=rng), "GRU: expected hidden ≥ 1, got 0"),
        (lambda rng: layers.RNN(2, 3, layers=0, rng=rng), "RNN: expected layers ≥ 1, got 0"),
        (lambda rng: layers.RNN(2, 3, nonlinearity="σ", rng=rng), "expected nonlinearity 'tanh'"),
        (lambda rng: layers.LSTM(2, 3, bias=1, rng=rng), "LSTM: expected bias, True or False"),
        (lambda rng: layers.GRU(2, 3, bidirectional=2, rng=rng), "GRU: expected bidirectional"),
        (
            lambda rng: layers.LSTM(2, 3, bias=False, forget_bias=1, rng=rng),
            "LSTM: expected a bias for forget_bias, got bias=False",
        ),
        (lambda rng: layers.LSTM(2, 3, rng=rng, dtype=int), "expected float32 or float64"),
    ],
)
def test_refuses_to_be_made(make: Any, message: str, rng: Any) -> None:
    with pytest.raises(ValueError, match=message):
        make(rng)


def test_a_cell_refuses(rng: Any) -> None:
    cell = layers.LSTMCell(2, 3, rng=rng, dtype=np.float64)
    x, h = np.zeros((2, 4)), np.zeros((3, 4))
    with pytest.raises(ValueError, match=r"LSTMCell x: expected \(2, N\) float64, got \(3, 4\)"):
        cell.forward(h, h, h)
    with pytest.raises(ValueError, match=r"LSTMCell c: expected \(3, 4\) float64, got \(2, 4\)"):
        cell.forward(x, h, x)
    with pytest.raises(ValueError, match=r"LSTMCell x: expected tokens from 0 to 1, got 2 to 2"):
        cell.forward(np.full(4, 2), h, h)
    _, backward = cell.forward(x, h, h)
    with pytest.raises(ValueError, match=r"LSTMCell dstates: expected a pair \(h, c\), got ndarr"):
        backward(h)
    with pytest.raises(ValueError, match=r"LSTMCell dc: expected \(3, 4\) float64, got \(2, 4\)"):
        backward((h, x))


@EACH
def test_output_shape_refuses(kind: str, rng: Any) -> None:
    layer = getattr(layers, kind)(2, 3, rng=rng)
    assert layer.output_shape((7,)) == (7, 3)
    with pytest.raises(ValueError, match=rf"{kind}: expected a sample of shape \(T, 2\)"):
        layer.output_shape((7, 3))


def test_a_sequence_in_single_precision(rng: Any) -> None:
    """What comes out is in the precision of θ, to within what 20 steps may lose."""
    for kind in KINDS:
        double = getattr(layers, kind)(4, 6, rng=rng, dtype=np.float64)
        single = getattr(layers, kind)(4, 6, rng=rng)
        for p, q in zip(single.parameters().values(), double.parameters().values(), strict=True):
            q.value[...] = p.value
        x: Array = rng.standard_normal((20, 4, 5)).astype(np.float32)
        (y, backward), (want, backward64) = single.forward(x), double.forward(x.astype(np.float64))
        dx, dx64 = backward(np.ones_like(y)), backward64(np.ones_like(want))
        assert y.dtype == dx.dtype == np.float32
        np.testing.assert_allclose(y, want, atol=1e-5)
        np.testing.assert_allclose(dx, dx64, atol=1e-4)
