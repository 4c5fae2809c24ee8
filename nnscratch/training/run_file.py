"""A training run on disk: weights, moments, history, and where the run stands.

Plain names hold the weights that `fit` leaves in the model, which `load_model` reads as well. Names
that begin with "training." are for `Trainer.resume` alone: the state of each optimiser, and with
patience the last weights, from which the run goes on (early_stopping.py).
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..checks.arguments import LARGEST, is_integer, is_number
from ..core import Array
from ..models.architecture import describe
from . import checkpoint as disk

if TYPE_CHECKING:
    from .run import Run

LAST = "training.last."

RENAMED = {"lanes": "replicas"}
"""Settings by the names that they had in earlier versions."""


def renamed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings in a file by the names that they have now."""
    return {RENAMED.get(name, name): value for name, value in settings.items()}


def save_run(run: "Run[Any]", path: str | Path) -> None:
    """Write the run of a run, all or nothing."""
    stopping = run.stopping
    last = stopping.last_weights()
    arrays = dict(stopping.best or last)
    if stopping.best:
        arrays |= {f"{LAST}{name}": a for name, a in last.items()}
    progress: dict[str, Any] = {"epoch": run.epoch, "step": run.batch_index}
    progress |= {"images": run.count, "sums": run.sums, "history": run.history}
    progress["judged_by"] = stopping.final
    for name, optimizer in run.optimizers().items():
        arrays |= {f"training.{name}.{k}": a for k, a in optimizer.state.items()}
        progress[f"{name}.steps"] = optimizer.steps
    info: dict[str, Any] = {"settings": run.settings(), "progress": progress}
    with suppress(ValueError):  # of a part that only the caller's own code can make
        info["architecture"], _ = describe(run.model)
    if run.notes:
        info["notes"] = run.notes
    disk.write(path, arrays, info)


def resume_run(run: "Run[Any]", path: str | Path) -> None:
    """Bring a run to where the run that wrote this file stood, or change nothing."""
    arrays, info = disk.read(path, run.model)
    if "progress" not in info:
        raise ValueError(f"{path}: expected a training checkpoint, got weights alone")
    check_info(path, info, [f"{name}.steps" for name in run.optimizers()])
    theirs, ours = renamed(info["settings"]), run.settings()
    for name in sorted(ours.keys() | theirs.keys(), key=lambda name: (name != "model", name)):
        if theirs.get(name) != ours.get(name):
            raise ValueError(
                f"{path}: a checkpoint of another run: expected {name} {ours.get(name)}, "
                f"got {theirs.get(name)}"
            )
    progress, stopping = info["progress"], run.stopping
    shown = {k: a for k, a in arrays.items() if not k.startswith("training.")}
    last = within(LAST, arrays)
    if last and progress.get("judged_by", {}) != stopping.final:  # an earlier version's
        raise ValueError(
            f"{path}: its best weights are those of a half-annealed objective; expected totals "
            f"with {stopping.final}; load_model reads the weights"
        )
    disk.check(path, run.model, last or shown)
    states = {name: within(f"training.{name}.", arrays) for name in run.optimizers()}
    for name, optimizer in run.optimizers().items():
        kept = set(optimizer.moments) if progress[f"{name}.steps"] else set()
        if states[name].keys() != kept:
            want = ", ".join(sorted(kept)) or "none"
            got = ", ".join(states[name]) or "none"
            raise ValueError(f"{path}: expected the moments {want} of the {name}, got {got}")
    disk.restore(path, run.model, shown)
    stopping.best, stopping.last = (shown, last) if last else ({}, {})
    for name, optimizer in run.optimizers().items():
        optimizer.state = {k: states[name][k] for k in optimizer.moments if k in states[name]}
        optimizer.steps = progress[f"{name}.steps"]
    run.epoch, run.batch_index = progress["epoch"], progress["step"]
    run.sums, run.count = progress["sums"], progress["images"]
    run.history = progress["history"]
    run.annealing.set(run.replicas.models, max(run.optimizer.steps - 1, 0))


def check_info(path: str | Path, info: Mapping[str, Any], counts: list[str]) -> None:
    """Raise ValueError unless the description of a run is of the kind that `save_run` writes."""

    def expect(fits: bool, want: str, got: object) -> None:
        if not fits:
            raise ValueError(f"{path}: expected a run's {want}, got {got!r}")

    def terms(entry: object) -> bool:
        return isinstance(entry, dict) and all(map(is_number, entry.values()))

    settings, progress = info.get("settings"), info["progress"]
    expect(isinstance(settings, dict), "settings by name", settings)
    expect(isinstance(progress, dict), "progress by name", progress)
    for name in ("epoch", "step", "images", *counts):
        count = progress.get(name)
        expect(is_integer(count) and 0 <= count <= LARGEST, f"{name}, an integer ≥ 0", count)
    expect(terms(progress.get("sums")), "sums by name", progress.get("sums"))
    history = progress.get("history")
    expect(isinstance(history, list), "history, a list", history)
    for row in history:
        expect(isinstance(row, dict) and terms(row.get("train")), "epochs with their terms", row)
        judged = row.get("validation", {"total": 0.0})
        expect(terms(judged) and "total" in judged, "totals of validation", judged)
    expect(terms(progress.get("judged_by", {})), "last annealed values", progress.get("judged_by"))


def within(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return the arrays whose names begin so, by what follows."""
    return {k.removeprefix(prefix): a for k, a in arrays.items() if k.startswith(prefix)}
