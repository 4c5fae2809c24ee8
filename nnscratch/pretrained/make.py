"""The training of a network of nn.pretrained, whose result is the same to the bit everywhere.

Kernels add up in an order that depends on the processor's vectors, BLAS in another one, and after
some thousand steps in float32 hardly a weight is the same. So these networks are trained in
float64. Two runs then differ by little at the end, most networks by some 10⁻¹², and are rounded to
the same float16 unless a weight is that close to halfway between two of its numbers: `margin` says
how close one comes.
docs/files.md has what was measured.
"""

from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from ..core import Array
from ..data import digits
from ..models import AdversarialAutoencoder
from ..optimizers import Adam
from ..schedules import Cosine
from ..training import AdversarialTrainer, Trainer, save
from ..training.checkpoint import arrays_of
from .recipes import RECIPES, Recipe

BATCH, SEED = 128, 0


def trained(recipe: Recipe, *, threads: int | None = None) -> Any:
    """Return a network trained in float64; `threads` has no influence on its weights."""
    train, _ = digits()
    model = recipe.make(rng=np.random.default_rng(SEED), dtype=np.float64)
    trainer = trainer_for(model, recipe, ceil(len(train) / BATCH), threads)
    trainer.fit(train, epochs=recipe.epochs, progress=True)
    return model


def trainer_for(model: Any, recipe: Recipe, steps: int, threads: int | None = None) -> Trainer[Any]:
    """Return the trainer of a network; `steps` has an epoch."""
    rate = Cosine(recipe.rate, recipe.epochs * steps)
    run: dict[str, Any] = {"seed": SEED, "batch_size": BATCH, "threads": threads}
    if isinstance(model, AdversarialAutoencoder):
        return AdversarialTrainer(model, Adam(rate), Adam(rate, beta1=0.5), **run)
    return Trainer(model, Adam(rate), **run)


def margin(weights: Array) -> float:
    """Return by how much a weight may differ at the least to be rounded to another float16.

    It is a share of the weight, or of 2⁻¹⁴ where that is larger: below it the numbers of float16
    are equally spaced.
    """
    half = weights.astype(np.float16)
    others = (np.nextafter(half, np.float16(end)) for end in (-np.inf, np.inf))
    halfway = [(half.astype(np.float64) + other) / 2 for other in others]
    distance = np.abs(np.array(halfway) - weights).min(axis=0)
    return float((distance / np.maximum(np.abs(weights), 2.0**-14)).min())


def held_out(model: Any) -> dict[str, float]:
    """Return the terms of the loss on the 2,000 held-out digits, a mean over images."""
    recipe = Recipe(type(model), "", 1)
    terms = trainer_for(model, recipe, 1).evaluate(digits().test)
    return {name: float(value) for name, value in terms.items()}


def make(name: str, path: Path, *, threads: int | None = None) -> float:
    """Train a network, write its file, and return its `margin`."""
    recipe = RECIPES[name]
    exact = trained(recipe, threads=threads)
    arrays = arrays_of(exact)
    least = margin(np.concatenate([a.ravel() for a in arrays.values()]))
    model = recipe.make(rng=np.random.default_rng(SEED), dtype=np.float32)
    for key, a in arrays_of(model).items():
        a[...] = arrays[key].astype(np.float16)
        arrays[key][...] = a
    data = digits().test
    notes = {
        "reading": {
            "format": "set",
            "kind": "pictures",
            "classes": list(data.classes),
            "nouns": list(data.nouns),
        },
        "training": {
            "data": "digits",
            "epochs": recipe.epochs,
            "batch_size": BATCH,
            "learning_rate": recipe.rate,
            "seed": SEED,
        },
        "held_out": {term: round(value, 3) for term, value in held_out(exact).items()},
    }
    save(path, model, notes=notes, half=True)
    return least
