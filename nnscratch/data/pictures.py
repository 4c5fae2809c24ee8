"""Pictures that stay in their files: an array of images that is decoded where it is asked for.

train.images                    Pictures of shape (N, 3, 64, 64), uint8
train.images[0]                 the first one, decoded
train.images[10:20]             ten of them, still in their files
np.asarray(train.images[:20])   twenty of them, decoded
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..core import IntArray
from .picture import Form, PictureError, Stamp, read_picture


@dataclass
class Files:
    """Picture files that have all been read once, the first ones of them kept decoded.

    kept    (K, *form.shape), the decoded pictures of the first K files. An epoch asks for every
            picture once and in random order: then no choice of K that changes as it goes has more
            hits than one that does not.
    warned  rows of which Pillow warns, say for strange EXIF data; once is enough
    """

    form: Form
    paths: Sequence[str]
    stamps: Sequence[Stamp]
    kept: NDArray[np.uint8]
    warned: frozenset[int] = frozenset()
    filters: Lock = field(default_factory=Lock)  # the list of warnings' filters is every thread's

    def read(self, row: int) -> NDArray[np.uint8]:
        """Return one picture.

        Raises
            PictureError if the file has been changed or removed since the folder was opened.
        """
        if row < len(self.kept):
            return self.kept[row]
        path, since = self.paths[row], "since the folder was opened"
        with self.silence() if row in self.warned else nullcontext():
            try:
                sample, _, stamp = read_picture(path, self.form)
            except FileNotFoundError:
                raise PictureError(path, f"the file was removed {since}") from None
            except PictureError as error:
                raise PictureError(path, f"{error.reason}; it was readable before") from None
        if stamp != self.stamps[row]:
            raise PictureError(path, f"the file was changed {since}")
        return sample

    @contextmanager
    def silence(self) -> Iterator[None]:
        """Turn warnings off, for one thread at a time."""
        with self.filters, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield


class Pictures:
    """An array of images, (N, 3, H, W) or (N, H, W) uint8, that lie in files.

    Rows are cut out of it as of an array, which decodes nothing; `pictures[n]` with one number, and
    NumPy's functions, decode. So it is what `Dataset.images` may be where memory is short. Threads
    may decode at the same time.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, files: Files, rows: IntArray | None = None) -> None:
        self.files = files
        self.rows = np.arange(len(files.paths)) if rows is None else rows
        self.shape = (len(self.rows), *files.form.shape)
        self.ndim, self.size = len(self.shape), int(np.prod(self.shape))

    def __len__(self) -> int:
        """Return N."""
        return len(self.rows)

    def __getitem__(self, rows: Any) -> Any:
        """Return some rows, or the picture of one."""
        chosen = self.rows[rows]
        return Pictures(self.files, chosen) if np.ndim(chosen) else self.files.read(int(chosen))

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Decode all of it."""
        decoded = np.empty(self.shape, np.uint8)
        for n, row in enumerate(self.rows.tolist()):
            decoded[n] = self.files.read(row)
        return decoded if dtype is None else decoded.astype(dtype, copy=False)

    def __repr__(self) -> str:
        """Return what it is."""
        return f"<Pictures {self.shape} uint8>"
