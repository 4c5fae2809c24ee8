"""What the lesson's tasks share: a trained model of the learner's, and what it is compared with."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..data import digits
from ..evaluation.metrics import sse
from ..evaluation.probes import NearestNeighbours, accuracy
from ..training import load_model
from .trial import Refuted, Trial

SLACK = 1.05
"""A run may be so much worse than the worst of ours: three seeds do not show all that may come."""


def bands() -> Mapping[str, Mapping[str, list[float]]]:
    """Return what our own runs gave, by task and figure: one number a seed."""
    found: dict[str, dict[str, list[float]]] = json.loads(
        (Path(__file__).parent / "bands.json").read_text("utf-8")
    )
    return found


def trained(trial: Trial, path: Path | None = None) -> Any:
    """Return the model of the learner's file with its trained weights, None if there is none.

    path  the file with `model`, if it is another than the one that is judged
    """
    found: list[Any] = []
    path, answer = path or Path(trial.path), trial.answer
    weights = path.with_suffix(".safetensors")
    with trial.claim(f"{weights.name} has the weights of `model`"):
        if path != Path(trial.path):
            if not path.is_file():
                raise Refuted(f"there is no {path.name} beside the file", "do task 1 first")
            names: dict[str, Any] = {"__name__": "answer", "__file__": str(path)}
            exec(compile(path.read_text("utf-8"), str(path), "exec"), names)
            answer = names
        make = answer.get("model")
        if not callable(make):
            raise Refuted("there is no function `model` in the file")
        model = make(np.random.default_rng(0))
        if not weights.is_file():
            raise Refuted(f"there is no {weights.name}", f"run `python {path.name}` to train it")
        try:
            load_model(weights, model)
        except ValueError as error:
            raise Refuted(str(error), "was `model` changed after training? train again") from error
        found.append(model)
    return found[0] if found else None


def squared_error(model: Any) -> float:
    """Return the squared error an image on the held-out digits."""
    images = digits().test.images
    return sse(images.reshape(len(images), -1) / 255.0, _rows(model.reconstruct(images)))


def classes_right(model: Any) -> float:
    """Return how often the ten nearest codes tell the class of a held-out digit."""
    train, test = digits()
    probe = NearestNeighbours(10).fit(model.encode(train.images), train.labels)
    return float(accuracy(probe.predict(model.encode(test.images)), test.labels))


def _rows(pictures: Any) -> Any:
    return np.asarray(pictures, np.float64).reshape(len(pictures), -1)


def in_band(trial: Trial, task: str, figure: str, value: float) -> None:
    """Compare a figure, of which less is better, with those of our own runs.

    Raises
        Refuted if it is worse than the worst of them, and more than SLACK.
    """
    ours = bands()[task][figure]
    lowest, middle, highest = min(ours), float(np.median(ours)), max(ours)
    known = f"ours {middle:.2f}, from {lowest:.2f} to {highest:.2f} over {len(ours)} seeds"
    trial.evidence = f"{value:.2f}; {known}"
    if not value <= SLACK * highest:
        raise Refuted(
            f"it is {value:.2f}; {known}", "more epochs, a wider hidden layer, another rate?"
        )
