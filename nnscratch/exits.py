"""What becomes of a program that cannot write what it has to say."""

import os
import sys
from collections.abc import Callable


def exit_code(program: Callable[[], int]) -> int:
    """Run a program and return its exit code: 1 where its output cannot be written.

    On a full disk a sentence says so. A reader that has read enough, as `head` has, is no fault to
    speak of.
    """
    try:
        code = program()
        sys.stdout.flush()
        return code
    except OSError as error:
        if not isinstance(error, BrokenPipeError):
            print(f"error: {error}", file=sys.stderr)
        flush_or_abandon()
        return 1


def flush_or_abandon() -> None:
    """Write what standard output has not written yet; where that cannot be, let it go.

    Otherwise the interpreter would try once more at its end, and complain in its own words.
    """
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
