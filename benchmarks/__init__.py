"""Benchmarks: each one a question. `python -m benchmarks` lists them."""

import nnscratch  # noqa: F401 - before NumPy, see nnscratch/processor.py
