"""Damage to files: what disks, other programs and people do to them."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np


class Bomb:
    """Whoever unpickles it creates a file."""

    def __init__(self, where: Path) -> None:
        self.where = where

    def __reduce__(self) -> tuple[Callable[..., None], tuple[Path]]:
        return Path.touch, (self.where,)


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """Return something else than this content, in one of the ways in which a file is damaged."""
    N = len(content)
    a, b = sorted(rng.integers(0, N + 1, 2).tolist())
    noise = rng.bytes(int(rng.integers(1, 100)))
    ways = [
        b"",
        content[:a],
        content[a:],
        content[:a] + content[b:],
        content[:a] + bytes(b - a) + content[b:],
        content[:a] + noise + content[a:],
        content[:a] + noise + content[a + len(noise) :],
        content + content,
        content[a:] + content[:a],
        noise,
        pickle.dumps(["a foreign pickle"]),
    ]
    way = int(rng.integers(2 * len(ways)))  # a flipped bit is as likely as all others together
    bad = ways[way] if way < len(ways) else flipped(content, int(rng.integers(8 * N)))
    return bad if bad != content else flipped(content, int(rng.integers(8 * N)))


def flipped(content: bytes, bit: int) -> bytes:
    """Return the content with one bit flipped."""
    bad = bytearray(content)
    bad[bit // 8] ^= 1 << bit % 8
    return bytes(bad)
