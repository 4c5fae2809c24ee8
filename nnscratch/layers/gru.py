"""The gated recurrent unit, GRU."""

from functools import partial

import numpy as np
from numpy.typing import DTypeLike

from ..checks.arguments import flag, integer
from ..core import Array, IntArray
from ..kernels.plain_recurrent import add_matmul_steps, gru, gru_backward
from .initializers import Initializer
from .recurrent import Recurrent
from .recurrent_cell import Loop, OneStateCell, States


class GRUCell(OneStateCell):
    """One step of a GRU: (x, h) ↦ h'. GRU has the formulas.

    Shapes
        x  (D, N), or (N,) tokens, which stand for one-hot columns
        h  (H, N)
        w  (3H, D)   weight_ih          b_ih  (3H,)   bias_ih          gates in the order r, z, n
        u  (3H, H)   weight_hh          b_hh  (3H,)   bias_hh

    Keeps
        x, the gates, the n part of u h + b_hh, and the state.

    Source
        Cho et al., Learning Phrase Representations (2014), §2.3; GRU says where it differs.

    Raises
        ValueError if a size is not positive, or an array has another shape or dtype.
    """

    gates = 3

    def bias(self) -> Array | None:
        """Return b_ih alone: b_hh is multiplied by r within the loop."""
        return None if self.b_ih is None else self.b_ih.value

    def loop(self, a: Array, initial: States, lengths: IntArray | None) -> Loop:
        u, b_hh, (h0,) = self.u, self.b_hh, initial
        bias = None if b_hh is None else b_hh.value
        h, gates, un = gru(a, u.value, bias, h0, lengths)

        def backward(dy: Array, dfinal: States) -> tuple[Array, States]:
            (dh,) = dfinal
            da, dq, dh0 = gru_backward(dy, dh, u.value, h, gates, un, lengths)
            add_matmul_steps(u, dq, h[:-1], b_hh)
            return da, (dh0,)

        return (h, (h[-1],)), backward


class GRU(Recurrent):
    """A state that moves towards a new value by as much as its gates let it.

    Shapes
        x     (T, D, N), or (T, N) tokens, which stand for one-hot columns
        w     (3H, D)   weight_ih_l0          b_ih  (3H,)   bias_ih_l0
        u     (3H, H)   weight_hh_l0          b_hh  (3H,)   bias_hh_l0
        y     (T, H, N), or (H, N) with return_sequences=False; 2H if bidirectional

    Derivation
        With a_t = w x_t + b_ih and q_t = u h_t-1 + b_hh, each in three parts,

            r, z = σ(a_r + q_r), σ(a_z + q_z)          n = tanh(a_n + r q_n)
            h_t = (1 - z) n + z h_t-1                  y_t = h_t

        r multiplies what u and b_hh have made of the state, so that b_hh is not redundant. With
        dh_t, from y_t and from the next step,

            da_n = dh_t (1 - z) (1 - n²)                 dq_n = r da_n
            da_z = dh_t (h_t-1 - n) z (1 - z)            dq_z = da_z
            da_r = da_n q_n r (1 - r)                    dq_r = da_r
            dh_t-1 = dy_t-1 + uᵀ dq_t + z dh_t

        After the loop, since a and q are affine,

            dw = Σ_t da_t x_tᵀ     db_ih = Σ_tn da_t     dx_t = wᵀ da_t
            du = Σ_t dq_t h_t-1ᵀ   db_hh = Σ_tn dq_t     dh_0 = uᵀ dq_1 + z_1 dh_1

    Keeps
        x, and for each step the gates, q_n and h: D + 5H numbers a step and sample.

    Source
        Cho et al. (2014), §2.3, who let r multiply the state before the product with u. This is the
        form with r after it, of cuDNN and PyTorch, and of Keras with reset_after=True.

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
        rng: np.random.Generator,
        init: Initializer | None = None,
        recurrent_init: Initializer | None = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        D = integer("GRU", "in_features", in_features)
        new_cell = partial(
            GRUCell,
            hidden=integer("GRU", "hidden", hidden),
            rng=rng,
            bias=flag("GRU", "bias", bias),
            init=init,
            recurrent_init=recurrent_init,
            dtype=dtype,
        )
        super().__init__(new_cell, D, layers, bidirectional, return_sequences)
