"""Melodies as sound: WAV files of a simple instrument.

    write("tune.wav", tokens, tempo=120)

A note is a tone of 440 · 2^((p - 69)/12) Hz, where p is its MIDI pitch; it starts within 5 ms,
fades, and is damped within 30 ms where it ends.
"""

import io
import wave
from math import pi
from os import PathLike
from pathlib import Path

import numpy as np

from ..checks.arguments import integer
from ..core import Array
from ..files import write_whole
from .melodies import STEPS, Tokens
from .midi.tokens import TICKS, song_of

SHAPES = {"sine": 1, "triangle": 5}
"""How many odd harmonics a tone has, the k-th 1/k² as loud as the first."""

ATTACK, RELEASE, FADE = 0.005, 0.03, 0.6  # seconds; a tone fades by a factor e in FADE
LOUDNESS = 0.5  # of the largest number


def sound(
    tokens: Tokens, *, tempo: float = 120, shape: str = "triangle", rate: int = 22_050
) -> Array:
    """Return a melody (T,) of tokens as samples in [-1, 1], `rate` a second."""
    if shape not in SHAPES:
        raise ValueError(f"sound: expected a shape, {' or '.join(SHAPES)}, got {shape!r}")
    integer("sound", "rate", rate, 11_025)
    notes = song_of(tokens, tempo=tempo).notes
    second = rate * 60 / tempo / TICKS  # samples a tick
    samples = np.zeros(round(len(tokens) * 4 * TICKS / STEPS * second))
    for note in notes:
        first, last = round(note.start * second), round(note.end * second)
        t = np.arange(last - first) / rate
        fade = np.exp(-t / FADE) * np.minimum(t / ATTACK, 1) * np.minimum(t[::-1] / RELEASE, 1)
        samples[first:last] = LOUDNESS * fade * _tone(440 * 2 ** ((note.pitch - 69) / 12), t, shape)
    return samples


def _tone(frequency: float, t: Array, shape: str) -> Array:
    """Return Σ (-1)ⁱ sin(2π k f t) / k² over odd k = 2i + 1 with k f below half the sample rate."""
    tone = np.zeros_like(t)
    highest = 0.5 / (t[1] - t[0]) if len(t) > 1 else frequency
    for i in range(SHAPES[shape]):
        k = 2 * i + 1
        if k * frequency < highest:
            tone += (-1) ** i * np.sin(2 * pi * k * frequency * t) / k**2
    return tone


def write(
    path: str | PathLike[str],
    tokens: Tokens,
    *,
    tempo: float = 120,
    shape: str = "triangle",
    rate: int = 22_050,
) -> Path:
    """Write a melody (T,) of tokens as a WAV file of one channel of 16 bits.

    tempo  quarters a minute
    shape  sine or triangle
    rate   samples a second
    """
    samples = sound(tokens, tempo=tempo, shape=shape, rate=rate)
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.round(samples * 32767).astype("<i2").tobytes())
    return write_whole(Path(path), content.getvalue(), "WAV file")
