"""kill -9 at random moments: what is on disk is enough to end with the bits of a run left alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import nnscratch


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_runs_end_with_the_bits_of_runs_left_alone() -> None:
    here, root = Path(__file__).parent, str(Path(nnscratch.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, str(here / "kill.py"), "6"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(here), root])},
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("all ended with equal bits") == 4
