"""The plain recurrent layer, of Elman."""

from functools import partial

import numpy as np
from numpy.typing import DTypeLike

from ..checks.arguments import flag, integer
from ..core import Array, IntArray
from ..kernels.plain_recurrent import add_matmul_steps, rnn, rnn_backward
from .initializers import Initializer
from .recurrent import Recurrent
from .recurrent_cell import Loop, OneStateCell, States


class RNNCell(OneStateCell):
    """One step of an RNN: (x, h) ↦ h'. RNN has the formulas.

    Shapes
        x  (D, N), or (N,) tokens, which stand for one-hot columns
        h  (H, N)
        w  (H, D)   weight_ih          b_ih  (H,)   bias_ih
        u  (H, H)   weight_hh          b_hh  (H,)   bias_hh

    Keeps
        x and both states.

    Source
        Elman, Finding Structure in Time (1990).

    Raises
        ValueError if a size is not positive, nonlinearity is another word, or an array has another
        shape or dtype.
    """

    def __init__(
        self,
        in_features: int,
        hidden: int,
        *,
        rng: np.random.Generator,
        nonlinearity: str = "tanh",
        bias: bool = True,
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
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNN: expected nonlinearity 'tanh' or 'relu', got {nonlinearity!r}")
        self.nonlinearity, self.holomorphic = nonlinearity, nonlinearity == "tanh"

    def loop(self, a: Array, initial: States, lengths: IntArray | None) -> Loop:
        u, (h0,) = self.u, initial
        h = rnn(a, u.value, h0, lengths, self.nonlinearity)

        def backward(dy: Array, dfinal: States) -> tuple[Array, States]:
            (dh,) = dfinal
            da, dh0 = rnn_backward(dy, dh, u.value, h, lengths, self.nonlinearity)
            add_matmul_steps(u, da, h[:-1], self.b_hh)
            return da, (dh0,)

        return (h, (h[-1],)), backward


class RNN(Recurrent):
    """A state that is a function of the input and of the state before.

    Shapes
        x     (T, D, N), or (T, N) tokens, which stand for one-hot columns
        w     (H, D)   weight_ih_l0          b_ih  (H,)   bias_ih_l0
        u     (H, H)   weight_hh_l0          b_hh  (H,)   bias_hh_l0
        y     (T, H, N), or (H, N) with return_sequences=False; 2H if bidirectional

    Derivation
        With φ = tanh, or ReLU,

            h_t = φ(s_t)          s_t = w x_t + b_ih + u h_t-1 + b_hh          y_t = h_t

        h_t acts on L by itself, as y_t, and through the next step:

            dh_t = dy_t + uᵀ ds_t+1          ds_t = dh_t φ'(s_t)

        where φ' = 1 - h_t² for tanh and [h_t > 0] for ReLU. dh_T has the gradient of the final
        state besides. After the loop, since s is affine,

            dw = Σ_t ds_t x_tᵀ     du = Σ_t ds_t h_t-1ᵀ     db_ih = db_hh = Σ_tn ds_t
            dx_t = wᵀ ds_t         dh_0 = uᵀ ds_1

    Keeps
        x, and h of each step: D + H numbers a step and sample.

    Source
        Elman, Finding Structure in Time (1990); Werbos, Backpropagation Through Time (1990).

    Raises
        ValueError if a size is not positive, nonlinearity is another word, an array has another
        shape or dtype, or a token or a length is out of range.
    """

    def __init__(
        self,
        in_features: int,
        hidden: int,
        *,
        nonlinearity: str = "tanh",
        layers: int = 1,
        bidirectional: bool = False,
        return_sequences: bool = True,
        bias: bool = True,
        rng: np.random.Generator,
        init: Initializer | None = None,
        recurrent_init: Initializer | None = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        D = integer("RNN", "in_features", in_features)
        new_cell = partial(
            RNNCell,
            hidden=integer("RNN", "hidden", hidden),
            rng=rng,
            nonlinearity=nonlinearity,
            bias=flag("RNN", "bias", bias),
            init=init,
            recurrent_init=recurrent_init,
            dtype=dtype,
        )
        super().__init__(new_cell, D, layers, bidirectional, return_sequences)
        self.holomorphic = nonlinearity == "tanh"
