"""How time is taken: repeats for so long, in turns, and ratios between neighbours in time.

Other processes, the clock of the processor and its temperature come and go within seconds. Two
contenders timed in turns meet the same weather, so the ratio within a turn says more than two
figures taken one after the other; the spread over the turns says how much to believe it.
"""

from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter
from typing import Any

IN_FLIGHT = 8
"""How many runs may be under way before one is waited for, as in a training loop that logs."""


def repeat(run: Callable[[], Any], wait: Callable[[Any], Any], seconds: float) -> float:
    """Return the seconds a run takes, over as many as there is time for; the first is not counted.

    run may return before it is done; wait(what run returned) does not.
    """
    wait(run())
    repeats, start = 0, perf_counter()
    while True:
        result = run()
        repeats += 1
        over = perf_counter() - start >= seconds
        if over or repeats % IN_FLIGHT == 0:
            wait(result)
        if over:
            return (perf_counter() - start) / repeats


def quotients(a: Sequence[float], b: Sequence[float]) -> list[float]:
    """Return a/b, turn by turn."""
    return [x / y for x, y in zip(a, b, strict=True)]


def spread(ratios: Sequence[float]) -> str:
    """Return median (lowest-highest)."""
    return f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
