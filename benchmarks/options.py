"""The options that all benchmarks share."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nnscratch.files import expanded
from nnscratch.kernels.machine.threads import cores

SMOKE_STEPS = 3
"""Steps of training in a smoke test."""


@dataclass(frozen=True)
class Options:
    """What to measure and for how long."""

    workloads: list[str]
    contenders: list[str]
    rounds: int
    seconds: float
    threads: int
    out: Path
    smoke: bool
    after: int
    before: Path | None


def parse(
    doc: str | None,
    argv: Sequence[str],
    workloads: Sequence[str],
    *,
    smoke: Sequence[str],
    rounds: int = 5,
    seconds: float = 1.0,
    threads: int | None = None,
    after: int = 0,
) -> Options:
    """Read a benchmark's options; `doc` is its docstring, None with python -OO.

    workloads  all there are       smoke  those of --smoke, which takes one short round
    after      steps of training before the clock starts; 0 where a benchmark does not train
    """
    first, _, rest = (doc or "").partition("\n")
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks …",
        description=first,
        epilog=rest,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    known = ",".join(workloads)
    parser.add_argument("--workloads", default=known, help=f"some of {known}")
    parser.add_argument("--contenders", default="", help="only those, by a part of their names")
    parser.add_argument("--rounds", type=int, default=rounds, help="turns of each contender")
    parser.add_argument("--seconds", type=float, default=seconds, help="length of a turn")
    if after:
        parser.add_argument("--after", type=int, default=after, help="steps before late ones")
    parser.add_argument("--threads", type=int, default=threads or cores(), help="cores for each")
    help = "a checkout of another version of nnscratch, which takes part as a peer"
    parser.add_argument("--before", type=expanded, help=help)
    out = Path("out", "benchmarks")
    parser.add_argument("--out", type=expanded, default=out, help="folder for files")
    parser.add_argument("--smoke", action="store_true", help="as little as shows that it works")
    given = parser.parse_args(argv)
    chosen = list(smoke) if given.smoke else given.workloads.split(",")
    for name in chosen:
        if name not in (*workloads, *smoke):
            parser.error(f"--workloads: expected some of {known}, got {name!r}")
    if not 1 <= given.threads <= cores():
        parser.error(f"--threads: expected 1 to {cores()}, got {given.threads}")
    if given.before is not None and not (given.before / "benchmarks" / "peers").is_dir():
        parser.error(f"--before: expected a checkout with benchmarks/peers, got {given.before}")
    after = given.after if after else 0
    if after < 0:
        parser.error(f"--after: expected 0 or more, got {after}")
    return Options(
        chosen,
        given.contenders.lower().split(","),
        1 if given.smoke else given.rounds,
        0.05 if given.smoke else given.seconds,
        given.threads,
        given.out,
        given.smoke,
        min(after, SMOKE_STEPS) if given.smoke else after,
        given.before,
    )
