"""Which subcommands there are, and what becomes of errors and signals."""

import argparse
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from importlib import import_module
from io import TextIOWrapper
from typing import Any, NoReturn

from .. import __version__
from ..exits import exit_code, flush_or_abandon

COMMANDS = (
    "train",
    "encode",
    "decode",
    "reconstruct",
    "sample",
    "interpolate",
    "evaluate",
    "explore",
    "info",
    "export",
)
"""The modules of this package that are subcommands, in the order of the help."""

TOOLS = {
    "demo": ("command.demo", "run a demo, a page of the lesson with its figures, or list them"),
    "gradcheck": ("gradcheck.__main__", "prove every layer and loss"),
    "explain": ("explain.__main__", "show a layer or loss line by line, with its numbers"),
    "pretrained": ("pretrained.__main__", "list the trained networks, or train one again"),
    "exercises": ("exercises.command", "exercises in backpropagation, and their graders"),
}
"""Modules whose `main` has a command line of its own, to which all behind its name is left."""

PAGE = """\
Autoencoders: train one on your data, and use it.

    nnscratch train pets --size 64 64 --colour --out out/pets
    nnscratch info out/pets/model.safetensors

`nnscratch COMMAND --help` says what a command does, with examples.
"""

CODES = """\
exit codes: 0 done; 1 failed, and `error: …` says why; 2 wrong usage; 130 stopped by Ctrl-C and 143
by SIGTERM. What is written is there whole, or not at all.
"""


class Terminated(BaseException):
    """SIGTERM has come."""


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    words = sys.argv[1:] if words is None else list(words)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a ? for what its encoding does not know, say a β
            stream.reconfigure(errors="replace")
    top = parser()
    try:
        if words and words[0] in TOOLS:
            tool = import_module(f"nnscratch.{TOOLS[words[0]][0]}")
            return exit_code(lambda: int(tool.main(words[1:])))
        options = top.parse_args(words)
        if options.command is None:
            top.print_help()
            return 0
        return answered(options)
    except SystemExit as end:  # of argparse, which has said why, or of sys.exit with a sentence
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
            return 1
        return int(end.code or 0)


def answered(options: argparse.Namespace) -> int:
    """Run a subcommand; an error is one sentence."""
    options.answers = sys.stdout  # where --json prints, and nothing else does
    try:
        with terminating(), redirect_stdout(sys.stderr if options.json else sys.stdout):
            code = int(options.run(options))
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # whoever reads has read enough, as `head` has
        flush_or_abandon()
        return 1
    except (ValueError, OSError, ImportError, MemoryError) as error:
        where = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
        print(f"error: {sentence(error)}{where}", file=sys.stderr)
        flush_or_abandon()
        return 1
    except (KeyboardInterrupt, Terminated) as stop:
        print("stopped", file=sys.stderr)
        return 130 if isinstance(stop, KeyboardInterrupt) else 143


def sentence(error: BaseException) -> str:
    """Return what an error says, of a file first which one."""
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error) or type(error).__name__


@contextmanager
def terminating() -> Iterator[None]:
    """Raise Terminated where SIGTERM comes, as Ctrl-C raises KeyboardInterrupt."""

    def end(_number: int, _frame: object) -> NoReturn:
        raise Terminated

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    raw = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser("nnscratch", None, PAGE, CODES, formatter_class=raw)
    top.add_argument("--version", action="version", version=f"nnscratch {__version__}")
    commands: Any = top.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name in COMMANDS:
        import_module(f"{__package__}.{name}").add(commands)
    for name, (_, words) in TOOLS.items():
        commands.add_parser(name, help=words, add_help=False)
    return top
