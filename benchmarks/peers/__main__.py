"""Become a worker: python -m benchmarks.peers NAME THREADS."""

import os
import sys
from importlib import import_module

name, threads = sys.argv[1], int(sys.argv[2])
if hasattr(os, "sched_setaffinity"):
    # Before anything is imported: every library counts its cores here.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])

import_module("benchmarks.peers.serve").serve(import_module(f"benchmarks.peers.{name}").JOBS)
