"""Writing a file so that it is there whole, or not at all."""

import os
from contextlib import suppress
from glob import escape
from pathlib import Path
from threading import get_ident


def write_whole(path: str | Path, data: bytes, what: str) -> Path:
    """Write `data` to `path`, making its folder if need be; return the path.

    The file is written beside its place and then renamed into it: whoever reads sees the old one or
    the new one, never half of one. What a process that was killed has left of this file is removed.

    Raises
        OSError saying what was not written, why, and to where; what was there before still is.
    """
    path = expanded(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}.{get_ident()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path)
        with open(beside, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError as error:
        why = error.strerror or str(error)
        raise OSError(error.errno, f"{what} not written, {why}", str(path)) from error
    finally:
        with suppress(OSError):  # the folder may be no folder, and what matters has been said
            beside.unlink()
    return path


def _remove_leftovers(path: Path) -> None:
    """Remove what processes that are no more have begun to write for this path."""
    if os.name != "posix":  # elsewhere os.kill has no signal that only asks
        return
    for beside in path.parent.glob(f".{escape(path.name)}.*.*.tmp"):
        process = beside.name.split(".")[-3]
        with suppress(OSError, ValueError, OverflowError):  # somebody else's, or no file of ours
            try:
                os.kill(int(process), 0)
            except ProcessLookupError:
                beside.unlink()


def expanded(path: str | Path) -> Path:
    """Return the path with the home folder for a leading ~, or that of a user for ~user.

    Raises
        ValueError if there is no such home folder.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ValueError(f"{path}: {error}") from None
