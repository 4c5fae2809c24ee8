"""RNN, LSTM and GRU: the gradients of all that they take, lengths, directions, and refusals."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnscratch.core import Array, Backward
from nnscratch.gradcheck import gradcheck
from nnscratch.gradcheck.certificates import with_random_parameters
from nnscratch.layers.gru import GRU
from nnscratch.layers.lstm import LSTM
from nnscratch.layers.rnn import RNN

pytestmark = pytest.mark.plain

KINDS = {"RNN": RNN, "LSTM": LSTM, "GRU": GRU}
EACH = pytest.mark.parametrize("kind", KINDS)


def new(kind: str, rng: np.random.Generator, *sizes: int, **options: Any) -> Any:
    """Return a layer in double precision whose parameters, biases too, are N(0, 1)."""
    layer = KINDS[kind](*sizes, rng=rng, dtype=np.float64, **options)
    with_random_parameters(layer, rng)
    return layer


class Flat:
    """A layer whose y is all that `run` returns, as one vector a sample, of all that it takes.

    So every gradient can be checked: of x, of the initial states and of the constant.
    """

    def __init__(self, layer: Any, lengths: Any = None) -> None:
        self.layer, self.lengths = layer, lengths
        self.holomorphic, self.parameters = layer.holomorphic, layer.parameters

    def forward(self, x: Array, *more: Array) -> tuple[Array, Backward]:
        """`more` is h0 (and c0), and a constant behind them if there is one more."""
        count = len(self.layer.cells[0].names)
        states, constant = more[:count], (*more[count:], None)[0]
        initial = states if count > 1 else states[0]
        (y, final), through = self.layer.run(x, initial, self.lengths, constant)
        parts = [y, *(final if count > 1 else [final])]
        N, ends = y.shape[-1], np.cumsum([a.size // y.shape[-1] for a in parts])[:-1]

        def backward(dy: Array) -> tuple[Array, ...]:
            cut = np.split(dy, ends)
            dy, *dfinal = (d.reshape(a.shape) for d, a in zip(cut, parts, strict=True))
            dx, dinitial, dconstant = through(dy, tuple(dfinal) if count > 1 else dfinal[0])
            dinitial = dinitial if count > 1 else (dinitial,)
            found = (dx, *dinitial, dconstant)
            return tuple(d for d in found if d is not None)

        return np.concatenate([a.reshape(-1, N) for a in parts]), backward


@EACH
@settings(max_examples=8)
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
