"""The ladder's convolution in bfloat16, by PyTorch: what a unit for such products would give.

bfloat16 is float32 without its last 16 bits: 8 bits of precision are left of 24. Some processors
multiply such numbers by pairs (AVX512-BF16) or by small matrices (AMX), and add up in float32. The
library computes nothing with it; the ladder measures what it forgoes, and at which error.

PyTorch has a process of its own: it would bring its threads and its BLAS into this one.
"""

import subprocess
import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from nnscratch.core import Array
from nnscratch.kernels.machine.numba_internals import processor_features

from .timing import repeat

UNITS = {"amx-bf16": "AMX", "avx512bf16": "AVX512-BF16"}
"""LLVM's names of what multiplies bfloat16, the fastest first."""


def unit() -> str:
    """Return what multiplies bfloat16 here, empty if nothing does."""
    features = processor_features()
    return next((name for feature, name in UNITS.items() if feature in features), "")


def why_not() -> str:
    """Return why nothing can be measured here, empty if it can."""
    if not unit():
        return f"this processor has none of {', '.join(UNITS.values())}"
    return "" if find_spec("torch") else "PyTorch is not installed"


def measure(x: Array, w: Array, b: Array, rounds: int, seconds: float) -> tuple[list[float], Array]:
    """Return the seconds of each turn on one thread, and y (N, F, H, W) for x (N, C, H, W)."""
    with TemporaryDirectory() as folder:
        np.savez(Path(folder, "given.npz"), x=x, w=w, b=b)
        command = [sys.executable, "-m", __name__, folder, str(rounds), str(seconds)]
        subprocess.run(command, check=True)
        with np.load(Path(folder, "found.npz")) as found:
            return found["times"].tolist(), found["y"]


def main(folder: str, rounds: str, seconds: str) -> None:
    """Read the arrays, convolve, write what has been found."""
    import torch

    torch.set_num_threads(1)
    with np.load(Path(folder, "given.npz")) as given:
        arrays = [torch.from_numpy(given[name]).to(torch.bfloat16) for name in "xwb"]
    x, w, b = arrays
    x, w = (a.to(memory_format=torch.channels_last) for a in (x, w))
    run = partial(torch.nn.functional.conv2d, x, w, b, padding=w.shape[-1] // 2)
    with torch.inference_mode():
        times = [repeat(run, lambda y: y, float(seconds)) for _ in range(int(rounds))]
        y = run().float().numpy()
    np.savez(Path(folder, "found.npz"), times=times, y=y)


if __name__ == "__main__":
    main(*sys.argv[1:])
