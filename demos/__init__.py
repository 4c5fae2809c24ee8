"""Pages of the lesson that run: `python -m demos` lists them.

Each is a notebook as well, a cell from one `# %%` to the next. There is no command line there: its
options are in the environment variable NNSCRATCH_OPTIONS, say by a first cell with
%env NNSCRATCH_OPTIONS=--epochs 5 --data DIR
"""

import ast
import time
from pathlib import Path

STARTED = time.perf_counter()
HERE = Path(__file__).parent
OPTIONS = "NNSCRATCH_OPTIONS"

COMMAND = "python -m demos"
"""What starts a demo, by which every page calls it. `nnscratch demo` puts its own name here."""


def names() -> list[str]:
    """Return the names of all demos."""
    return sorted(p.stem for p in HERE.glob("*.py") if p.stem[0] != "_" and p.stem != "common")


def page(name: str) -> str:
    """Return the docstring of a demo, from its file, with the command that starts it here.

    Python drops it with -OO, and in a notebook __doc__ is another one.
    """
    source = (HERE / f"{name}.py").read_text("utf-8")
    text = ast.get_docstring(ast.parse(source)) or ""
    return text.replace("python -m demos", COMMAND)
