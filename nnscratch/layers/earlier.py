"""Conv2d(…, relu=True), as earlier versions have it: now a ReLU is a layer of its own."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from .._moved import warn
from ..checks.arguments import flag


def with_earlier_relu(layer: Any) -> Any:
    """Let the constructor of a class of layers take `relu`: forward then computes the ReLU too."""
    layer.__init__ = _taking_relu(layer.__name__, layer.__init__)
    return layer


def _taking_relu(name: str, init: Callable[..., None]) -> Callable[..., None]:
    @wraps(init)
    def constructor(self: Any, *args: Any, relu: Any = None, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        if relu is not None:
            warn(f"{name}(relu=)", f"a layer of its own, Sequential({name}(…), ReLU())")
        if relu is not None and flag(name, "relu", relu):
            self.forward, self.holomorphic = partial(self.forward, relu=True), False

    return constructor
