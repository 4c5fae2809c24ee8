"""`train` on several ranks: one of them speaks, and all end with one message."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

from ..training.ranks import Ranks


@contextmanager
def one_voice(ranks: Ranks) -> Iterator[None]:
    """Let rank 0 alone print, unless something happens that the others do not know of."""
    if ranks.rank == 0:
        yield
        return
    try:
        with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
            yield
    except Exception as error:
        if getattr(error, "__notes__", None):  # raised on all: see Ranks.agreed
            sys.exit(1)
        raise
    except BaseException:  # a signal, which all ranks have
        sys.exit(130)
