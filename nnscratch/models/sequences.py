"""The parts of a sequence VAE: an encoder and a decoder. conductor.py has a decoder of segments."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..checks.arguments import integer
from ..checks.recorded import Recorded
from ..core import Array, Backward, IntArray, Parameter, named
from ..kernels.plain_recurrent import add_matmul_steps, matmul_steps
from ..layers import Dense
from ..layers.lstm import LSTM
from .tokens import Step

Gradients = Callable[[Array], Array | None]
"""dlogits ↦ dz; what has no code returns None."""


def of_tokens(lstm: LSTM, classes: int, rng: np.random.Generator) -> None:
    """Draw the weights of tokens anew: N(0, ½²), in the cells that read them.

    A token is a one-hot column, of whose classes one counts: its fan-in is 1, not that of the
    layer, by whose draws one token would hardly differ from another. In a MusicVAE of two bars that
    costs four nats in the second epoch, 51.4 in place of 47.3.
    """
    for cell in lstm.cells[: lstm.directions]:
        w = cell.w.value
        w[:, :classes] = 0.5 * rng.standard_normal((len(w), classes))


class SequenceEncoder(Recorded):
    """Tokens x → (μ, log σ²): an LSTM in both directions, and an affine map of its last states.

    Shapes
        x  (T, N), 0 … classes - 1     h  (2 hidden, N)     μ and log σ²  (2 L, N), one on the other

    The affine map gives log σ², as everywhere in this library. Magenta's gives s with σ =
    softplus(s), which keeps σ from growing as fast; the KL is that of σ in both.

    Source
        Roberts et al., A Hierarchical Latent Vector Model (2018), §3.1.

    Raises
        ValueError if a size is not positive.
    """

    def __init__(
        self,
        classes: int,
        hidden: int,
        latent_dim: int,
        *,
        layers: int = 1,
        rng: np.random.Generator,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.classes = integer("SequenceEncoder", "classes", classes, 2)
        self.latent_dim = integer("SequenceEncoder", "latent_dim", latent_dim)
        words: Any = {"layers": layers, "bidirectional": True, "rng": rng, "dtype": dtype}
        self.lstm = LSTM(classes, hidden, return_sequences=False, **words)
        of_tokens(self.lstm, classes, rng)
        self.output = Dense(2 * hidden, 2 * latent_dim, rng=rng, dtype=dtype)

    def forward(self, x: IntArray) -> tuple[Array, Backward]:
        """Return μ and log σ² of each sequence, and a backward that takes their gradients."""
        (h, _), lstm_backward = self.lstm.run(x)
        y, output_backward = self.output.forward(h)

        def backward(dy: Array) -> None:
            lstm_backward(output_backward(dy), need_dx=False)

        return y, backward

    def parameters(self) -> dict[str, Parameter]:
        """Return θ by name."""
        return named(lstm=self.lstm.parameters(), output=self.output.parameters())


class InitialStates:
    """z → the states in which an LSTM begins: all h and all c are tanh of an affine map of z.

    s = tanh(w z + b)               (2 layers hidden, N), h of all layers before c of all layers
    dz = wᵀ (ds (1 - s²))
    """

    def __init__(
        self,
        latent_dim: int,
        layers: int,
        hidden: int,
        *,
        rng: np.random.Generator,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.shape = 2, layers, hidden
        self.dense = Dense(latent_dim, 2 * layers * hidden, rng=rng, dtype=dtype)

    def forward(self, z: Array) -> tuple[tuple[Array, Array], Backward]:
        """Return h0 and c0, (layers, hidden, N) each, and a backward that takes both gradients."""
        y, dense_backward = self.dense.forward(z)
        s = np.tanh(y)
        h0, c0 = s.reshape(*self.shape, -1)

        def backward(dstates: tuple[Array, Array]) -> Array:
            ds = np.stack(dstates).reshape(s.shape)
            dz: Array = dense_backward(ds * (1 - s * s))
            return dz

        return (h0, c0), backward


class SequenceDecoder(Recorded):
    """p(x|z) = Π_t p(x_t | x_<t, z): an LSTM that is given the token before, and z at every step.

        (h_t, c_t) = LSTM([x_t-1, z], h_t-1, c_t-1),  h_0 and c_0 = tanh(w z + b)
        p(x_t = k | x_<t, z) = softmax(v h_t + d)_k

    The token before the first is `classes`, a token of its own, whose weights are learned. (Magenta
    gives zeros there.) With latent_dim = 0 there is no z and the first states are zeros: then this
    is a language model.

    Shapes
        z  (latent_dim, N)     inputs  (T, N), 0 … classes     logits  (T, classes, N)

    Source
        Roberts et al. (2018), §3.2; Bowman et al., Generating Sentences from a Continuous Space
        (2016), for the language model that has a code.

    Raises
        ValueError if a size is not positive; latent_dim may be 0.
    """

    def __init__(
        self,
        classes: int,
        hidden: int,
        latent_dim: int,
        *,
        layers: int = 2,
        rng: np.random.Generator,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.classes = integer("SequenceDecoder", "classes", classes, 2)
        self.latent_dim = L = integer("SequenceDecoder", "latent_dim", latent_dim, 0)
        self.lstm = LSTM(classes + 1 + L, hidden, layers=layers, rng=rng, dtype=dtype)
        of_tokens(self.lstm, classes + 1, rng)
        self.initial = InitialStates(L, layers, hidden, rng=rng, dtype=dtype) if L else None
        self.output = Dense(hidden, classes, rng=rng, dtype=dtype)

    def forward(self, z: Array | None, inputs: IntArray) -> tuple[Array, Gradients]:
        """Return the logits of every step, given the true token before it; and backward."""
        states, initial_backward = (None, None) if z is None else self._initial(z)
        (y, _), lstm_backward = self.lstm.run(inputs, initial=states, constant=z)
        v, d = self.output.w, self.output.b
        logits = matmul_steps(v.value, y, None if d is None else d.value)

        def backward(dlogits: Array) -> Array | None:
            add_matmul_steps(v, dlogits, y, d)
            _, dstates, dz = lstm_backward(matmul_steps(v.value.T, dlogits), need_dx=False)
            if initial_backward is None:
                return None
            through_states: Array = initial_backward(dstates)
            return through_states + dz

        return logits, backward

    def start(self, z: Array | None) -> Step:
        """Return the function of one step, at the beginning of N sequences."""
        states = None if z is None else self._initial(z)[0]

        def step(previous: IntArray) -> Array:
            nonlocal states
            (y, states), _ = self.lstm.run(previous[None], initial=states, constant=z)
            return self.output.forward(y[0])[0]

        return step

    def _initial(self, z: Array) -> tuple[tuple[Array, Array], Backward]:
        if self.initial is None:
            raise ValueError("SequenceDecoder: expected no z, as its latent_dim is 0")
        return self.initial.forward(z)

    def parameters(self) -> dict[str, Parameter]:
        """Return θ by name."""
        initial = {} if self.initial is None else self.initial.dense.parameters()
        return named(lstm=self.lstm.parameters(), initial=initial, output=self.output.parameters())
