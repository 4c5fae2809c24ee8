"""What a claim says of an answer, and a function whose derivative is asked for."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core import Array
from ..gradcheck.numerical import Subject

TINY = 1e-30
"""The step into the complex plane."""


@dataclass(frozen=True)
class Finding:
    """A claim, whether it holds, what was found, and the likely mistake."""

    claim: str
    ok: bool
    found: str = ""
    likely: str = ""


@dataclass(frozen=True)
class Problem:
    """A function whose derivative is asked for, at one point.

    f         the definition, of the inputs and constants in this order; y, or a loss
    inputs    arrays that have a gradient; constants are what f takes after them
    analytic  is f analytic arithmetic, so that the complex step can be taken?
    """

    f: Callable[..., Any]
    inputs: dict[str, Array]
    constants: dict[str, Any] = field(default_factory=dict)
    analytic: bool = True

    def subject(self, rng: np.random.Generator, backward: Callable[..., Any] = tuple) -> Subject:
        """Return f as nnscratch.gradcheck sees it: a function that returns (y, backward)."""

        def call(*inputs: Array) -> tuple[Any, Callable[[Any], Any]]:
            y = self.f(*inputs, *self.constants.values())
            return y, lambda dy: backward(dy, *inputs)

        subject = Subject(call, tuple(self.inputs.values()), rng=rng)
        subject.arg_names = list(self.inputs)
        if np.ndim(call(*self.inputs.values())[0]) == 0:
            subject.dy = 1.0  # of a loss, ∂L/∂L
        return subject

    def derivatives(self, rng: np.random.Generator) -> tuple[Any, dict[str, Array]]:
        """Return dy, from N(0, 1), and the derivatives of ⟨dy, f⟩ by the inputs."""
        subject = self.subject(rng)
        dy = subject.dy  # drawn before numbers become complex
        step = ("complex", TINY) if self.analytic else ("central", 2.0**-13)
        found = subject.derivatives(*step)  # type: ignore[arg-type]
        arrays = zip(self.inputs.items(), found, strict=True)
        return dy, {name: d.reshape(a.shape) for (name, a), d in arrays}
