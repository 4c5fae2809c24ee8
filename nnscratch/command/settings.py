"""What defines a run of `train`: options, a TOML file of the same names, defaults.

The command line overrides the file, and the file the defaults. What was resolved is written as
run.toml, which as `--config` does the same again.
"""

import argparse
import difflib
import json
import tomllib
from collections.abc import Mapping
from typing import Any

from ..files import expanded
from .options import integer, number, threads
from .sources import reading_options

NOT_SETTINGS = ("help", "json", "config", "resume", "force", "data", "out")
"""Options of `train` that are no settings: where from, where to, and what with what is there."""

FREE = ("epochs", "threads", "minutes", "memory")
"""Settings that a run may be resumed with others of: how long, and how fast."""


def setting_options(parser: argparse.ArgumentParser) -> None:
    """Add the settings of a run; None stands for the default."""
    reading_options(parser)
    add = parser.add_argument_group("the model").add_argument
    words = "conv_vae (the default for pictures and signals), conv_autoencoder or "
    words += "conv_conditional_vae; the same with dense_; with table_ (the default for rows)"
    add("--model", metavar="NAME", help=words)
    words = "numbers in a code; default 32, for rows a quarter of their length, at most 32"
    add("--latent-dim", type=integer(1), metavar="L", help=words)
    words = "sizes of the layers between, of dense_ and table_; default 512, and 64"
    add("--hidden", nargs="+", type=integer(1), metavar="M", help=words)
    words = "channels of the convolutions, each of which halves the sides; default: from 32 on "
    words += "until a side is about 4"
    add("--channels", nargs="+", type=integer(1), metavar="C", help=words)
    words = "bernoulli, gaussian=VARIANCE, squared-error, learned-gaussian or "
    words += "discretised-logistic; default bernoulli for pictures, else learned-gaussian for a "
    words += "VAE and squared-error for an autoencoder"
    add("--likelihood", metavar="NAME", help=words)
    add("--beta", type=number(0), help="weight of a VAE's KL; default 1")
    add("--free-bits", type=number(0), metavar="NATS", help="of KL that cost nothing; default 0")
    words = "what the model learns to undo: gaussian=SD, salt-and-pepper=SHARE, masking=SHARE or "
    words += "downsampling=FACTOR"
    add("--corruption", metavar="NAME=X", help=words)
    add("--dtype", choices=("float32", "float64"), help="default float32")
    group = parser.add_argument_group("the training")
    add = group.add_argument
    words = "times that all samples are learned from; default: as many as make about 1,500 steps"
    add("--epochs", type=integer(1), metavar="N", help=words)
    words = "samples a step; default 64, or all if they are fewer"
    add("--batch-size", type=integer(1), metavar="N", help=words)
    rate = number(0, open_end=True)
    add("--learning-rate", type=rate, metavar="RATE", help="default 0.001")
    add("--optimizer", choices=("adam", "adamw", "rmsprop", "sgd"), help="default adam")
    words = "share of the samples held out, drawn by the seed; default 0.1; 0 for none"
    add("--validation", type=number(0, 1), metavar="SHARE", help=words)
    words = "end after so many epochs without a better validation total, with the best weights; "
    words += "default: never"
    add("--patience", type=integer(1), metavar="N", help=words)
    words = "mirror half of the pictures of a batch, left to right"
    add("--flip", action=argparse.BooleanOptionalAction, help=words)
    words = "shift pictures at random, by so many pixels at the most"
    add("--shift", type=integer(0), metavar="PIXELS", help=words)
    add("--seed", type=integer(0, 2**63 - 1), help="of all randomness; default 0")
    words = "parts of a batch with a gradient of their own, which threads and processes share; "
    words += (
        "default 2 for pictures, 1 for rows. `mpiexec -n R python -m mpi4py -m nnscratch train "
    )
    words += "…` runs each in a process of its own, on one machine or several, with equal bits"
    add("--replicas", type=integer(1), metavar="R", help=words)
    words = "begin no epoch after so many minutes; default: no limit"
    add("--minutes", type=rate, metavar="M", help=words)
    threads(group)


def given(options: argparse.Namespace) -> dict[str, Any]:
    """Return the settings that were said, by the names of their options."""
    own = ("command", "run", "parser", "answers")
    named = {name.replace("_", "-"): value for name, value in vars(options).items()}
    return {k: v for k, v in named.items() if v is not None and k not in (*NOT_SETTINGS, *own)}


def read_toml(path: str, parser: argparse.ArgumentParser) -> dict[str, Any]:
    """Return what a file says, checked as the command line is; wrong usage ends the program."""
    try:
        said = tomllib.loads(expanded(path).read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        parser.error(f"{path}: expected a TOML file, got {error}")
    return {
        **{key: said.pop(key) for key in ("data", "out") if isinstance(said.get(key), str)},
        **checked(path, said, parser),
    }


def checked(path: str, said: Mapping[str, Any], parser: argparse.ArgumentParser) -> dict[str, Any]:
    """Return settings as the command line would have them."""
    known = [name.replace("_", "-") for name in vars(parser.parse_args([]))]
    known = [name for name in known if name not in (*NOT_SETTINGS, "run", "parser")]
    words = []
    for key, value in said.items():
        if key not in known:
            near = difflib.get_close_matches(key, [*known, "data", "out"], 1)
            hint = f"; {near[0]!r} is one" if near else f"; settings are {', '.join(known)}"
            parser.error(f"{path}: there is no setting {key!r}{hint}")
        if isinstance(value, bool):
            words.append(f"--{key}" if value else f"--no-{key}")
        elif isinstance(value, list):
            words += [f"--{key}", *map(str, value)]
        elif isinstance(value, int | float | str):
            words.append(f"--{key}={value}")
        else:
            parser.error(f"{path}: expected a number, a text, true or false, got {key} = {value}")
    return given(parser.parse_args(words))


def as_toml(settings: Mapping[str, Any]) -> str:
    """Return a TOML file of settings; what is None is left out."""
    lines = [f"{k} = {_toml(value)}" for k, value in settings.items() if value is not None]
    return "\n".join(
        ["# nnscratch train --config THIS_FILE --out ANOTHER does this again", *lines, ""]
    )


def _toml(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value).lower() if isinstance(value, bool) else repr(value)


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each setting that was said and is not that of the run."""
    return [
        f"--{name} was {before.get(name)!r} and is {value!r}"
        for name, value in now.items()
        if name not in FREE and before.get(name) != value
    ]
