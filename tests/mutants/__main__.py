"""Plant faults, and say which of them no test has seen."""

import argparse
import json
import random
import shutil
import sys
import time
from pathlib import Path
from tempfile import mkdtemp

import hypothesis  # noqa: F401  imported once, for all the processes that are forked
import numba  # noqa: F401
import numpy  # noqa: F401
import pytest  # noqa: F401

from .faults import Fault, faults, files
from .trial import TREE, copied, durations, tried

EQUIVALENT = Path(__file__).with_name("equivalent.txt")


def equivalents() -> dict[str, str]:
    """The faults that change nothing that can be seen, with the reason on the line below each."""
    lines = EQUIVALENT.read_text("utf-8").splitlines()
    return {key: reason.strip() for key, reason in zip(lines[::2], lines[1::2], strict=True)}


def drawn(root: Path, count: int, seed: int) -> list[Fault]:
    """So many of all faults, in random order; all of them if there are fewer."""
    everything = [fault for file in files(root) for fault in faults(root, file)]
    random.Random(seed).shuffle(everything)
    return everything[:count]


def main() -> int:
    """Plant and try as many as the time allows."""
    parser = argparse.ArgumentParser(description=sys.modules["tests.mutants"].__doc__)
    parser.add_argument("--at", type=Path, help="where the copy and the results are")
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=1e6)
    again = "try the survivors once more, with the tests as they are now"
    parser.add_argument("--again", action="store_true", help=again)
    options = parser.parse_args()
    until = time.monotonic() + 60 * options.minutes
    at = options.at or Path(mkdtemp(prefix="mutants-"))
    at.mkdir(parents=True, exist_ok=True)
    tree, kept = copied(at / "tree"), at / "results.json"
    found: dict[str, str] = json.loads(kept.read_text()) if kept.exists() else {}
    if options.again:
        shutil.copytree(TREE / "tests", tree / "tests", dirs_exist_ok=True)
        found = {key: verdict for key, verdict in found.items() if verdict != "passed"}
    seconds = durations(tree, at / "seconds.json", until)
    todo = drawn(tree / "nnscratch", options.count, options.seed)
    listed = equivalents()
    for fault in todo:
        if time.monotonic() > until:
            break
        if fault.key not in found and fault.key not in listed:
            found[fault.key] = tried(tree, fault, seconds)
            kept.write_text(json.dumps(found, indent=0, ensure_ascii=False))
    alike = [f for f in todo if f.key in listed]
    done = [f for f in todo if f.key in found and f.key not in listed]
    survivors = [f for f in done if found[f.key] == "passed"]
    for fault in survivors:
        print(f"SURVIVED {fault.file}:{fault.line}: {fault.old} -> {fault.new}")
    print(
        f"{len(todo)} faults: {len(done) - len(survivors)} found by the tests, {len(alike)} change "
        f"nothing that can be seen, {len(survivors)} survive, "
        f"{len(todo) - len(done) - len(alike)} not tried yet"
    )
    return bool(survivors)


if __name__ == "__main__":
    sys.exit(main())
