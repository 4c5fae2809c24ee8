"""The counters by which threads share kernels: where each of them is, and new ones.

They are apart from fork_join.py, which reads and writes them, because that imports Numba.
"""

import numpy as np

from ...core import IntArray

REGION, CALL, ACTIVE, SHARES, LINE = 0, 8, 16, 24, 8
"""Where the counters of the workers are, each on a cache line of its own (LINE of them):

    REGION  the number of the parallel region, odd while it is open
    CALL    the addresses of the published function and of its arguments; how many threads there are
    ACTIVE  how many helpers are at work; how many of their calls have failed
    SHARES  how many pieces of each thread's share are taken, a line a thread"""

THREADS, FAILED = CALL + 2, ACTIVE + 1

BLOCK = 8192
"""Numbers in a block: it fits into a core's cache, and a pass over it takes a microsecond."""


def workers_of(threads: int) -> IntArray:
    """Return the counters by which so many threads share kernels."""
    workers = np.zeros(SHARES + LINE * threads, np.int64)
    workers[THREADS] = threads
    return workers
