"""All operations of the library that have a plain definition and a fast kernel, by name."""

from types import ModuleType
from typing import Any

from nnscratch.kernels import plain, plain_images, plain_optimizers, plain_recurrent, plain_samples


def of(*modules: ModuleType) -> dict[str, Any]:
    return {
        name: thing
        for module in modules
        for name, thing in vars(module).items()
        if hasattr(thing, "definition") and thing.__module__ == module.__name__
    }


OPERATIONS = of(plain, plain_optimizers, plain_samples)
OF_IMAGES = of(plain_images)
OF_SEQUENCES = of(plain_recurrent)
