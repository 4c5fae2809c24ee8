"""Runs a demo: a page of the lesson, with its figures. Without a name it lists them.

The demos are a package of their own, `demos`, at the top of a checkout. A wheel has them in
nnscratch/bundled, so that no package of such a general name lies among those of others. Either way
they are imported as `demos`.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

COMMAND = "nnscratch demo"


def main(words: Sequence[str] | None = None) -> int:
    """Run the demo that the first word names, with the options behind it; return the exit code.

    Raises
        SystemExit as argparse does, or with a sentence that says what is wrong.
    """
    words = sys.argv[1:] if words is None else list(words)
    sys.path.insert(0, str(place()))
    vars(import_module("demos"))["COMMAND"] = COMMAND
    return int(import_module("demos.__main__").main(words))


def place() -> Path:
    """Return the folder in which the package `demos` lies.

    Raises
        SystemExit if there is none: somebody has taken the package out of its checkout by hand.
    """
    package = Path(__file__).parents[1]
    for folder in (package / "bundled", package.parent):
        if (folder / "demos" / "__main__.py").is_file():
            return folder
    sys.exit(f"error: {package} was installed without its demos; pip install nnscratch has them")
