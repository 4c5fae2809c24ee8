"""All operations of the library that have a plain definition and a fast kernel, by name."""

from typing import Any

from nnscratch.kernels import plain, plain_optimizers

OPERATIONS: dict[str, Any] = {
    name: thing
    for module in (plain, plain_optimizers)
    for name, thing in vars(module).items()
    if hasattr(thing, "definition") and thing.__module__ == module.__name__
}
