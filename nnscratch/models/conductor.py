"""A decoder of long sequences: a conductor above a decoder of segments."""

from typing import Any

import numpy as np

from ..checks.arguments import integer
from ..checks.recorded import Recorded
from ..core import Array, Backward, IntArray, Parameter, named
from ..layers.lstm import LSTM
from .sequences import Gradients, InitialStates, SequenceDecoder
from .tokens import Step


class HierarchicalDecoder(Recorded):
    """A conductor makes a code of each segment, and a decoder of segments reads that as its z.

        c_1 … c_S = conductor(z)                        an LSTM whose inputs are zeros
        p(x|z) = Π_s p(segment s | its first input, c_s)

    Each segment begins with states made of its own code alone: the decoder's state is not carried
    from one to the next, so what has to last for longer than a segment must come through z. What it
    sees of the segment before is the last token, as its first input.

    In training all segments are decoded at once, as S · N columns.

    Shapes
        z  (latent_dim, N)     inputs  (T, N), T = S · steps     logits  (T, classes, N)
        codes  (core.latent_dim, S · N), a segment after the other

    Source
        Roberts et al. (2018), §3.3; zeros as the conductor's inputs as in their code.

    Raises
        ValueError if a size is not positive, or a sequence has not segments · steps tokens.
    """

    def __init__(
        self,
        core: SequenceDecoder,
        latent_dim: int,
        *,
        segments: int,
        steps: int,
        layers: int = 2,
        rng: np.random.Generator,
    ) -> None:
        self.core, self.classes = core, core.classes
        self.latent_dim = integer("HierarchicalDecoder", "latent_dim", latent_dim)
        self.segments = integer("HierarchicalDecoder", "segments", segments)
        self.steps = integer("HierarchicalDecoder", "steps", steps)
        words: Any = {"rng": rng, "dtype": core.output.w.value.dtype}
        self.conductor = LSTM(1, core.latent_dim, layers=layers, **words)
        self.initial = InitialStates(latent_dim, layers, core.latent_dim, **words)

    def check_steps(self, T: int) -> None:
        """Raise ValueError unless a sequence of T steps is segments · steps long."""
        S, steps = self.segments, self.steps
        if S * steps != T:
            raise ValueError(f"HierarchicalDecoder: expected {S} · {steps} steps, got {T}")

    def codes(self, z: Array) -> tuple[Array, Backward]:
        """Return the conductor's codes (S, core.latent_dim, N), and backward: dcodes ↦ dz."""
        states, initial_backward = self.initial.forward(z)
        zeros = np.zeros((self.segments, 1, z.shape[1]), z.dtype)
        (codes, _), conductor_backward = self.conductor.run(zeros, initial=states)

        def backward(dcodes: Array) -> Array:
            dz: Array = initial_backward(conductor_backward(dcodes, need_dx=False)[1])
            return dz

        return codes, backward

    def forward(self, z: Array, inputs: IntArray) -> tuple[Array, Gradients]:
        """Return the logits of every step, given the true token before it; and backward."""
        S, steps, (T, N), K = self.segments, self.steps, inputs.shape, self.classes
        self.check_steps(T)
        codes, codes_backward = self.codes(z)
        C = codes.shape[1]
        at_once = np.ascontiguousarray(codes.swapaxes(0, 1)).reshape(C, S * N)
        x = np.ascontiguousarray(inputs.reshape(S, steps, N).swapaxes(0, 1)).reshape(steps, S * N)
        a, core_backward = self.core.forward(at_once, x)
        logits = a.reshape(steps, K, S, N).transpose(2, 0, 1, 3).reshape(T, K, N)

        def backward(dlogits: Array) -> Array:
            da = dlogits.reshape(S, steps, K, N).transpose(1, 2, 0, 3).reshape(steps, K, S * N)
            dcodes: Any = core_backward(da)
            dz: Array = codes_backward(dcodes.reshape(C, S, N).swapaxes(0, 1).copy())
            return dz

        return logits, backward

    def start(self, z: Array) -> Step:
        """Return the function of one step, at the beginning of N sequences."""
        codes, t = self.codes(z)[0], 0
        of_segment: Any = None

        def step(previous: IntArray) -> Array:
            nonlocal t, of_segment
            if t % self.steps == 0:
                of_segment = self.core.start(codes[t // self.steps])
            t += 1
            logits: Array = of_segment(previous)
            return logits

        return step

    def parameters(self) -> dict[str, Parameter]:
        """Return θ by name."""
        return named(
            initial=self.initial.dense.parameters(),
            conductor=self.conductor.parameters(),
            core=self.core.parameters(),
        )
