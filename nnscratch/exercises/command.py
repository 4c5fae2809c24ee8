"""The command: list, start, check, hint, status."""

import argparse
import hashlib
import json
import secrets
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from ..files import write_whole
from .catalogue import ALL, Exercise, find
from .report import coloured, report, wrapped
from .worker import run

PROGRESS = ".exercises.json"
COMMAND = "python -m nnscratch.exercises"

PAGE = f"""\
Exercises in backpropagation, graded by proofs: {COMMAND} …

    start DIR       put the files of the exercises into DIR
    list            what they are about
    check NAME      is an answer right, and if not, where is it wrong?
    check           the same for all that have been begun
    hint NAME       the first of three hints; the next with --level 2
    status          what is done

NAME is a name, a number or a file.
"""


def main(words: Sequence[str] | None = None) -> int:
    """Run the command; return the exit code: 0 if all is well, 1 if an answer is not right."""
    if isinstance(sys.stdout, TextIOWrapper):  # a ? for what its encoding does not know, say a ∂
        sys.stdout.reconfigure(errors="replace")
    options = parser().parse_args(words)
    if options.command is None:
        print(PAGE, end="")
        return 0
    try:
        return int(options.run(options))
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    described = {"formatter_class": argparse.RawDescriptionHelpFormatter, "description": PAGE}
    top = argparse.ArgumentParser(prog=COMMAND, **described)  # type: ignore[arg-type]
    commands = top.add_subparsers(dest="command", metavar="COMMAND")

    def add(name: str, action: Any, words: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=words, description=words)
        command.set_defaults(run=action)
        return command

    add("list", list_them, "the exercises, in order")
    start_it = add("start", start, "copy the files of the exercises into a folder")
    start_it.add_argument("dir", metavar="DIR", type=Path)
    check_it = add("check", check, "grade an answer, or all that have been begun")
    check_it.add_argument("name", metavar="NAME", nargs="?")
    check_it.add_argument("--seed", type=int, help="repeat a check with its random numbers")
    check_it.add_argument("--seconds", type=float, help="time limit; default 20, lesson 300")
    hint_it = add("hint", hint, "a hint; --level 2 and 3 say more")
    hint_it.add_argument("name", metavar="NAME")
    hint_it.add_argument("--level", type=int, choices=(1, 2, 3), default=1)
    status_it = add("status", status, "what is done, and what comes next")
    for command in (check_it, status_it):
        command.add_argument("--dir", type=Path, help="the folder that `start` made")
    return top


def list_them(options: argparse.Namespace) -> int:
    """Print the exercises."""
    for exercise in ALL:
        print(f"{exercise.number:02} {exercise.name:16} {exercise.title}")
    return 0


def start(options: argparse.Namespace) -> int:
    """Copy the files; what is there already is kept."""
    folder = options.dir.expanduser()
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"start: expected a folder, {folder} is a file")
    folder.mkdir(parents=True, exist_ok=True)
    new = [exercise for exercise in ALL if not (folder / exercise.file).exists()]
    for exercise in new:
        write_whole(folder / exercise.file, exercise.text.encode(), "exercise")
    if not (folder / PROGRESS).exists():
        save(folder, {})
    kept = len(ALL) - len(new)
    print(f"{len(new)} files written to {folder}" + (f", {kept} kept as they are" if kept else ""))
    first = ALL[0]
    print(f"\nOpen {folder / first.file} in your editor, write the missing lines, then\n")
    print(f"    {COMMAND} check {first.name}")
    return 0


def folder_of(options: argparse.Namespace) -> Path:
    """Return the folder of the learner's files.

    It is --dir, or the current folder, or the one below it that `start` has made.

    Raises
        ValueError if there is none, or more than one.
    """
    if options.dir:
        if not any((options.dir / exercise.file).exists() for exercise in ALL):
            raise ValueError(f"--dir: no exercises in {options.dir}; {COMMAND} start DIR")
        return Path(options.dir)
    here = Path()
    if any((here / exercise.file).exists() for exercise in ALL):
        return here
    found = sorted(path.parent for path in here.glob(f"*/{PROGRESS}"))
    if len(found) != 1:
        what = "several folders" if found else "no folder"
        raise ValueError(f"there is {what} of exercises here; use --dir, or {COMMAND} start DIR")
    return found[0]


def check(options: argparse.Namespace) -> int:
    """Grade one answer, or all that have been begun."""
    if options.name is not None:
        given = Path(options.name)
        exercise = find(options.name)
        path = given if given.suffix == ".py" and given.exists() else None
        return 0 if check_one(exercise, path or folder_of(options) / exercise.file, options) else 1
    folder, right = folder_of(options), True
    begun = [e for e in ALL if state(folder, e, load(folder)) not in ("not begun", "missing")]
    for exercise in begun:
        right &= check_one(exercise, folder / exercise.file, options)
        print()
    if not begun:
        print(f"Nothing has been begun. Open {folder / ALL[0].file}.")
    return 0 if right and begun else 1


def check_one(exercise: Exercise, path: Path, options: argparse.Namespace) -> bool:
    """Grade an answer, print the report, and note whether it is right."""
    if not path.is_file():
        raise ValueError(f"check: {path} does not exist; `{COMMAND} start {path.parent}` writes it")
    seconds = (300.0 if exercise.free else 20.0) if options.seconds is None else options.seconds
    if not seconds > 0:
        raise ValueError(f"--seconds: expected a positive number, got {seconds:g}")
    seed = secrets.randbelow(2**32) if options.seed is None else options.seed
    verdict = run(exercise.name, path, seed, seconds)
    print(report(exercise, verdict))
    progress = load(path.parent)
    progress[exercise.name] = {"file": digest(path), "right": verdict.ok}
    save(path.parent, progress)
    print()
    if verdict.ok:
        left = [e for e in ALL if state(path.parent, e, progress) != "right"]
        after = next((e for e in left if e.number > exercise.number), left[0] if left else None)
        print(f"  Next: {after.file}, {after.title}." if after else "  All exercises are done.")
    else:
        lines = f"A hint: {COMMAND} hint {exercise.name}"
        print("\n".join(wrapped(lines, 2)))
        if not verdict.blank:
            print(f"  The same numbers again: check {exercise.name} --seed {seed}")
    return verdict.ok


def hint(options: argparse.Namespace) -> int:
    """Print one of the three hints."""
    exercise = find(options.name)
    print(f"{exercise.number:02} {exercise.name}, hint {options.level} of 3\n")
    print(exercise.hints[options.level - 1])
    if options.level < 3:
        print(f"\nMore: {COMMAND} hint {exercise.name} --level {options.level + 1}")
    return 0


def status(options: argparse.Namespace) -> int:
    """Print what is done."""
    folder = folder_of(options)
    progress = load(folder)
    states = {exercise: state(folder, exercise, progress) for exercise in ALL}
    for exercise, word in states.items():
        colour = "green" if word == "right" else "bold"
        shown = coloured(f"{word:28}", colour) if word != "not begun" else f"{word:28}"
        print(f"{exercise.number:02} {exercise.name:16} {shown}".rstrip())
    done = sum(word == "right" for word in states.values())
    print(f"\n{done} of {len(ALL)} in {folder.resolve()}")
    return 0


def state(folder: Path, exercise: Exercise, progress: dict[str, Any]) -> str:
    """Return how far an exercise is, in words."""
    path = folder / exercise.file
    if not path.is_file():
        return "missing"
    if path.read_bytes() == exercise.text.encode():
        return "not begun"
    known = progress.get(exercise.name)
    if known is None:
        return "begun, not checked"
    right = "right" if known.get("right") else "not yet right"
    return right if known.get("file") == digest(path) else f"{right}, changed since"


def digest(path: Path) -> str:
    """Return what tells one version of a file from another."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load(folder: Path) -> dict[str, Any]:
    """Return what is known of the answers in a folder; nothing, if the file is no longer whole."""
    try:
        known = json.loads((folder / PROGRESS).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    known = known if isinstance(known, dict) else {}
    return {name: entry for name, entry in known.items() if isinstance(entry, dict)}


def save(folder: Path, progress: dict[str, Any]) -> None:
    """Write it down."""
    write_whole(folder / PROGRESS, f"{json.dumps(progress, indent=2)}\n".encode(), "progress")
