"""Ctrl-C without a broken step."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def interruptible() -> Iterator[list[bool]]:
    """Turn the first Ctrl-C into a note, so that a step can be finished; the second raises."""
    note: list[bool] = []
    if threading.current_thread() is not threading.main_thread():
        yield note
        return

    def take_note(*_: object) -> None:
        if note:
            raise KeyboardInterrupt
        note.append(True)

    before = signal.signal(signal.SIGINT, take_note)
    try:
        yield note
    finally:
        signal.signal(signal.SIGINT, before)
