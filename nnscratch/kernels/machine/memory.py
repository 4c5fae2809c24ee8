"""Freed memory is kept: an activation that is dropped will be wanted again within milliseconds.

glibc gives large blocks back to the system as soon as they are freed, and the next array of that
size costs a page fault for every 4 KB: on the lesson's convolutional autoencoder that was a third
of a step. The price of keeping it is that the process does not shrink between two steps.
"""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from .process_state import Shared

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
"""glibc's names for: when to give memory back, how much to ask for, when to map a block alone."""

KB, MB = 1 << 10, 1 << 20

KEEP = {
    M_MMAP_THRESHOLD: 32 * MB,  # the most that it accepts
    M_TRIM_THRESHOLD: 1024 * MB,
    M_TOP_PAD: 64 * MB,  # a thread's heap: an emptied one stays too
}

USUAL = {M_MMAP_THRESHOLD: 32 * MB, M_TRIM_THRESHOLD: 64 * MB, M_TOP_PAD: 128 * KB}
"""What glibc comes to by itself: it raises the first two whenever a mapped block is freed, and once
a program has freed one of 32 MB these are its values. The ones it begins with would stay, for who
sets them ends that adjusting, and would make the program's own arrays several times slower."""


@contextmanager
def _kept() -> Iterator[None]:
    """Have the C library keep freed memory, if it is glibc and the user has not told it what to do.

    To give back at the end what has been kept (malloc_trim) would double the time of a small
    `encode`; with these settings it goes back when more is freed.
    """
    mallopt = None if set_by_user() else _mallopt()
    try:
        if mallopt:
            for name, size in KEEP.items():
                mallopt(name, size)
        yield
    finally:
        if mallopt:
            for name, size in USUAL.items():
                mallopt(name, size)


kept_memory = Shared(_kept)
"""Keeps freed memory for as long as somebody trains or infers."""


def set_by_user() -> bool:
    """Has the user set these numbers, by MALLOC_TRIM_THRESHOLD_ and the like or by a tunable?"""
    names = ("TRIM_THRESHOLD", "TOP_PAD", "MMAP_THRESHOLD")
    tunables = os.environ.get("GLIBC_TUNABLES", "")
    return any(
        f"MALLOC_{name}_" in os.environ or f"glibc.malloc.{name.lower()}=" in tunables
        for name in names
    )


@cache
def _mallopt() -> Any:
    """Return the C library's mallopt, or None if it has none or there is no way to ask."""
    try:
        return ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return None
