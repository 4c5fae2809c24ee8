"""Recurrent layers to be measured: their sizes, and numbers for them, the same for everyone."""

from dataclasses import dataclass

import numpy as np

from nnscratch.core import Array

STEPS = 32
"""Of each sequence, as many as two bars of a melody have."""


@dataclass(frozen=True)
class Recurrent:
    """A recurrent layer, and how it is run.

    kind      LSTM or GRU
    features  of a step's input and of its output
    by_cells  one step at a time, as a decoder runs that reads its own output; else by the layer
    """

    kind: str
    features: int
    batch: int
    by_cells: bool = False

    @property
    def gates(self) -> int:
        """Return how many maps of input and state there are."""
        return {"LSTM": 4, "GRU": 3}[self.kind]

    def flops(self) -> int:
        """Return the operations of the products: forward, and of the gradients of both factors."""
        return 3 * 2 * 2 * self.gates * self.features**2 * self.batch * STEPS


RECURRENT = {
    "W9a": Recurrent("LSTM", 128, 128),
    "W9b": Recurrent("LSTM", 256, 256),
    "W9c": Recurrent("GRU", 128, 128),
    "W9d": Recurrent("GRU", 256, 256),
    "W9e": Recurrent("LSTM", 128, 128, by_cells=True),
    "W9f": Recurrent("GRU", 128, 128, by_cells=True),
}


def sequence_case(name: str) -> tuple[Array, list[Array], Array]:
    """Return x (T, N, D), weight_ih, weight_hh, bias_ih and bias_hh, and dy (T, N, H)."""
    its = RECURRENT[name]
    rng, H = np.random.default_rng(7), its.features
    x, dy = rng.standard_normal((2, STEPS, its.batch, H), np.float32)
    shapes = [(its.gates * H, H)] * 2 + [(its.gates * H,)] * 2
    reach = 1 / np.sqrt(H)
    return x, [rng.uniform(-reach, reach, shape).astype(np.float32) for shape in shapes], dy


NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
"""Of the parameters, in the order of `sequence_case`."""
