"""The long short-term memory, LSTM."""

from functools import partial

import numpy as np
from numpy.typing import DTypeLike

from ..checks.arguments import flag, integer, number
from ..core import Array, Backward, IntArray
from ..kernels.plain_recurrent import add_matmul_steps, lstm, lstm_backward
from .initializers import Initializer
from .recurrent import Recurrent
from .recurrent_cell import AnyArray, Cell, Loop, States


class LSTMCell(Cell):
    """One step of an LSTM: (x, h, c) ↦ (h', c'). LSTM has the formulas.

    Shapes
        x      (D, N), or (N,) tokens, which stand for one-hot columns
        h, c   (H, N)
        w  (4H, D)   weight_ih          b_ih  (4H,)   bias_ih          gates in the order i, f, g, o
        u  (4H, H)   weight_hh          b_hh  (4H,)   bias_hh

    Keeps
        x, the gates and both states.

    Source
        Gers, Schmidhuber and Cummins, Learning to Forget (2000).

    Raises
        ValueError if a size is not positive, or an array has another shape or dtype.
    """

    names, gates = ("h", "c"), 4

    def __init__(
        self,
        in_features: int,
        hidden: int,
        *,
        rng: np.random.Generator,
        bias: bool = True,
        forget_bias: float | None = None,
        init: Initializer | None = None,
        recurrent_init: Initializer | None = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        super().__init__(
            in_features,
            hidden,
            rng=rng,
            bias=bias,
            init=init,
            recurrent_init=recurrent_init,
            dtype=dtype,
        )
        if forget_bias is None:
            return
        forget_bias = number("LSTM", "forget_bias", forget_bias)
        if self.b_ih is None or self.b_hh is None:
            raise ValueError("LSTM: expected a bias for forget_bias, got bias=False")
        self.b_ih.value[hidden : 2 * hidden] = forget_bias
        self.b_hh.value[hidden : 2 * hidden] = 0

    def forward(
        self, x: AnyArray, h: Array, c: Array, constant: Array | None = None
    ) -> tuple[tuple[Array, Array], Backward]:
        """Return (h', c'), and backward: (dh', dc') ↦ dx, dh, dc, and dconstant if there is one.

        constant  (C, N), a part of the input: x has in_features - C features then
        """
        (h, c), backward = self.step(x, (h, c), constant)
        return (h, c), backward

    def loop(self, a: Array, initial: States, lengths: IntArray | None) -> Loop:
        u, (h0, c0) = self.u, initial
        h, c, gates = lstm(a, u.value, h0, c0, lengths)

        def backward(dy: Array, dfinal: States) -> tuple[Array, States]:
            dh, dc = dfinal
            da, dh0, dc0 = lstm_backward(dy, dh, dc, u.value, h, c, gates, lengths)
            add_matmul_steps(u, da, h[:-1], self.b_hh)
            return da, (dh0, dc0)

        return (h, (h[-1], c[-1])), backward


class LSTM(Recurrent):
    """A state that is kept or forgotten, and read out, by gates that look at x and the output.

    Shapes
        x     (T, D, N), or (T, N) tokens, which stand for one-hot columns
        w     (4H, D)   weight_ih_l0          b_ih  (4H,)   bias_ih_l0          u, b_hh are those of
        u     (4H, H)   weight_hh_l0          b_hh  (4H,)   bias_hh_l0          a step's h
        y     (T, H, N), or (H, N) with return_sequences=False; 2H if bidirectional

    Derivation
        With the gates i, f, o = σ(s_i), σ(s_f), σ(s_o) and g = tanh s_g, where
        s_t = w x_t + b_ih + u h_t-1 + b_hh,

            c_t = f c_t-1 + i g          h_t = o tanh c_t          y_t = h_t

        Both states act on L through two ways each. dh_t, from y_t and from the next step, and dc_t,
        from h_t and from the next step, are

            dh_t = dy_t + uᵀ ds_t+1
            dc_t = dc_t+1 f_t+1 + dh_t o (1 - tanh² c_t)

        and begin, at t = T, with those of the final state. As σ' = σ (1 - σ) and tanh' = 1 - tanh²,

            ds_i = dc_t g i (1 - i)              ds_g = dc_t i (1 - g²)
            ds_f = dc_t c_t-1 f (1 - f)          ds_o = dh_t tanh(c_t) o (1 - o)

        After the loop, since s is affine,

            dw = Σ_t ds_t x_tᵀ     du = Σ_t ds_t h_t-1ᵀ     db_ih = db_hh = Σ_tn ds_t
            dx_t = wᵀ ds_t         dh_0 = uᵀ ds_1           dc_0 = f_1 dc_1

    Keeps
        x, and for each step the gates, h and c: D + 6H numbers a step and sample.

    Source
        Hochreiter and Schmidhuber, Long Short-Term Memory (1997); the forget gate: Gers et al.
        (2000). forget_bias = 1: Jozefowicz et al., An Empirical Exploration (2015), §2.2.

    Raises
        ValueError if a size is not positive, an array has another shape or dtype, or a token or a
        length is out of range.
    """

    holomorphic = True

    def __init__(
        self,
        in_features: int,
        hidden: int,
        *,
        layers: int = 1,
        bidirectional: bool = False,
        return_sequences: bool = True,
        bias: bool = True,
        forget_bias: float | None = None,
        rng: np.random.Generator,
        init: Initializer | None = None,
        recurrent_init: Initializer | None = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        D = integer("LSTM", "in_features", in_features)
        new_cell = partial(
            LSTMCell,
            hidden=integer("LSTM", "hidden", hidden),
            rng=rng,
            bias=flag("LSTM", "bias", bias),
            forget_bias=forget_bias,
            init=init,
            recurrent_init=recurrent_init,
            dtype=dtype,
        )
        super().__init__(new_cell, D, layers, bidirectional, return_sequences)
