"""Trains a model on data and writes it, with all that tells how it went, into a folder."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..files import expanded, write_whole
from . import settings as given_settings
from .options import subcommand
from .output import answer, wrote
from .saved import Saved
from .sources import PLACE, Source, read

if TYPE_CHECKING:
    from ..training.ranks import Ranks
    from .trainer import CommandTrainer

EXAMPLES = """\
  nnscratch train pets --size 64 64 --colour --out out/pets
  nnscratch train digits --latent-dim 2 --epochs 10 --out out/digits
  nnscratch train flowers.csv --labels species --missing mean --out out/flowers
  nnscratch train --config out/pets/run.toml --out out/again
  nnscratch train --out out/pets --resume
"""

PURPOSE = "train an autoencoder or a VAE on data, and write it into a folder"

MODEL, CHECKPOINT, RUN = "model.safetensors", "checkpoint.safetensors", "run.toml"
SHOWN = tuple(f"{name}.{end}" for name in ("samples", "reconstructions") for end in ("png", "csv"))
FILES = (MODEL, CHECKPOINT, RUN, "history.csv", *SHOWN, "explorer.html")
"""What a run writes."""


def add(commands: Any) -> None:
    """Add the parser."""
    parser = subcommand(commands, __name__, PURPOSE, EXAMPLES)
    parser.add_argument("data", metavar="DATA", nargs="?", help=PLACE)
    parser.add_argument("--out", metavar="DIR", help="the folder of the run; made if need be")
    words = "a TOML file of settings, named as the options are; the command line overrides it"
    parser.add_argument("--config", metavar="FILE", help=words)
    words = "go on from the checkpoint in --out, with its settings"
    parser.add_argument("--resume", action="store_true", help=words)
    words = "overwrite the files of another run in --out"
    parser.add_argument("--force", action="store_true", help=words)
    given_settings.setting_options(parser)
    parser.set_defaults(run=run, parser=parser)


def run(options: argparse.Namespace) -> int:
    """Train, and say what was written."""
    from ..training import TrainingDiverged, mpi_ranks
    from .ranks import one_voice

    said = {k: getattr(options, k) for k in ("data", "out") if getattr(options, k) is not None}
    said |= given_settings.given(options)
    if options.config is not None:
        said = given_settings.read_toml(options.config, options.parser) | said
    if "out" not in said:
        options.parser.error("expected --out DIR")
    folder = expanded(said.pop("out"))
    before = earlier(options, folder, said)
    said = before | said
    if "data" not in said:
        options.parser.error("expected DATA")
    ranks = mpi_ranks()
    try:
        with one_voice(ranks):
            return train(options, folder, said, ranks)
    except TrainingDiverged as error:
        raise ValueError(f"{error}; a smaller --learning-rate may help") from None


def earlier(options: argparse.Namespace, folder: Path, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of the run that is resumed; ValueError if the folder is another run's."""
    if not options.resume:
        there = [name for name in (MODEL, CHECKPOINT) if (folder / name).exists()]
        if there and not options.force:
            raise ValueError(
                f"{folder}: holds the {there[0]} of another run; --resume goes on with it, "
                "--force overwrites it"
            )
        return {}
    from ..training.model_file import read_notes

    path = folder / CHECKPOINT
    before = read_notes(path).get("settings")
    if not isinstance(before, dict) or not isinstance(before.get("data"), str):
        raise ValueError(f"{path}: expected a checkpoint of `nnscratch train`")
    own = {name: value for name, value in before.items() if name != "data"}
    before = {"data": before["data"]} | given_settings.checked(str(path), own, options.parser)
    compared = {k: absolute(v) if k == "data" else v for k, v in said.items()}
    if wrong := given_settings.differences(before, compared):
        raise ValueError(f"{folder}: a run with other settings: {'; '.join(wrong)}")
    return before


def train(options: argparse.Namespace, folder: Path, said: dict[str, Any], ranks: "Ranks") -> int:
    """Train with these settings, of which those that are missing have defaults."""
    from ..training import save
    from . import run_files

    trainer, source, settings = ranks.agreed(lambda: prepared(said, ranks))
    data, held = parts(source, settings)
    model = trainer.model
    trainer.prepare(folder, settings)
    trainer.notes = notes_of(settings, source)
    text = given_settings.as_toml(settings | {"out": str(folder)}).encode()
    checkpoint = folder / CHECKPOINT
    if options.resume:
        ranks.agreed(lambda: trainer.resume(checkpoint))
        print(f"{checkpoint}: goes on after epoch {trainer.epoch}")

    def begin() -> None:
        write_whole(folder / RUN, text, "settings")  # if that fails, another run is still there
        if options.force and not options.resume:
            for name in set(FILES) - {RUN}:
                (folder / name).unlink(missing_ok=True)

    ranks.first(begin)
    print(f"{len(data):,} {data.nouns[1]} to learn from, {len(held or ()):,} held out", flush=True)
    print(
        f"{settings['model']}: {sum(p.value.size for p in model.parameters().values()):,} "
        f"parameters, {settings['epochs']} epochs",
        flush=True,
    )
    try:
        trainer.train(data, held, checkpoint)
    except BaseException:  # Ctrl-C and SIGTERM among others, of which `main` says the rest
        if checkpoint.exists():
            print(
                f"{checkpoint}: the run so far; `nnscratch train --out {folder} --resume` goes on",
                file=sys.stderr,
            )
        raise
    if ranks.rank > 0:
        return 0
    save(folder / MODEL, model, notes=trainer.notes)
    wrote(folder / MODEL, "the model; `nnscratch info` says what it holds")
    wrote(checkpoint, "the run, from which --resume goes on")
    wrote(folder / RUN, "the settings; --config does the same again")
    wrote(folder / "history.csv", "the terms of the loss, a row an epoch")
    saved = Saved(str(folder / MODEL), model, trainer.notes["reading"])
    shown = held if held is not None and len(held) >= run_files.PAIRS else data
    run_files.write_run(folder, saved, shown, settings["seed"])
    answer(options, {"out": str(folder), "settings": settings, "history": trainer.history})
    return 0


def prepared(
    said: dict[str, Any], ranks: "Ranks"
) -> tuple["CommandTrainer", Source, dict[str, Any]]:
    """Return a trainer, the data and all settings of a run of which some settings were said."""
    from . import building
    from .sources import READING
    from .trainer import CommandTrainer

    place = said.pop("data")
    reading = {name for options in READING.values() for name in options}
    source = read(place, {k: v for k, v in said.items() if k in reading})
    settings = {"data": absolute(place), **building.resolved(said, source)}
    trainer = CommandTrainer(
        building.build_model(settings, source),
        building.optimizer(settings),
        seed=settings["seed"],
        batch_size=settings["batch-size"],
        replicas=settings.get("replicas"),
        threads=settings.get("threads"),
        patience=settings.get("patience"),
        augment=building.augment(settings),
        ranks=ranks,
    )
    return trainer, source, settings


def parts(source: Source, settings: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the samples to learn from and those held out, None if there are none."""
    import numpy as np

    from ..data import split

    if not settings["validation"]:
        return source.data, None
    rng = np.random.default_rng([settings["seed"], 1])
    rows = split(source.data, 1 - settings["validation"], rng=rng)
    return source.data[rows.train], source.data[rows.test]


def absolute(place: str) -> str:
    """Return where data are, from whatever folder one looks; of a set, its name."""
    path = expanded(place)
    return str(path.resolve()) if path.exists() or path.parent != Path() else place


def notes_of(settings: Mapping[str, Any], source: Source) -> dict[str, Any]:
    """Return what the files of a run say beside the model."""
    reading = source.reading | {"classes": list(source.data.classes)}
    reading["nouns"] = list(source.data.nouns)
    return {"settings": dict(settings), "reading": reading}
