"""Explain a layer or loss on the terminal, or on a page.

python -m nnscratch.explain                       the names
python -m nnscratch.explain Dense
python -m nnscratch.explain Dense --html dense.html
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ..exits import exit_code
from ..files import write_whole
from .examples import EXAMPLES, example


def main(words: Sequence[str] | None = None) -> int:
    """Return the exit code: 0, or 2 for a name that there is not."""
    parser = argparse.ArgumentParser(
        prog="python -m nnscratch.explain",
        description="Explain a layer or loss by one small example: each line of its source with "
        "its numbers, and each term of the chain rule beside its finite difference.",
    )
    parser.add_argument("name", nargs="?", help="which; without it the names are listed")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page instead")
    options = parser.parse_args(words)
    if options.name is None:
        print("\n".join(EXAMPLES))
        return 0
    try:
        found = example(options.name)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if options.html is None:
        print(found)
    else:
        try:
            path = write_whole(options.html, found.html().encode(), f"explain {options.name}")
        except OSError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(main))
