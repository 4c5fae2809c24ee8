"""Freed memory is kept: an activation that is dropped will be wanted again within milliseconds.

glibc gives large blocks back to the system as soon as they are freed, and the next array of that
size costs a page fault for every 4 KB: on the lesson's convolutional autoencoder that was a third
of a step. The price of keeping it is that the process does not shrink between two steps.
"""

import ctypes
from functools import cache

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
"""glibc's names for: when to give memory back, how much to ask for, when to map a block alone."""


@cache
def keep_freed_memory() -> bool:
    """Ask the C library, where it is glibc, not to give freed memory back; say if it agreed."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library, or no way to ask
        return False
    megabyte = 1 << 20
    wishes = {
        M_MMAP_THRESHOLD: 32 * megabyte,  # the most that it accepts
        M_TRIM_THRESHOLD: 1024 * megabyte,
        M_TOP_PAD: 64 * megabyte,  # a thread's heap: an emptied one stays too
    }
    return all([mallopt(name, size) for name, size in wishes.items()])
