"""What a subcommand answers, and the files that it writes."""

import argparse
import json
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any


def answer(options: argparse.Namespace, found: Mapping[str, Any]) -> None:
    """Print the result on standard output, if it was asked for with --json."""
    if options.json:
        text = json.dumps(finite(found), indent=2, ensure_ascii=False, allow_nan=False)
        print(text, file=options.answers)


def finite(a: Any) -> Any:
    """Return what JSON knows of it: no NaN, infinity or number of NumPy's."""
    if isinstance(a, Mapping):
        return {str(key): finite(value) for key, value in a.items()}
    if isinstance(a, list | tuple):
        return [finite(value) for value in a]
    if hasattr(a, "tolist"):
        return finite(a.tolist())
    if isinstance(a, float) and not isfinite(a):
        return None
    return a if a is None or isinstance(a, bool | int | float | str) else str(a)


def wrote(path: Path, what: str) -> None:
    """Say what a file is that was written."""
    print(f"{path}: {what}", flush=True)
