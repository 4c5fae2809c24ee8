"""Benchmarks: each one a question. `python -m benchmarks` lists them."""
