"""Random inputs to every public entrance, and what has to become of each.

    python -m tests.fuzz --count 10000 --seed 0

A case is one call with one input. It ends in one of two ways:

    accepted   the result is finite, of the right shape, and what the same input gives in its plain
               form; and the input is one that can be meant
    refused    by a `raise` of the library: ValueError, with words; OSError for a file that cannot
               be read; TrainingDiverged where finite numbers are too large to learn from;
               MemoryError for a layer that no memory holds. And the input is none that every
               caller would expect to work

All else is a fault: another exception, one that NumPy or Python raised inside of the library, a
warning, a crash, a hang, an input that was changed. Whether an input can be meant is known from how
it was made (see `arrays.py`), not from the library's own checks.
"""

import linecache
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import nnscratch
from nnscratch.training import TrainingDiverged

PACKAGE = str(Path(nnscratch.__file__).parent)


class Fault(AssertionError):
    """What should not have become of an input."""


class Case(NamedTuple):
    """One call.

    what      the entrance and the input, for people
    call      does it
    must      True: it has to be accepted; False: it has to be refused; None: either
    expected  does the same with the input in its plain form; None: any finite result will do
    close     how far the two results may differ, absolute and relative
    lent      what the call must leave as it was
    """

    what: str
    call: Callable[[], Any]
    must: bool | None
    expected: Callable[[], Any] | None = None
    close: float = 1e-4
    lent: Any = None


def run(case: Case) -> str:
    """Return "accepted" or "refused", or raise Fault."""
    before = snapshot(case.lent)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            result = case.call()
    except Fault as fault:
        raise Fault(f"{case.what}: {fault}") from None
    except Exception as error:
        if not told(error):
            where = "".join(traceback.format_exception(error)[-3:])
            raise Fault(f"{case.what}: {type(error).__name__}\n{where}") from None
        if case.must:
            raise Fault(f"{case.what}: refused what can only be meant: {error}") from None
        return "refused"
    finally:
        if snapshot(case.lent) != before:
            raise Fault(f"{case.what}: the input was changed")
    if case.must is False:
        raise Fault(f"{case.what}: accepted what cannot be meant")
    if not finite(result):
        raise Fault(f"{case.what}: the result is not finite: {result}")
    if case.expected is not None:
        compare(case.what, result, case.expected(), case.close)
    return "accepted"


def told(error: Exception) -> bool:
    """Was the input refused by the library, in words?"""
    if isinstance(error, OSError):
        return bool(error.strerror or error.args)
    if isinstance(error, MemoryError):
        return "Unable to allocate" in str(error)
    if not isinstance(error, ValueError | TrainingDiverged) or len(str(error)) < 15:
        return False
    last = traceback.extract_tb(error.__traceback__)[-1]
    line = linecache.getline(last.filename, last.lineno or 0).strip()
    return last.filename.startswith(PACKAGE) and line.startswith("raise ")


def finite(result: Any) -> bool:
    """Is every number of a result finite?"""
    if isinstance(result, dict):
        return all(map(finite, result.values()))
    if isinstance(result, list | tuple):
        return all(map(finite, result))
    if isinstance(result, float | np.ndarray | np.number):
        return bool(np.isfinite(result).all())
    return True


def compare(what: str, result: Any, expected: Any, close: float) -> None:
    """Raise Fault unless the numbers of two results are equal up to rounding."""
    if isinstance(expected, dict):
        result, expected = list(result.values()), list(expected.values())
    if isinstance(expected, list | tuple):
        for one, other in zip(result, expected, strict=True):
            compare(what, one, other, close)
    elif isinstance(expected, float | np.ndarray | np.number):
        if np.shape(result) != np.shape(expected):
            raise Fault(f"{what}: expected a result {np.shape(expected)}, got {np.shape(result)}")
        if not np.allclose(result, expected, rtol=close, atol=close):
            far = np.abs(np.subtract(result, expected)).max()
            raise Fault(f"{what}: silently another result: {far:.3g} from that of the plain input")


def snapshot(lent: Any) -> Any:
    """Return what tells whether an array has been written to."""
    return lent.tobytes() if type(lent) is np.ndarray and lent.dtype != object else None
