"""A fault on trial: it is planted in a copy of the tree, and the tests that concern its file run.

Each run of tests is a process of its own, forked from one that has imported NumPy, Numba, pytest
and Hypothesis but nothing of nnscratch, which saves most of the time that a start takes.
"""

import ast
import json
import os
import re
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path

import pytest

from .faults import Fault

TREE = Path(__file__).parents[2]

LEFT_OUT = re.compile(
    "faults|numba_internals|demos|notebooks|benchmarks|threads|kill|cache|docs|interrupt|plots|mnist|fuzz"
    "|folder|fork_join|subnormals|public|imports|signatures|reading|torch|exercises|book|mutants"
)
"""Tests that read the source, that plant faults themselves, or that are about something else."""

OPTIONS = [
    *("-x", "-q", "--tb=line", "-p", "no:cacheprovider"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # Hypothesis has been imported before
]

BUDGET = 15.0
"""Seconds of tests for one fault, beside the tests that have the name of its file."""

ALSO = {
    "layers": "test_layer_contract test_proofs",
    "layers/standardise.py": "test_norm",
    "layers/batch_norm.py": "test_norm",
    "layers/earlier.py": "test_moved",
    "kernels": "test_layer_contract test_proofs",
    "models": "test_autoencoder test_vae",
}
"""Tests that come first for a file, or for all files of a folder, beside those of its name."""

Seconds = dict[str, float]


def copied(to: Path) -> Path:
    """The copy of the tree, made if there is none: the package, its tests, and what tests read."""
    if not to.exists():
        ignore = shutil.ignore_patterns(".git", "out", ".hypothesis", ".*_cache", "notes")
        shutil.copytree(TREE, to, ignore=ignore)
    return to


def run(tree: Path, tests: list[str], *, plain: bool, limit: float) -> str:
    """Run tests in the tree: "passed", "endless", or the first one that failed."""
    said = tree.parent / "said.txt"
    said.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        os.setsid()
        out = os.open(said, os.O_WRONLY | os.O_CREAT)
        os.dup2(out, 1)
        os.dup2(out, 2)
        os.chdir(tree)
        os.environ |= {"NNSCRATCH_PLAIN": str(int(plain)), "PYTHONDONTWRITEBYTECODE": "1"}
        os.environ["PYTHONPATH"] = str(tree)
        sys.dont_write_bytecode = True
        sys.path[:] = [str(tree), *(p for p in sys.path if p and Path(p) != TREE)]
        for name in [m for m in sys.modules if m.partition(".")[0] in ("tests", "nnscratch")]:
            del sys.modules[name]
        code = 3
        try:
            code = int(pytest.main([*OPTIONS, *tests]))
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    start = time.monotonic()
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        if time.monotonic() - start > limit:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "endless"
        time.sleep(0.02)
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        return "passed"
    if code > 2:
        raise RuntimeError(f"pytest could not run {tests}: exit {code}, see {said}")
    words = said.read_text(errors="replace") if said.exists() else ""
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", words, re.M)
    return failed[0] if failed else f"exit {code}"


def names_of(path: Path, root: Path) -> set[str]:
    """What a module is called, and the functions and classes that it defines."""
    tree = ast.parse(path.read_bytes())
    defined = {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    module = str(path.relative_to(root).with_suffix("")).replace("/", ".")
    return {n for n in defined if not n.startswith("_")} | {module}


def durations(tree: Path, kept: Path, until: float) -> Seconds:
    """How long each file of tests takes, on the copy as it is, where all of them must pass."""
    seconds: Seconds = json.loads(kept.read_text()) if kept.exists() else {}
    for path in sorted((tree / "tests").glob("test_*.py")):
        for plain in (False, True):
            name = f"{path.name}{' plain' if plain else ''}"
            if LEFT_OUT.search(path.name) or name in seconds or time.monotonic() > until:
                continue
            found = ""
            for _ in range(2):  # the first run compiles kernels
                start = time.monotonic()
                found = run(tree, [f"tests/{path.name}"], plain=plain, limit=300)
                seconds[name] = time.monotonic() - start
                if seconds[name] < 4:
                    break
            if found != "passed":
                seconds[name] = 1e6  # of no use: it fails without a fault
                print(f"left out, since it fails as it is: {name}: {found}", flush=True)
            kept.write_text(json.dumps(seconds))
    return seconds


def concerned(tree: Path, file: str, seconds: Seconds) -> tuple[list[str], bool]:
    """The tests of a file, and whether they run on the plain path: those of its name come first.

    Then come the others that mention what it defines, from the fastest on, within the budget.
    """
    plain = file.startswith("kernels/plain")
    mark = " plain" if plain else ""
    stem = Path(file).stem
    words = names_of(tree / "nnscratch" / file, tree / "nnscratch")
    pattern = re.compile("|".join(rf"\b{re.escape(w)}\b" for w in sorted(words)))
    first = f"{ALSO.get(file.partition('/')[0], '')} {ALSO.get(file, '')}".split()
    own, others = [], []
    for path in (tree / "tests").glob("test_*.py"):
        cost = seconds.get(path.name + mark, 1e6)
        if cost >= 1e6:
            continue
        if path.stem in (f"test_{stem}", f"test_{stem}s", *first):
            own.append(path.name)
        elif pattern.search(path.read_text()):
            others.append((cost, path.name))
    spent = 0.0
    for cost, name in sorted(others):
        spent += cost
        if spent < BUDGET:
            own.append(name)
    return [f"tests/{name}" for name in own], plain


def tried(tree: Path, fault: Fault, seconds: Seconds) -> str:
    """Plant the fault, run the tests, take it out again; return what `run` says."""
    path = tree / "nnscratch" / fault.file
    source = path.read_bytes()
    for stale in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        stale.unlink()
    tests, plain = concerned(tree, fault.file, seconds)
    if not tests:
        raise RuntimeError(f"no test concerns {fault.file}")
    try:
        path.write_bytes(fault.planted(source))
        return run(tree, tests, plain=plain, limit=3 * BUDGET + 30)
    finally:
        path.write_bytes(source)
