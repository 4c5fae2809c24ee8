"""A line on the terminal while kernels are being compiled, which takes seconds and happens once."""

import os
import sys
from time import perf_counter

PATIENCE = 1.0
"""Seconds of compilation, in all, before a line says so."""


class CompileNotice:
    """Adds up the time that a process compiles, and says once that it does.

    The line goes to stderr where that is a terminal: neither a notebook nor a log has it. With
    NNSCRATCH_QUIET=1 it is not written at all.
    """

    def __init__(self) -> None:
        self.depth, self.start, self.seconds, self.shown = 0, 0.0, 0.0, False

    def begins(self, folder: str) -> None:
        """Note that a kernel is compiled from now on, perhaps within another; say so if it is time.

        folder  where its machine code will be kept
        """
        now = perf_counter()
        if self.depth == 0:
            self.start = now
        self.depth += 1
        if not self.shown and self.seconds + now - self.start >= PATIENCE:
            self.shown = True
            self.show(folder)

    def ends(self) -> None:
        """Note that the kernel that was begun last has been compiled."""
        self.depth -= 1
        if self.depth == 0:
            self.seconds += perf_counter() - self.start

    def show(self, folder: str) -> None:
        """Write the line, over a progress bar if there is one: it will be drawn again."""
        if sys.stderr is None or not sys.stderr.isatty() or os.environ.get("NNSCRATCH_QUIET"):
            return
        line = f"nnscratch: compiling kernels, some seconds, once; they are kept in {folder}"
        print(f"\r{line}\x1b[K", file=sys.stderr, flush=True)


notice = CompileNotice()
