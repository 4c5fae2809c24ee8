"""Options that several subcommands have, each defined once; and the types of their values."""

import argparse
from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import Any

from .. import pretrained

TRAINED = "pretrained:"
"""What stands before the name of a trained network of the package."""

EXAMPLES = argparse.RawDescriptionHelpFormatter
"""Keeps the lines of the examples at the end of a help."""


def subcommand(commands: Any, module: Any, purpose: str, examples: str) -> argparse.ArgumentParser:
    """Add the parser of a subcommand, which is called as its module is, with --json."""
    name = module.rpartition(".")[2]
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=purpose,
        description=f"{purpose[0].upper()}{purpose[1:]}.",
        epilog=f"examples:\n{examples}",
        formatter_class=EXAMPLES,
    )
    words = "print the result as JSON on standard output, and everything else on standard error"
    parser.add_argument("--json", action="store_true", help=words)
    return parser


def model_file(parser: argparse.ArgumentParser) -> None:
    """MODEL."""
    words = "model.safetensors or checkpoint.safetensors of `train`, a file of nnscratch.save, or "
    words += f"{TRAINED}NAME, a trained network of the package: {', '.join(pretrained.NAMES)}"
    parser.add_argument("model", metavar="MODEL", type=place_of_model, help=words)


def place_of_model(text: str) -> str:
    """Return the path of a model file, which may be one of the package's."""
    name = text.removeprefix(TRAINED)
    if name == text:
        return text
    try:
        return str(pretrained.file(name))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def out(parser: argparse.ArgumentParser, words: str, *endings: str, folder: bool = False) -> None:
    """--out, a file with one of these endings, or a folder."""
    known = " or ".join([*endings, "a folder"] if folder else endings)
    kind = out_file(*endings, folder=folder)
    parser.add_argument("--out", metavar="FILE", required=True, type=kind, help=f"{words}: {known}")


def seed(parser: argparse.ArgumentParser) -> None:
    """--seed of all that is drawn."""
    words = "of what is drawn; default 0"
    parser.add_argument("--seed", type=integer(0, 2**63 - 1), default=0, help=words)


def threads(parser: Any) -> None:
    """--threads."""
    words = "threads that work; default one a core; changes no result"
    parser.add_argument("--threads", type=integer(1, 1024), metavar="N", help=words)


def integer(least: int, most: int = 2**48) -> Any:
    """Return the type of an option that is an integer from `least` to `most`."""

    def whole(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            up_to = "" if most == 2**48 else f" and ≤ {most}"
            raise argparse.ArgumentTypeError(f"expected an integer ≥ {least}{up_to}, got {text!r}")
        return value

    return whole


def number(least: float, below: float = float("inf"), *, open_end: bool = False) -> Any:
    """Return the type of an option that is a number from `least`, or above it, and below another"""

    def real(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        low = least < value if open_end else least <= value
        if not (isfinite(value) and low and value < below):
            end = f" and < {below:g}" if isfinite(below) else ""
            sign = ">" if open_end else "≥"
            raise argparse.ArgumentTypeError(f"expected {sign} {least:g}{end}, got {text!r}")
        return value

    return real


def out_file(*endings: str, folder: bool = False) -> Callable[[str], str]:
    """Return the type of --out: a file with one of these endings, or a folder without any."""

    def named(text: str) -> str:
        ending = Path(text).suffix.lower()
        if ending in endings or (folder and not ending):
            return text
        want = ", ".join(endings) + (" or a folder" if folder else "")
        raise argparse.ArgumentTypeError(f"expected a name that ends in {want}, got {text!r}")

    return named
