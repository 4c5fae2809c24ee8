"""Lists the trained networks of the package, or makes one again: see --help."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ..exits import exit_code
from ..files import write_whole
from ..training.checkpoint import unpack
from . import NAMES, about, file, load
from .make import make
from .recipes import RECIPES

HEAD = ("network", "", "parameters", "bytes", "held out: loss", "on pixels")


def row(name: str) -> tuple[str, ...]:
    """Return the cells of a network in the table."""
    parameters = sum(p.value.size for p in load(name).parameters().values())
    terms, size = about(name)["held_out"], file(name).stat().st_size
    losses = (f"{terms[term]:.2f}" for term in ("total", "reconstruction"))
    return name, RECIPES[name].words, f"{parameters:,}", f"{size:,}", *losses


def table() -> str:
    """Return the table of all networks, and their size in all."""
    rows = [HEAD, *map(row, NAMES)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join([*map(str.ljust, r[:2], widths[:2]), *map(str.rjust, r[2:], widths[2:])])
        for r in rows
    ]
    total = sum(file(name).stat().st_size for name in NAMES)
    return "\n".join([*lines, f"\n{total:,} bytes in all. nn.pretrained.load(NAME) loads one."])


def differences(ours: Path, theirs: Path) -> str:
    """Return in which way two model files differ; nothing if they are the same bytes."""
    if ours.read_bytes() == theirs.read_bytes():
        return ""
    (a, _), (b, _) = unpack(ours), unpack(theirs)
    if {n: x.shape for n, x in a.items()} != {n: x.shape for n, x in b.items()}:
        return "other arrays"
    bits = [(a[n].view(np.uint16) != b[n].view(np.uint16)).sum() for n in a]
    wrong, size = int(sum(bits)), sum(x.size for x in a.values())
    return f"{wrong:,} of {size:,} weights differ" if wrong else "same weights, other description"


def remade(name: str, options: argparse.Namespace) -> bool:
    """Train a network again; is its file the same to the bit, or has it been written?"""
    start = time.perf_counter()
    with TemporaryDirectory() as folder:
        path = Path(folder, name)
        least = make(name, path, threads=options.threads)
        if options.write:
            write_whole(file(name), path.read_bytes(), "model")
        wrong = differences(file(name), path)
    print(
        f"{name}: {wrong or 'the same to the bit'}; {time.perf_counter() - start:.0f} s; another "
        f"number would have come of the closest weight if it were {least:.0e} larger or smaller",
        flush=True,
    )
    return not wrong


def main(words: Sequence[str] | None = None) -> int:
    """Return the exit code: 0, or 1 if a network is not what it was."""
    parser = argparse.ArgumentParser(
        prog="python -m nnscratch.pretrained",
        description="List the trained networks of the package; or train some again, on the "
        "package's digits, and compare all bits. The exit code is 1 if one differs.",
    )
    names = f"one or more of {', '.join(NAMES)}, or all"
    parser.add_argument("names", metavar="NAME", nargs="*", help=names)
    parser.add_argument("--threads", type=int, help="default one a core; changes no bit")
    parser.add_argument("--write", action="store_true", help="put the result into the package")
    options = parser.parse_args(words)
    unknown = set(options.names) - {*NAMES, "all"}
    if unknown:
        parser.error(f"expected {names}, got {', '.join(sorted(unknown))}")
    if not options.names:
        print(table())
        return 0
    wanted = NAMES if "all" in options.names else options.names
    return 0 if all([remade(name, options) for name in wanted]) else 1


if __name__ == "__main__":
    sys.exit(exit_code(main))
