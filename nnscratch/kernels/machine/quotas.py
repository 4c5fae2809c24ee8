"""How much processor time Linux allows this process: the quotas of its control groups.

A container's quota may stand in the group of the process or in any group above it, and each of them
holds. Files that are not there, as on other systems, set no limit.

Source
    Linux, Documentation/admin-guide/cgroup-v2.rst (cpu.max) and scheduler/sched-bwc.rst
    (cpu.cfs_quota_us, version 1); man 7 cgroups for /proc/self/cgroup.
"""

from collections.abc import Iterator
from math import inf
from pathlib import Path, PurePosixPath

MEMBERSHIP = Path("/proc/self/cgroup")
ROOT = Path("/sys/fs/cgroup")


def quota() -> float:
    """Return the number of processors this process has the time of, ∞ if nothing limits it."""
    paths = {"": "/", "cpu": "/"}  # by controller; version 2 has one path for all of them
    for line in _read(MEMBERSHIP).splitlines():
        _, controllers, path = line.split(":", 2)
        paths |= {name: path for name in controllers.split(",")}
    limits = [inf]
    for group in _groups((ROOT, ROOT / "unified"), paths[""]):
        limits.append(_processors(_read(group / "cpu.max")))
    for group in _groups((ROOT / "cpu", ROOT / "cpu,cpuacct"), paths["cpu"]):
        quota, period = (_read(group / f"cpu.cfs_{part}_us") for part in ("quota", "period"))
        limits.append(_processors(f"{quota} {period}"))
    return min(limits)


def _groups(mounts: tuple[Path, ...], path: str) -> Iterator[Path]:
    """Yield the folders of a group and of all groups above it, wherever they may be mounted."""
    group = PurePosixPath(path.lstrip("/"))
    if ".." in group.parts:  # outside of what this process can see
        group = PurePosixPath()
    for mount in mounts:
        yield from (mount / each for each in (group, *group.parents))


def _processors(text: str) -> float:
    """Return the quotient of two times, as in "150000 100000"; "max" and -1 are no limit."""
    try:
        time, period = map(int, text.split())
    except ValueError:
        return inf
    return time / period if min(time, period) > 0 else inf


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, ValueError):
        return ""
