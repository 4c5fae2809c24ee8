"""The numbers that a demo writes, and how the book prints them."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from book.ids import ROOT


@cache
def written(demo: str) -> dict[str, Any]:
    """Return what a demo, run once with its defaults, writes as numbers.json."""
    with TemporaryDirectory() as folder:
        command = (sys.executable, "-m", "demos", demo, "--out", folder)
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        numbers: dict[str, Any] = json.loads((Path(folder) / "numbers.json").read_text("utf-8"))
    return numbers


def mean_of(values: list[float], digits: int) -> str:
    return f"{np.mean(values):.{digits}f}"


def with_spread(values: list[float], digits: int) -> str:
    """Return the mean over runs, with the standard deviation."""
    return f"{np.mean(values):.{digits}f} ± {np.std(values, ddof=1):.{digits}f}"


def share_of(values: list[float], digits: int) -> str:
    return f"{100 * np.mean(values):.{digits}f} %"
