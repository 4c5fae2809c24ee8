"""What is kept on disk of a kernel is used only while all that it is made of is as it was."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from numba import config

import nnscratch
from nnscratch.kernels.machine.processor import BYTES

pytestmark = pytest.mark.oldest

RUN = """
import sys
import numpy as np
from nnscratch.kernels.machine import processor
processor.BYTES = int(sys.argv[1])
from nnscratch.kernels.activations import normal_cdf_kernel
x = np.ones(3)
normal_cdf_kernel(x, x)
print(sum(normal_cdf_kernel.stats.cache_hits.values()))
"""


@pytest.mark.skipif(bool(config.DISABLE_JIT), reason="nothing is compiled")
def test_a_kernel_from_before_a_change_or_of_another_width_is_not_used(tmp_path: Path) -> None:
    copy = tmp_path / "nnscratch"
    ignore = shutil.ignore_patterns("__pycache__", "*.npz")
    shutil.copytree(Path(nnscratch.__file__).parent, copy, ignore=ignore)

    def hits(width: int = BYTES) -> int:
        env = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "kept")}
        args = [sys.executable, "-c", RUN, str(width)]
        done = subprocess.run(args, cwd=tmp_path, env=env, check=True, capture_output=True)
        return int(done.stdout)

    assert [hits(), hits()] == [0, 1]
    with (copy / "kernels" / "machine" / "fork_join.py").open("a") as file:
        file.write("\n# another order of the counters\n")
    assert [hits(), hits()] == [0, 1]
    other = 32 if BYTES == 64 else 64
    assert [hits(other), hits(other), hits()] == [0, 1, 1]
