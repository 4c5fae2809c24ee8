"""Prove every public layer and loss, and print what was found.

    python -m nnscratch.gradcheck [--json FILE] [--seed SEED]

proofs.py says what the columns are. The exit code is 1 if something fails.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from ..exits import exit_code
from ..files import write_whole
from . import peers
from .proofs import LIMITS, Proof, proofs

HEAD = ("layer or loss", "entries", *LIMITS, "verdict")
WIDTHS = (26, 7, 7, 7, 7, 7, 7, 5, 7, 7)


def line(words: Sequence[str]) -> str:
    """A row of the table, at most a hundred columns wide."""
    first, *rest = words
    cells = (word.rjust(width) for word, width in zip(rest, WIDTHS[1:], strict=True))
    return " ".join([first.ljust(WIDTHS[0]), *cells])


def row(found: Proof) -> str:
    """The row of a layer or loss; an error that is too large has a ! behind it."""
    cells = []
    for name in LIMITS:
        error = found.errors.get(name)
        words = "-" if error is None else f"{error:.1f}" if LIMITS[name] > 1 else f"{error:.0e}"
        cells.append(words + "!" * (name in found.failed))
    return line([found.name, str(found.entries), *cells, "ok" if found.ok else "FAILED"])


def main(words: Sequence[str] | None = None) -> int:
    """Return the exit code: 0, or 1 if something fails."""
    parser = argparse.ArgumentParser(
        prog="python -m nnscratch.gradcheck",
        description="Prove every public layer and loss: backward against differences, the complex "
        "step and the adjoint identity, kernels against definitions and PyTorch, float32 against "
        "float64, noise against its moments. The exit code is 1 if something fails.",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the numbers that are drawn")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the errors to a file too")
    options = parser.parse_args(words)
    print(line(HEAD))
    found = []
    for one in proofs(options.seed):
        print(row(one), flush=True)
        found.append(one)
    wrong = [one for one in found if not one.ok]
    for one in wrong:
        limits = (f"{name} {one.errors[name]:.1e} > {LIMITS[name]:.0e}" for name in one.failed)
        print(f"\n{one.name}: {'; '.join([*limits, *one.words])}")
        if one.report is not None and not one.report:
            print(one.report)
    print(f"\n{len(found) - len(wrong)} proved, {len(wrong)} failed")
    if peers.torch_or_none() is None:
        print("PyTorch is not installed: the column =torch is empty")
    if options.json is not None:
        keys = ("name", "ok", "entries", "errors", "words")
        data = json.dumps([{key: getattr(one, key) for key in keys} for one in found], indent=1)
        write_whole(options.json, data.encode(), "gradcheck")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(exit_code(main))
