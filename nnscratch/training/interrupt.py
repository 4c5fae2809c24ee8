"""Ctrl-C and SIGTERM without a broken step: a signal is noted, and handled once a step is done."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import currentframe
from typing import Any


class Interrupt:
    """The signal that has come, if one has, and what the program itself does about signals.

    A second signal is not held back: what the program does about it is done at once.
    """

    def __init__(self) -> None:
        self.handlers: dict[int, Any] = {}
        self.pending: int | None = None

    def __bool__(self) -> bool:
        return self.pending is not None

    def note(self, number: int, _frame: object) -> None:
        """Take note of a signal: the handler that is installed meanwhile."""
        if self.pending is None:
            self.pending = number
            return
        first, self.pending = self.pending, None
        self.handle(number)
        self.pending = first  # the program goes on, and the first is still to be handled

    def deliver(self) -> None:
        """Do what the program does about the signal that has come: raise, return, or end."""
        number, self.pending = self.pending, None
        if number is not None:
            self.handle(number)

    def handle(self, number: int) -> None:
        """Call the program's handler or, if it has none, let the signal end the process."""
        handler = self.handlers[number]
        if callable(handler):
            handler(number, currentframe())
        else:
            signal.signal(number, handler)
            signal.raise_signal(number)


_installed: list[Interrupt] = []
"""The one that the main thread has installed, if it has."""


@contextmanager
def interruptible() -> Iterator[Interrupt]:
    """Yield an Interrupt that is true once SIGINT or SIGTERM has come; `deliver` then acts on it.

    What the program does about signals is put back at the end, and a signal that has not been
    delivered is sent again. A signal that is ignored stays so, and a handler that was not set from
    Python is left alone. Python handles signals in the main thread: elsewhere nothing is installed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield Interrupt()
        return
    if _installed:  # one fit within another
        yield _installed[0]
        return
    interrupt = Interrupt()
    _installed.append(interrupt)
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            handler = signal.getsignal(number)
            if handler is not None and handler is not signal.SIG_IGN:
                interrupt.handlers[number] = handler
                signal.signal(number, interrupt.note)
        yield interrupt
    finally:
        _installed.clear()
        for noted, handler in interrupt.handlers.items():
            if signal.getsignal(noted) == interrupt.note:  # nobody has set another one since
                signal.signal(noted, handler)
        if interrupt.pending is not None:
            signal.raise_signal(interrupt.pending)
