"""Public sets of images, downloaded once into a cache; each file is known by its SHA-256.

Nothing but whole files with the right hash gets into the cache, under names that stand here: those
within an archive are only compared with them, so that no path of an archive is ever followed.
"""

import os
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from ..files import expanded, write_whole

VARIABLE = "NNSCRATCH_DATA"
"""The environment variable that names the directory of the sets."""


@dataclass(frozen=True)
class Remote:
    """A set as it lies in the network.

    name     what it is called
    folder   of the cache, and perhaps of the user's directory, in which its files are
    mirrors  addresses that are tried in turn; a file's name is put behind each
    sha256   of each file there, by its name
    members  the files that the set consists of, if what lies there is an archive of them
    """

    name: str
    folder: str
    mirrors: tuple[str, ...]
    sha256: Mapping[str, str]
    members: tuple[str, ...] = ()


def located(remote: Remote, directory: str | PathLike[str] | None) -> Path:
    """Return the folder with the files of a set: the user's directory or its folder, or the cache.

    Without a directory it is the one that NNSCRATCH_DATA names, and without that the cache, into
    which the set is downloaded. Whether a directory has the files is seen by whoever reads them.

    Raises
        FileNotFoundError, OSError as `download`.
    """
    if directory is None:
        directory = os.environ.get(VARIABLE) or None
    if directory is None:
        return download(remote)
    place = expanded(Path(directory))
    return place / remote.folder if (place / remote.folder).is_dir() else place


def download(remote: Remote) -> Path:
    """Return the set's folder of the cache, once the files that were missing there are there.

    An archive is removed when its members have been unpacked.

    Raises
        FileNotFoundError saying which files to put where, and why no mirror had them.
        OSError naming the file that could not be written.
    """
    import pooch  # here, since most programs never download

    cache = Path(pooch.os_cache("nnscratch")) / remote.folder
    if remote.members and all((cache / member).is_file() for member in remote.members):
        return cache
    for file in remote.sha256:
        path = _fetch(remote, file, cache)
        if remote.members:
            _unpack(path, remote.members)
            path.unlink(missing_ok=True)  # another process may have been as fast
    return cache


def _fetch(remote: Remote, file: str, cache: Path) -> Path:
    """Return the path of a file in the cache, downloaded unless it is there with the right hash.

    Pooch writes to a temporary file and moves it into place when its hash is right.
    """
    import pooch

    reasons = []
    for mirror in remote.mirrors:
        try:
            path = pooch.retrieve(
                f"{mirror}{file}",
                f"sha256:{remote.sha256[file]}",
                fname=file,
                path=cache,
                downloader=pooch.HTTPDownloader(progressbar=True),
            )
        except (OSError, ValueError) as error:  # out of reach, or not the file it should be
            reasons.append(f"{mirror}{file}: {error}")
        else:
            return Path(path)
    raise FileNotFoundError(advice(remote, reasons))


def _unpack(archive: Path, members: tuple[str, ...]) -> None:
    """Write these members of an archive beside it, whatever folders it has them in."""
    wanted = set(members)
    for name, content in _contents(archive, wanted):
        write_whole(archive.with_name(name), content, f"{name} of {archive.name}")
        wanted.discard(name)
    if wanted:
        raise ValueError(f"{archive}: expected an archive with {', '.join(sorted(wanted))} in it")


def _contents(archive: Path, wanted: set[str]) -> Iterator[tuple[str, bytes]]:
    """Return the name without folders, and the content, of each of the files that are wanted."""
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as files:
            for info in files.infolist():
                if (name := info.filename.rpartition("/")[2]) in wanted:
                    yield name, files.read(info)
        return
    with tarfile.open(archive) as tape:
        for member in tape:
            name = member.name.rpartition("/")[2]
            if name in wanted and member.isfile() and (file := tape.extractfile(member)):
                yield name, file.read()


def advice(remote: Remote, reasons: list[str]) -> str:
    """Return what to do when a set cannot be had, and why it could not."""
    files = remote.members or tuple(file.removesuffix(".gz") for file in remote.sha256)
    zipped = ", gzipped or not," if any("idx" in file for file in files) else ""
    lines = [
        f"{remote.name} was not found. Put these files{zipped} into a directory:",
        *(f"    {file}" for file in files),
        f"and pass the directory, or name it in the environment variable {VARIABLE}",
        f"(there they may be in a folder {remote.folder}/). What was tried:",
        *(f"    {reason}" for reason in reasons),
    ]
    return "\n".join(lines)
