"""A cell of the table of Burda et al. from its beginning, or its checkpoint, to its row."""

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from demos import _burda_cells as cells
from demos import _burda_table as tables
from nnscratch.core import Array
from nnscratch.data import Dataset, Split, binarize
from nnscratch.training import load_model, save_model

DRAWN = 20
"""Draws from the prior that a trained cell is shown by."""


@dataclass(frozen=True)
class Settings:
    """All that defines the run of a cell, beside the images.

    textbook  the name of what is left out of the deviations, or None
    samples   weights that the trained model is judged by
    """

    cell: str
    layers: int
    textbook: str | None
    stages: int
    seed: int
    threads: int | None
    samples: int
    out: Path
    resume: bool

    @property
    def run(self) -> str:
        """The name that the files of this run begin with."""
        two = "-two" if self.layers == 2 else ""
        return self.cell + two + (f"-{self.textbook}" if self.textbook else "")

    @property
    def checkpoint(self) -> Path:
        """Where the run is found again."""
        return self.out / f"{self.run}.safetensors"

    def trained(self, stage: int) -> Path:
        """Return where the weights are after a stage."""
        return self.out / f"{self.run}-stage{stage}.safetensors"


def settings_of(options: Any) -> list[Settings]:
    """Return the settings of all cells that the options name.

    Raises
        ValueError if there is no such cell, or it is named twice.
    """
    if options.cell and options.cells:
        raise ValueError("expected --cell or --cells, got both")
    names = (options.cells or options.cell or "vae-1").split(",")
    for name in names:
        if name not in cells.CELLS or names.count(name) > 1:
            known = ", ".join(cells.CELLS)
            raise ValueError(f"--cells: expected cells of {known}, each once, got {options.cells}")
        if options.layers == 2 and name.startswith("dreg"):
            raise ValueError(f"--layers 2: expected a cell vae-K or iwae-K, got {name}")
    return [
        Settings(
            cell=name,
            layers=options.layers,
            textbook=options.textbook,
            stages=options.stages or (1 if options.smoke else 3),
            seed=options.seed,
            threads=options.threads,
            samples=20 if options.smoke else 5000,
            out=options.out,
            resume=options.resume,
        )
        for name in names
    ]


class Trained(NamedTuple):
    """What a run leaves beside its files: its history, and draws from its prior (N, D)."""

    history: list[dict[str, Any]]
    drawn: Array


def black_and_white(data: Split[Dataset]) -> tuple[Array, Array]:
    """Return the images to learn from, grey, and those to be judged by, drawn once, as (N, D).

    The last 400 of the first are left out, as theirs are for validation.
    """
    grey, held_out = (part.images.reshape(len(part), -1) for part in data)
    train = grey[: len(grey) - min(400, len(grey) // 25)]
    return train, binarize(held_out, "dynamic", rng=np.random.default_rng(123))


def run_cell(its: Settings, train: Array, test: Array, threads: int | None) -> Trained:
    """Train a cell stage by stage, judge it by the test images, and write its row.

    Raises
        ValueError, OSError if there is a checkpoint of another run, or a file cannot be read or
        written. TrainingDiverged if the loss is no number. KeyboardInterrupt by Ctrl-C, after which
        the checkpoint is written.
    """
    if not its.out.is_dir():
        where = f"{its.out.absolute()} on {platform.node()}"
        raise FileNotFoundError(f"{where}: expected the folder of --out, which all machines share")
    used = cells.used_without(its.textbook)
    make = cells.two_layers_of if its.layers == 2 else cells.model_of
    model = make(its.cell, train, used, np.random.default_rng(its.seed))
    trainer = cells.trainer_of(model, len(train), used, seed=its.seed, threads=threads)
    if its.resume and its.checkpoint.exists():
        trainer.resume(its.checkpoint)
        print(f"{its.checkpoint} goes on after epoch {trainer.epoch}")
    for stage in range(1, its.stages + 1):
        epochs = cells.epochs_until(stage)
        if trainer.epoch > epochs:
            continue
        trainer.fit(train, epochs=epochs, checkpoint=its.checkpoint, progress=True)
        save_model(its.trained(stage), model)
        print(f"stage {stage} of {cells.STAGES} is done, after {trainer.epoch} epochs")
    load_model(its.trained(its.stages), model)  # of this stage, which may be an earlier one
    tables.write(its.out, its.run, model, test, train, its.samples, its.stages, threads)
    history = trainer.history[: cells.epochs_until(its.stages)]
    return Trained(history, model.sample(DRAWN, rng=np.random.default_rng(its.seed)))
