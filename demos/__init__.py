"""Pages of the lesson that run: `python -m demos` lists them."""

import time

import nnscratch  # noqa: F401 - before NumPy, see nnscratch/processor.py

STARTED = time.perf_counter()
