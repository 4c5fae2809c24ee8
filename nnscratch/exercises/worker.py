"""The process in which an answer runs: python -m nnscratch.exercises.worker (see `run`).

What an answer prints does not mix with the result, which goes to a file of its own; a loop without
an end is stopped by an alarm, from within, so that the report can name the line.
"""

import ast
import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from .catalogue import find
from .guard import NotAllowed, check_source, hidden, own_builtins
from .problem import Finding
from .trial import TimeUp, Trial

HOME = Path(__file__).parents[2]
MEGABYTE = 2**20
PRINTED = 12
"""How many lines of what an answer prints are shown."""


@dataclass(frozen=True)
class Verdict:
    """What came out of a check: the findings, and what the answer printed."""

    findings: list[Finding]
    printed: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Does every claim hold?"""
        return bool(self.findings) and all(finding.ok for finding in self.findings)

    @property
    def blank(self) -> bool:
        """Is nothing written yet?"""
        return all(finding.found.endswith("not written yet") for finding in self.findings)


def grade(name: str, source: str, path: str, seed: int) -> list[Finding]:
    """Try the claims of an exercise on an answer, in this process."""
    try:
        tree = ast.parse(source, path)
        code = compile(tree, path, "exec")
    except (SyntaxError, ValueError) as error:
        return [Finding("the file is Python", False, _of_syntax(error))]
    free = find(name).free
    answer: dict[str, Any] = {"__name__": "answer", "__file__": path}
    if not free:
        answer["__builtins__"] = own_builtins()
        try:
            check_source(tree)
        except NotAllowed as error:
            return [Finding("the answer is your own", False, str(error))]
    trial = Trial(answer, np.random.default_rng(seed), path, source)
    trial.free = free
    try:
        with trial.claim("the file runs"), nullcontext() if free else hidden():
            exec(code, answer)
        if not trial.ok:
            return trial.findings
        trial.findings.clear()
        with np.errstate(all="ignore"):
            import_module(f"{__package__}.graders.{name}").grade(trial)
    except (NotAllowed, TimeUp):
        pass  # it is among the findings
    return trial.findings


def _of_syntax(error: Exception) -> str:
    if not isinstance(error, SyntaxError):
        return str(error)
    text = (error.text or "").strip()
    return f"line {error.lineno}: {text}\n{type(error).__name__}: {error.msg}"


def run(name: str, path: Path, seed: int, seconds: float = 20.0) -> Verdict:
    """Grade a file in a process of its own, which has so many seconds."""
    with tempfile.TemporaryDirectory() as folder:
        result, printed = Path(folder, "result"), Path(folder, "printed")
        words = [sys.executable, "-m", __name__, name, str(path), str(seed), str(seconds)]
        # Plain NumPy on one thread: nothing is compiled, and the numbers do not depend on threads.
        single = {f"{lib}_NUM_THREADS": "1" for lib in ("OMP", "OPENBLAS", "MKL")}
        single["NNSCRATCH_PLAIN"] = "1"
        home = os.pathsep.join([str(HOME), *filter(None, [os.environ.get("PYTHONPATH")])])
        env = os.environ | ({} if find(name).free else single) | {"PYTHONIOENCODING": "utf-8"}
        env |= {"PYTHONPATH": home}  # where this package is, whatever the current folder
        died = ""
        with printed.open("wb") as out:
            try:
                process = subprocess.run(
                    [*words, str(result)],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    env=env,
                    timeout=seconds + 5,
                )
                died = f"the process ended with exit code {process.returncode}"
            except subprocess.TimeoutExpired:
                died = f"still running after {seconds:g} s, and not to be stopped from within"
        lines = printed.read_bytes()[:MEGABYTE].decode("utf-8", "replace").splitlines()
        if len(lines) > PRINTED:
            lines = [*lines[:PRINTED], f"… and {len(lines) - PRINTED} lines more"]
        try:
            findings = [Finding(**entry) for entry in json.loads(result.read_text("utf-8"))]
        except (OSError, ValueError):
            findings = [Finding("the answer comes to an end", False, died)]
        return Verdict(findings, lines)


def main(name: str, path: str, seed: str, seconds: str, result: str) -> None:
    """Grade a file, and write the findings to another."""

    def stop(number: int, frame: object) -> None:
        raise TimeUp(float(seconds))

    if not find(name).free:
        _limit()
    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, float(seconds))
    source = Path(path).read_bytes().decode("utf-8", "replace")
    findings = grade(name, source, path, int(seed))
    signal.setitimer(signal.ITIMER_REAL, 0)
    Path(result).write_text(json.dumps([asdict(finding) for finding in findings]), "utf-8")


def _limit() -> None:
    """No file of over a megabyte (a loop may print), no more than eight gigabytes of memory."""
    import resource

    for what, most in ((resource.RLIMIT_FSIZE, MEGABYTE), (resource.RLIMIT_AS, 8192 * MEGABYTE)):
        _, hard = resource.getrlimit(what)
        limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (limit, hard))


if __name__ == "__main__":
    main(*sys.argv[1:])
