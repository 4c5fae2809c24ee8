"""Machines that are network namespaces of this one, each with a wire of its own to one switch.

What a namespace has is an address. The ranks of one talk to those of another by TCP alone, and the
kernel holds what each sends to so many bits a second (tc's token bucket).
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which

LAUNCHER = """#!/bin/sh
# launch HOST COMMAND: what ssh would do, into the namespace that has this address
while [ "${{1#-}}" != "$1" ]; do shift; done
host=$1
shift
exec ip netns exec "{prefix}-${{host##*.}}" sh -c "$*"
"""


@dataclass(frozen=True)
class Machines:
    """Namespaces by their names, and how an mpiexec over them begins."""

    names: list[str]
    launcher: Path

    def mpiexec(self, program: Path) -> list[str]:
        """Return the words that run this mpiexec; `-n` and what follows it are not among them."""
        hosts = ",".join(f"10.9.0.{n}" for n in range(1, len(self.names) + 1))
        inside = ["ip", "netns", "exec", self.names[0], str(program)]
        return [*inside, "-launcher", "ssh", "-launcher-exec", str(self.launcher), "-hosts", hosts]

    def environment(self) -> dict[str, str]:
        """Return the environment in which the ranks do not find each other by shared memory."""
        return os.environ | {"UCX_TLS": "tcp,self"}

    def bytes_sent(self) -> int:
        """Return how much the first machine has sent."""
        path = "/sys/class/net/wire/statistics/tx_bytes"
        return int(_run("ip", "netns", "exec", self.names[0], "cat", path))


def missing() -> str:
    """Return why there can be no namespaces here, empty if there can."""
    absent = [name for name in ("ip", "tc") if not which(name)]
    if absent:
        return f"network namespaces need {' and '.join(absent)} (Debian: apt install iproute2)"
    return "" if os.geteuid() == 0 else "network namespaces need root"


@contextmanager
def machines(count: int, gigabits: int, folder: Path) -> Iterator[Machines]:
    """Make so many machines, each of which sends at most `gigabits` a second; remove them after.

    folder  where the script goes by which mpiexec reaches them

    Raises
        OSError if the kernel has no namespaces, bridges or token buckets.
    """
    prefix = f"nns{os.getpid()}"
    switch, names = f"{prefix}-0", [f"{prefix}-{n}" for n in range(1, count + 1)]
    limit = ["root", "tbf", "rate", f"{gigabits}gbit", "burst", f"{256 * gigabits}kbit"]
    made = []
    try:
        for name in [switch, *names]:
            _run("ip", "netns", "add", name)
            made.append(name)
            _run("ip", "-n", name, "link", "set", "lo", "up")
        _run("ip", "-n", switch, "link", "add", "switch", "type", "bridge")
        _run("ip", "-n", switch, "link", "set", "switch", "up")
        for n, name in enumerate(names, 1):
            port = ["link", "add", f"port{n}", "type", "veth", "peer", "name", "wire"]
            _run("ip", "-n", switch, *port, "netns", name)
            _run("ip", "-n", switch, "link", "set", f"port{n}", "master", "switch", "up")
            _run("ip", "-n", name, "addr", "add", f"10.9.0.{n}/24", "dev", "wire")
            _run("ip", "-n", name, "link", "set", "wire", "up")
            tc = ["tc", "qdisc", "add", "dev", "wire", *limit, "latency", "50ms"]
            _run("ip", "netns", "exec", name, *tc)
        launcher = folder.resolve() / "launch"
        launcher.write_text(LAUNCHER.format(prefix=prefix), "utf-8")
        launcher.chmod(0o755)
        yield Machines(names, launcher)
    finally:
        for name in made:
            _run("ip", "netns", "del", name)


def _run(*words: str) -> str:
    """Return what a command prints.

    Raises
        OSError with what it says if it fails.
    """
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout
