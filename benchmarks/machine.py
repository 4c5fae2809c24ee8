"""What this machine can do at best, measured: multiply-adds a second, bytes a second.

And how far its cores are from each other, which no program decides and every shared kernel feels.
"""

import os
import platform
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from textwrap import fill
from time import perf_counter

import numpy as np
from threadpoolctl import threadpool_info

from nnscratch.core import Array, IntArray
from nnscratch.kernels.machine.counters import workers_of
from nnscratch.kernels.machine.fork_join import atomic_load, fetch_add
from nnscratch.kernels.machine.jit import kernel
from nnscratch.kernels.machine.processor import BYTES
from nnscratch.kernels.machine.simd import fma, load, splat, store
from nnscratch.kernels.machine.threads import cores

LIBRARIES = ("numpy", "numba", "torch", "jax", "tensorflow", "keras", "onnxruntime", "openvino")


def header(threads: int) -> str:
    """Return machine, versions, and whose kernels NumPy and PyTorch run."""
    versions, absent = [f"Python {platform.python_version()}"], []
    for library in LIBRARIES:
        found = version_of(library) or version_of(f"{library}-cpu")
        versions += [f"{library} {found}"] * bool(found)
        absent += [library] * (not found)
    if absent:
        versions.append(f"without {', '.join(absent)}")
    used = f"{threads} of {os.cpu_count()} cores"
    listed = fill(", ".join(versions), 100)
    kernels = f"{blas()}{torch_kernels()}"
    return f"{processor()}, {platform.system()}, {used}\n{listed}\n{kernels}"


def version_of(distribution: str) -> str:
    """Return the version that is installed, empty if none is."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def torch_kernels() -> str:
    """Return which instructions PyTorch has chosen and whose products it calls, empty without it.

    A process of its own asks: PyTorch would bring its threads and its BLAS into this one.
    """
    if not version_of("torch"):
        return ""
    done = subprocess.run([sys.executable, "-c", ASK_TORCH], capture_output=True, text=True)
    return f"; PyTorch: {done.stdout.strip()}" if done.returncode == 0 else ""


ASK_TORCH = """
import re, torch
built = torch.__config__.show()
found = re.findall(r"(Math Kernel Library Version|MKL-DNN) v?([0-9.]+)", built)
names = {"Math Kernel Library Version": "MKL", "MKL-DNN": "oneDNN"}
libraries = [f"{names[name]} {version}" for name, version in found]
print(", ".join([torch.backends.cpu.get_cpu_capability(), *libraries]))
"""


def blas() -> str:
    """Return which kernels NumPy's BLAS has chosen, and whether it was told to: half a speed."""
    found = [d for d in threadpool_info() if d["user_api"] == "blas"]
    kernels = ", ".join(f"{d['internal_api']} for {d.get('architecture', '?')}" for d in found)
    told = os.environ.get("OPENBLAS_CORETYPE")
    return f"BLAS: {kernels or 'unknown'}" + (f", told so by OPENBLAS_CORETYPE={told}" * bool(told))


def processor() -> str:
    """Return the processor's name, as well as the system knows it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(": ")[1] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


@kernel
def multiply_add(a: Array, repeats: int) -> None:
    """12 vectors, x ← x·½ + ½, over and over in registers: nothing but multiply-adds."""
    V = BYTES // a.itemsize
    h = splat(a, 0)
    s0, s1, s2, s3 = load(a, 0), load(a, V), load(a, 2 * V), load(a, 3 * V)
    s4, s5, s6, s7 = load(a, 4 * V), load(a, 5 * V), load(a, 6 * V), load(a, 7 * V)
    s8, s9, sa, sb = load(a, 8 * V), load(a, 9 * V), load(a, 10 * V), load(a, 11 * V)
    for _ in range(repeats):
        s0, s1, s2, s3 = fma(s0, h, h), fma(s1, h, h), fma(s2, h, h), fma(s3, h, h)
        s4, s5, s6, s7 = fma(s4, h, h), fma(s5, h, h), fma(s6, h, h), fma(s7, h, h)
        s8, s9, sa, sb = fma(s8, h, h), fma(s9, h, h), fma(sa, h, h), fma(sb, h, h)
    for i, s in enumerate((s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, sa, sb)):
        store(a, i * V, s)


@kernel
def triad(a: Array, b: Array, c: Array, repeats: int) -> None:
    """a ← b + ½ c."""
    half = a.dtype.type(0.5)
    for _ in range(repeats):
        for n in range(a.size):
            a[n] = b[n] + half * c[n]


def best_rate(task: Callable[[int], None], work: float, threads: int, seconds: float) -> float:
    """Return work a second when every thread runs task(its number), at best."""
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(task, range(threads)))
        best, end = 0.0, perf_counter() + seconds
        while perf_counter() < end:
            start = perf_counter()
            list(pool.map(task, range(threads)))
            best = max(best, threads * work / (perf_counter() - start))
    return best


def peak_gflops(threads: int | None = None, seconds: float = 0.3) -> float:
    """Return 10⁹ float32 operations a second, a multiply-add being two."""
    threads, repeats = threads or cores(), 500_000
    V = BYTES // 4
    arrays = [np.full(12 * V, 0.5, np.float32) for _ in range(threads)]
    work = 12 * V * 2 * repeats
    return best_rate(lambda t: multiply_add(arrays[t], repeats), work, threads, seconds) / 1e9


def bandwidth(megabytes: float, threads: int | None = None, seconds: float = 0.3) -> float:
    """Return GB a second that b + ½ c reads and writes, on three arrays of so much altogether."""
    threads = threads or cores()
    n = int(megabytes * 1e6 / 12 / threads)
    repeats = max(1, int(1e7 / n))
    arrays = [np.ones((3, n), np.float32) for _ in range(threads)]
    return best_rate(lambda t: triad(*arrays[t], repeats), 12 * n * repeats, threads, seconds) / 1e9


@kernel
def take_turns(counter: IntArray, turns: int, me: int) -> None:
    """Wait until it is thread me's turn, add one, and so on: so many turns of each of two."""
    for i in range(turns):
        while atomic_load(counter, 0) != 2 * i + me:
            pass
        fetch_add(counter, 0, 1)


def handover_ns(seconds: float = 0.3) -> float:
    """Return the nanoseconds that a number takes from one core to another, at best; needs two.

    On a virtual machine it may change from second to second, with the places that the host gives
    its cores: near ones share a cache, and between others it takes several times as long.
    """
    turns = 2_000

    def task(me: int) -> float:
        take_turns(meeting, 1, me)
        start = perf_counter()
        take_turns(counter, turns, me)
        return perf_counter() - start

    best, end = float("inf"), perf_counter() + seconds
    with ThreadPoolExecutor(2) as pool:
        while perf_counter() < end:
            meeting, counter = workers_of(2), workers_of(2)
            best = min(best, max(pool.map(task, range(2))) / (2 * turns))
    return 1e9 * best


def between_cores(threads: int) -> str:
    """Return what to say of the distance of two cores, nothing of one."""
    return f", {handover_ns():.0f} ns from core to core" if threads > 1 else ""
