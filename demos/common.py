"""What every demo needs and no reader came for: options, data, a table, files."""

import argparse
import json
import os
import platform
import shlex
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from matplotlib.figure import Figure

import demos
import nnscratch
from demos import OPTIONS, STARTED, page
from nnscratch.core import IntArray
from nnscratch.data import Dataset, Split, digits, fashion_mnist, mnist, read_set
from nnscratch.files import expanded, write_whole
from nnscratch.plots import save
from nnscratch.training import Trainer

Options = argparse.Namespace
Row = Sequence[Any]

SMOKE = 256
"""Images that a smoke test trains on, and is tested on."""

LEAST = 128
"""Images to learn from that every demo needs: a batch."""

NAMED = {"mnist": mnist, "fashion-mnist": fashion_mnist}
"""Sets that --data takes by name: found as `mnist` finds them, or downloaded once."""

SETS = f"the four IDX files of a set, or {' or '.join(NAMED)}; default: embedded digits"


def between(low: int, high: int) -> Any:
    """Return the type of an option that is an integer from `low` to `high`."""

    def integer(text: str) -> int:
        if not low <= (value := int(text)) <= high:
            raise argparse.ArgumentTypeError(f"expected {low} to {high}, got {text}")
        return value

    return integer


def begin(
    name: str,
    *,
    epochs: int = 0,
    latent: int = 0,
    least: int = 1,
    resume: bool = True,
    own: Mapping[str, Mapping[str, Any]] | None = None,
    data: str = SETS,
) -> Options:
    """Print a demo's first screen, its docstring, and return the options it was called with.

    epochs, latent  defaults; without them (0) there is no such option
    least           the smallest latent size
    resume          whether there are checkpoints, from which a run goes on
    own             options that no other demo has: the arguments of argparse for each, by its name
    data            what --data takes; "" if there is no such option
    """
    text = page(name)
    parser = argparse.ArgumentParser(
        prog=f"{demos.COMMAND} {name}",
        description=text,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    for option, arguments in (own or {}).items():
        add(option, **arguments)
    if epochs and data:
        add("--data", metavar="DIR", help=data)
    if epochs:
        add("--epochs", type=between(1, 10_000), help=f"default {epochs}, with --smoke 1")
        if resume:
            add("--resume", action="store_true", help="go on from the checkpoint under --out")
        add("--threads", type=between(1, 1024), help="default one a core; changes no result")
    if latent:
        size = between(least, 784)
        add("--latent", type=size, default=latent, help=f"code size, default {latent}")
    add("--seed", type=between(0, 2**63 - 1), default=0, help="of all randomness, default 0")
    out = Path("out", name)
    add("--out", metavar="DIR", type=expanded, default=out, help=f"default out/{name}")
    add("--smoke", action="store_true", help="tiny and quick: does it run at all?")
    words = shlex.split(os.environ.get(OPTIONS, "")) if kernel() else None  # or sys.argv
    options = parser.parse_args(words)
    if epochs and options.epochs is None:
        options.epochs = 1 if options.smoke else epochs
    options.command = _command(name, options)
    options.out.mkdir(parents=True, exist_ok=True)  # or fail before the work, not after it
    print(f"{text}\n\nThis run again:  {options.command}\n", flush=True)
    return options


def _command(name: str, options: Options) -> str:
    """Return the command that does the same again, whatever the defaults will be by then."""
    words = [*shlex.split(demos.COMMAND), name]
    for key, value in vars(options).items():
        if value is True and key != "resume":
            words.append(f"--{key}")
        elif not isinstance(value, bool) and value is not None and key != "threads":
            words += [f"--{key}", str(value)]
    return shlex.join(words)


def kernel() -> Any:
    """Return the kernel of the notebook that this runs in, or None."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None)


def refuse(error: Exception) -> NoReturn:
    """End the program in one sentence; a notebook, which does not end, shows the error itself."""
    if kernel():
        raise error
    sys.exit(f"error: {error}")


def load(options: Options) -> Split[Dataset]:
    """Return the images to learn from and those held out; end the program if there are none."""
    try:
        data = _read(options.data)
        if len(data.train) < LEAST:
            raise ValueError(f"{options.data}: expected {LEAST} images or more to learn from")
        if np.ptp(data.train.labels) == 0:
            raise ValueError(f"{options.data}: expected images of two classes or more")
    except (OSError, ValueError) as error:
        refuse(error)
    if options.smoke:
        data = Split(*(part[smoke_rows(part)] for part in data))
    train, test = data
    source = f"{train.name} in {options.data}" if options.data else train.name
    many = train.nouns[1]
    print(f"{len(train):,} {many} to learn from, {len(test):,} held out: {source}")
    if many != "digits":
        print("What this page says, and its figures, are of MNIST.")
    print()
    return data


def _read(place: str | None) -> Split[Dataset]:
    """Return the set that --data asks for, by its directory or by its name."""
    if place is None:
        return digits()
    if place in NAMED and not Path(place).exists():
        return NAMED[place]()
    return read_set(place)


def smoke_rows(data: Dataset) -> IntArray:
    """Return the first rows, and the first of every class."""
    return np.union1d(np.arange(min(SMOKE, len(data))), first_of_each(data))


def first_of_each(data: Dataset) -> IntArray:
    """Return the row of the first image of every class."""
    return np.unique(data.labels, return_index=True)[1]


def one_of_each(data: Dataset) -> IntArray:
    """Return the first of every class, at most ten of them: nobody chose the fine ones."""
    return first_of_each(data)[:10]


def model_for(make: Callable[..., Any], **options: Any) -> Any:
    """Return make(**options); end the program in a sentence if it is not for such images."""
    try:
        return make(**options)
    except ValueError as error:
        refuse(error)


def fit(trainer: Trainer, data: Split[Dataset], options: Options, name: str = "training") -> None:
    """Train, with a checkpoint after every epoch, from which --resume goes on after a Ctrl-C."""
    checkpoint = options.out / f"{name}.safetensors"
    if options.resume and checkpoint.exists():
        try:
            trainer.resume(checkpoint)
        except (OSError, ValueError) as error:
            refuse(error)
        print(f"{checkpoint} goes on after epoch {trainer.epoch}")
    try:
        run = {"validation": data.test, "epochs": options.epochs, "checkpoint": checkpoint}
        trainer.fit(data.train, progress=True, **run)
    except KeyboardInterrupt:
        print(f"\nStopped; {checkpoint} is written. Go on:  {options.command} --resume")
        if kernel():
            raise
        sys.exit(130)


def picture(options: Options, name: str, figure: Figure) -> None:
    """Write a picture and say where; show it too, in a notebook."""
    print(f"    {save(figure, options.out / f'{name}.png')}", flush=True)
    if kernel():
        from IPython.display import display

        display(figure)


def report(options: Options, head: Sequence[str], rows: Sequence[Row], **others: Any) -> None:
    """Print a table, write it with all that defines the run as JSON, and say goodbye."""
    print(f"\n{table(head, rows)}\n")
    seconds = time.perf_counter() - STARTED
    entries = {
        "command": options.command,
        "seconds": round(seconds, 1),
        "versions": versions(),
        "table": [dict(zip(head, row, strict=True)) for row in rows],
        **others,
    }
    text = json.dumps(entries, indent=2, ensure_ascii=False, default=asdict)
    data = f"{text}\n".encode(errors="backslashreplace")  # a path may be no Unicode
    path = write_whole(options.out / "numbers.json", data, "table")
    print(f"The numbers are in {path}. {seconds:.0f} s in all.")


def versions() -> dict[str, str]:
    """Return what a figure may depend on, beside the seed."""
    modules = {module.__name__: module.__version__ for module in (nnscratch, np)}
    try:
        modules["numba"] = metadata.version("numba")  # which the plain path does not import
    except metadata.PackageNotFoundError:
        modules["numba"] = "none"
    return modules | {"python": platform.python_version()}


def table(head: Sequence[str], rows: Sequence[Row]) -> str:
    """Return rows under a head: the first column to the left, numbers to the right."""
    lines = [list(head), *([cell(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = [
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip()
        for line in lines
    ]
    return "\n".join([text[0], "-" * max(map(len, text)), *text[1:]])


def cell(value: Any) -> str:
    """Return what stands in a table for a value."""
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < 1 else f"{value:.2f}"
    return "" if value is None else str(value)
