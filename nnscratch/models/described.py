"""How a model prints, and the table of its layers."""

from typing import Any

import numpy as np

from ..checks.recorded import Recorded
from ..checks.text import listing
from ..core import Shape
from ..layers.sequential import Sequential
from ..layers.summary import Summary, summary_of


class Described(Recorded):
    """A model that says what it consists of."""

    dtype: np.dtype[Any]

    def parts(self) -> dict[str, tuple[Sequential, Shape]]:
        """Return the networks of the model by name, each with the shape of a sample it takes."""
        raise NotImplementedError

    def settings(self) -> dict[str, Any]:
        """Return, beside its weights and shapes, what defines the model."""
        raise NotImplementedError

    def term_weights(self) -> dict[str, float]:
        """Return what each term counts in the total."""
        raise NotImplementedError

    def summary(self) -> Summary:
        """Return a table of all layers: output shapes, parameters, memory. `print` shows it."""
        return summary_of(self.parts(), self.dtype)

    def __repr__(self) -> str:
        networks = {name: network for name, (network, _) in self.parts().items()}
        others = {name: a for name, a in self.settings().items() if name != "model" and a}
        total = " + ".join(f"{weight:g} {name}" for name, weight in self.term_weights().items())
        return type(self).__name__ + listing(networks | others | {"loss": total})
