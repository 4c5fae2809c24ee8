"""Machine code on disk: a kernel that has been compiled once is there in the next process too.

That is a favour and not a condition. Whatever is wrong with the disk or with what lies on it, the
kernel is compiled as if nothing had been kept, and a RuntimeWarning says so, once a process.

A file holds one kernel for one list of argument types:

    SHA-256 of all that follows | stamp, 32 bytes | Numba's pickle of the compiled function

The digest is verified before anything is unpickled, so damage is found whatever it is. The file's
name holds what may differ between two processes that run side by side: the argument types, the
processor, the size of a vector, Numba's settings. The stamp holds what only ever moves on: sources
and versions. A file with another stamp is of no use to anybody any more, and is written over.

Numba says where the files are: in NUMBA_CACHE_DIR, beside the sources, or in a folder of the
user's, the first that can be written to (numba_internals.py).
"""

import os
import sys
import uuid
import warnings
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

import llvmlite  # type: ignore[import-untyped]
import numba
import numpy as np

from .compile_notice import notice
from .numba_internals import Storage, processor_of, set_cache, settings
from .processor import BYTES

_warned = False


def warn_once(where: object, error: Exception | str) -> None:
    """Say what is wrong, unless something has been said before."""
    global _warned
    if not _warned:
        _warned = True
        what = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
        message = f"kernel cache: {where}: {what}; what cannot be taken from there is compiled"
        warnings.warn(message, RuntimeWarning, stacklevel=2)


def digest(*parts: object) -> bytes:
    """Return the SHA-256 of what these look like."""
    return sha256(repr(parts).encode()).digest()


@cache
def stamp_of_sources() -> bytes:
    """Return the digest of all that a kernel may be made of, and of who compiles it.

    A kernel is made of intrinsics from other files too, and kernels that share work must agree on
    where the counters are: with one from before an update, threads would wait for each other for
    ever.
    """
    folders = files("nnscratch.kernels"), files(__package__)
    everything = [file for folder in folders for file in folder.iterdir()]
    sources = sorted((file for file in everything if file.name.endswith(".py")), key=str)
    contents = [file.read_bytes() for file in sources]
    versions = numba.__version__, llvmlite.__version__, np.__version__, sys.version
    return digest(contents, versions, sys.flags.optimize)


def sealed(stamp: bytes, payload: bytes) -> bytes:
    """Return what a file holds."""
    return sha256(stamp + payload).digest() + stamp + payload


def opened(content: bytes, stamp: bytes) -> bytes | None:
    """Return the payload of a file, None if it has another stamp.

    Raises
        ValueError if the file is not as it was written.
    """
    if sha256(content[32:]).digest() != content[:32]:
        raise ValueError("damaged")
    return content[64:] if content[32:64] == stamp else None


def write(path: Path, content: bytes) -> None:
    """Write a file so that another process finds all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    try:
        beside.write_bytes(content)
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


class KernelCache:
    """What Numba asks for a kernel before it compiles one, and shows one that it has compiled.

    The names of methods and their arguments are Numba's.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.storage: Storage | None = None
        self.cache_path: str | None = None

    def enable(self) -> None:
        """Do nothing: it always is."""

    disable = flush = enable

    def place(self, signature: Any, codegen: Any) -> tuple[Storage, Path, bytes]:
        """Return the storage, the kernel's file for these argument types, and the right stamp."""
        if self.storage is None:  # not sooner: it looks for a folder, and an import need not
            self.storage = Storage(self.function)
            self.cache_path = str(self.storage.folder)
        key = digest(str(signature), processor_of(codegen), BYTES, settings())
        path = self.storage.folder / f"{self.storage.name}.{key.hex()[:32]}.nbc"
        stamp = digest(stamp_of_sources(), self.storage.source_stamp(), key)
        return self.storage, path, stamp

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the kernel as it was compiled before, None if it has to be compiled."""
        try:
            storage, path, stamp = self.place(sig, target_context.codegen())
            payload = opened(path.read_bytes(), stamp)
            if payload is not None:
                return storage.loads(target_context, payload)
        except FileNotFoundError:
            pass
        except Exception as error:
            warn_once(self.cache_path or self.function.__module__, error)
        notice.begins(self.cache_path or "no file")
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the kernel."""
        notice.ends()
        try:
            storage, path, stamp = self.place(sig, data.codegen)
            payload = storage.dumps(data)
            if payload is not None:
                write(path, sealed(stamp, payload))
        except Exception as error:
            warn_once(self.cache_path or self.function.__module__, error)


def kept(jit: Any, function: Callable[..., Any] | None = None) -> Any:
    """Let a compiled function's machine code be kept on disk; return the compiled function.

    function  the one in whose name it is kept, if it was made from this one and nothing else;
              otherwise one with a closure is left alone: what it closes over may differ from
              process to process
    """
    function = jit.py_func if function is None else function
    try:
        stamp_of_sources()  # as they are now: they may be written over while this process runs
        if function.__closure__ is None:
            set_cache(jit, KernelCache(function))
    except OSError as error:
        warn_once(function.__module__, error)
    except LookupError as error:
        warn_once("Numba", str(error))
    return jit
