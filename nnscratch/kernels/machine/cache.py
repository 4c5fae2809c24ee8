"""Machine code on disk: a kernel that has been compiled once is there in the next process too.

That is a favour and not a condition. Whatever is wrong with the disk or with what lies on it, the
kernel is compiled as if nothing had been kept, and a RuntimeWarning says so, once a process.

A file holds one kernel for one list of argument types:

    SHA-256 of all that follows | stamp, 32 bytes | Numba's pickle of the compiled function

The digest is verified before anything is unpickled, so damage is found whatever it is. The file's
name holds what may differ between two processes that run side by side: the argument types, the
processor, the size of a vector, Numba's settings. The stamp holds what only ever moves on: sources
and versions. A file with another stamp is of no use to anybody any more, and is written over.

Where the files are is for Numba to say: in NUMBA_CACHE_DIR, beside the sources, or in the user's
own folder, the first that can be written to. Numba's private interface is used in `KernelCache`,
and nowhere else in this file; versions 0.61 to 0.68 have it.
"""

import os
import pickle
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
from numba import config

from .processor import BYTES

ELSEWHERE = ("CACHE", "CUDA", "DUMP", "NUMBA_")
"""How the names of those of Numba's settings begin of which machine code does not depend: where
files are, other processors, what is printed, numbers of threads. All others are in a file's name.
"""

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

    A kernel is made of words from other files too, and two kernels of one team must agree on where
    its counters are: with one from before an update they would wait for each other for ever.
    """
    folders = files("nnscratch.kernels"), files(__package__)
    everything = [file for folder in folders for file in folder.iterdir()]
    sources = sorted((file for file in everything if file.name.endswith(".py")), key=str)
    contents = [file.read_bytes() for file in sources]
    versions = numba.__version__, llvmlite.__version__, np.__version__, sys.version
    return digest(contents, versions, sys.flags.optimize)


def settings() -> dict[str, Any]:
    """Return Numba's settings on which machine code may depend."""
    names = sorted(name for name in vars(config) if name.isupper())
    return {name: getattr(config, name) for name in names if not name.startswith(ELSEWHERE)}


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
        self.numba: Any = None
        self.cache_path: str | None = None

    def enable(self) -> None:
        """It always is."""

    disable = flush = enable

    def place(self, signature: Any, codegen: Any) -> tuple[Path, bytes]:
        """Return the file of the kernel for these argument types, and the stamp that is right."""
        if self.numba is None:  # not sooner: it looks for a folder, and an import need not
            from numba.core.caching import CompileResultCacheImpl

            self.numba = CompileResultCacheImpl(self.function)  # type: ignore[no-untyped-call]
        locator = self.numba.locator
        self.cache_path = locator.get_cache_path()
        key = digest(str(signature), codegen.magic_tuple(), BYTES, settings())
        path = Path(self.cache_path) / f"{self.numba.filename_base}.{key.hex()[:32]}.nbc"
        return path, digest(stamp_of_sources(), locator.get_source_stamp(), key)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the kernel as it was compiled before, None if it has to be compiled."""
        try:
            path, stamp = self.place(sig, target_context.codegen())
            payload = opened(path.read_bytes(), stamp)
            if payload is not None:
                target_context.refresh()
                return self.numba.rebuild(target_context, pickle.loads(payload))
        except FileNotFoundError:
            pass
        except Exception as error:
            warn_once(self.cache_path or self.function.__module__, error)
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the kernel."""
        try:
            from numba.core.serialize import dumps

            path, stamp = self.place(sig, data.codegen)
            if self.numba.check_cachable(data):
                write(path, sealed(stamp, dumps(self.numba.reduce(data))))  # type: ignore[no-untyped-call]
        except Exception as error:
            warn_once(self.cache_path or self.function.__module__, error)


def kept(jit: Any) -> Any:
    """Let a compiled function's machine code be kept on disk; return the function.

    One with a closure is left alone: what it closes over may differ from process to process.
    """
    try:
        stamp_of_sources()  # as they are now: they may be written over while this process runs
    except OSError as error:
        warn_once(jit.py_func.__module__, error)
        return jit
    if not hasattr(jit, "_cache"):
        warn_once("Numba", f"version {numba.__version__} is not known")
    elif jit.py_func.__closure__ is None:
        jit._cache = KernelCache(jit.py_func)
    return jit
