"""Settings of the whole process, for as long as somebody needs them."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import Lock
from typing import Any


class Shared:
    """A context that the first of its users enters and the last one leaves.

    Several calls may want one setting at a time, in threads or one within the other. If each put
    back what it had found, one that ends between two others would put back a setting of theirs.
    """

    def __init__(self, context: Callable[[], AbstractContextManager[Any]]) -> None:
        self.context, self.users, self.lock = context, 0, Lock()

    def __enter__(self) -> None:
        with self.lock:
            if self.users == 0:
                self.entered = self.context()
                self.entered.__enter__()
            self.users += 1

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.users -= 1
            if self.users == 0:
                self.entered.__exit__(None, None, None)
