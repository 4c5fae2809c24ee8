"""What reading a damaged file needs: the damage, a place, and little memory."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from . import Fault
from .arrays import Rng

ROOM = 2**30
"""Bytes that reading a small file may take."""


@contextmanager
def little_memory() -> Iterator[None]:
    """Turn a file that takes more memory than ROOM into a fault, where Linux tells how much."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        yield
        return
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    now = int(statm.read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + ROOM, before[1]))
    try:
        yield
    except MemoryError as error:
        raise Fault(f"more than {ROOM} bytes for a small file: {error}") from None
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def of_file(read: Callable[[Path], Any], content: bytes | None) -> Callable[[], Any]:
    """Return a call that reads a file with this content; None: a folder stands in its place."""

    def call() -> Any:
        with TemporaryDirectory() as folder, little_memory():
            path = Path(folder, "file")
            path.mkdir() if content is None else path.write_bytes(content)
            return read(path)

    return call


def damaged(content: bytes, generator: Rng) -> tuple[str, bytes]:
    """Return the content with some of it changed, missing or added."""
    a = bytearray(content)
    at, length = (int(generator.integers(len(a))) for _ in range(2))
    how = ("a bit", "a byte", "cut", "a hole", "zeros", "more", "inserted", "swapped")
    what = how[generator.integers(len(how))]
    if what == "a bit":
        a[at] ^= 1 << int(generator.integers(8))
    elif what == "a byte":
        a[at] = int(generator.integers(256))
    elif what == "cut":
        del a[at:]
    elif what == "a hole":
        del a[at : at + length]
    elif what == "zeros":
        a[at : at + length] = bytes(len(a[at : at + length]))
    elif what == "more":
        a += generator.bytes(1 + length % 9)
    elif what == "inserted":
        a[at:at] = generator.bytes(1 + length % 9)
    else:
        a[at], a[length] = a[length], a[at]
    return f"{what} at {at}", bytes(a)
