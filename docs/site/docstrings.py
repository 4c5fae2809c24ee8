"""Docstrings become Markdown: sections get headings, tables and formulas stay as they are set."""

import re
from textwrap import dedent
from typing import Any

import griffe

SECTION = re.compile(r"[A-Z][a-z]+( [a-z]+)?")


class Sections(griffe.Extension):
    """Rewrites each docstring when griffe has read it."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of an object, if it has one."""
        if obj.docstring and not obj.is_module:
            obj.docstring.value = markdown(obj.docstring.value)


def markdown(text: str) -> str:
    """Return a docstring as Markdown."""
    out: list[str] = []
    for indented, lines in _blocks(text.split("\n")):
        block = dedent("\n".join(lines)).strip("\n")
        if not indented:
            out.append(_prose(block))
        elif re.search(r"^ |\S {2,}\S|[=≥] ", block, re.MULTILINE):
            out.append(f"```text\n{block}\n```")
        else:
            out.append(_prose(block))
    return "\n\n".join(part for part in out if part)


def _blocks(lines: list[str]) -> list[tuple[bool, list[str]]]:
    """Cut lines into runs that are indented and runs that are not; empty lines end neither."""
    found: list[tuple[bool, list[str]]] = []
    for line in lines:
        indented = line.startswith("  ")
        if found and (not line.strip() or found[-1][0] == indented):
            found[-1][1].append(line)
        else:
            found.append((indented, [line]))
    return found


def _prose(block: str) -> str:
    """Return paragraphs; a last line that is a section's name becomes a heading."""
    lines = block.split("\n")
    tables = [line for line in lines if re.match(r"\S+ {2,}\S", line)]
    if len(tables) > 0 and not SECTION.fullmatch(lines[-1]):
        return _with_tables(lines)
    if SECTION.fullmatch(lines[-1]):
        return "\n\n".join([_escaped("\n".join(lines[:-1]).strip("\n")), f"**{lines[-1]}**"])
    return _escaped(block)


def _with_tables(lines: list[str]) -> str:
    """Return text, in which lines of a name, two spaces and an explanation are one block."""
    for start, line in enumerate(lines):
        if re.match(r"\S+ {2,}\S", line):
            before = _escaped("\n".join(lines[:start]).strip("\n"))
            rest = "\n".join(lines[start:])
            return f"{before}\n\n```text\n{rest}\n```"
    return _escaped("\n".join(lines))


def _escaped(text: str) -> str:
    """Return text in which Markdown finds no emphasis, outside of code."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"([*_<\[\]])", r"\\\1", part) for part in parts[::2]]
    return "`".join(parts)
