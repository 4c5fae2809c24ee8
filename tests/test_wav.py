"""Melodies as sound, heard by Fourier transform."""

import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.core import Array
from nnscratch.data import wav
from nnscratch.data.wav import sound

pytestmark = pytest.mark.oldest


def read(path: Path) -> tuple[Array, int]:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        frames = file.readframes(file.getnframes())
        return np.frombuffer(frames, "<i2") / 32767, file.getframerate()


def loudest(samples: Array, rate: int) -> float:
    """Return the frequency of the largest value of the spectrum, in Hz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 8 * len(samples)))
    return float(np.argmax(spectrum) * rate / (8 * len(samples)))


@given(
    pitches=st.lists(st.integers(33, 108), min_size=1, max_size=4),
    shape=st.sampled_from(["sine", "triangle"]),
    rate=st.sampled_from([11_025, 22_050, 44_100]),
)
def test_each_note_has_its_pitch(pitches: list[int], shape: str, rate: int) -> None:
    """To less than a third of a semitone, whose ratio is 1.0595."""
    tokens = np.array([t for p in pitches for t in (p - 19, 0, 0, 0)], np.uint8)
    samples = sound(tokens, tempo=60, shape=shape, rate=rate)
    assert len(samples) == len(pitches) * rate
    for pitch, part in zip(pitches, samples.reshape(len(pitches), rate), strict=True):
        assert loudest(part, rate) == pytest.approx(440 * 2 ** ((pitch - 69) / 12), rel=0.018)


def test_a_file(tmp_path: Path) -> None:
    """A quarter of a' at 120 a minute and a rest as long: half a second of 440 Hz, and silence."""
    path = wav.write(tmp_path / "a.wav", np.array([50, 0, 0, 0, 1, 0, 0, 0], np.uint8))
    samples, rate = read(path)
    assert (len(samples), rate) == (22_050, 22_050)
    note, rest = samples.reshape(2, -1)
    assert loudest(note, rate) == pytest.approx(440, rel=0.005)
    assert not rest.any()
    assert 0.3 < np.abs(note).max() < 0.7
    assert abs(note[0]) < 0.01  # it begins and ends without a click
    assert abs(note[-1]) < 0.01


def test_a_note_fades() -> None:
    samples = sound(np.array([50] + [0] * 15, np.uint8), tempo=120)
    loudness = np.abs(samples[:44_096]).reshape(8, -1).max(axis=1)
    assert (np.diff(loudness) < 0).all()


def test_a_sine_has_one_harmonic_and_a_triangle_the_third_too() -> None:
    tokens = np.array([50] + [0] * 15, np.uint8)
    for shape, low, high in (("sine", 0, 1e-3), ("triangle", 0.1, 0.12)):
        samples = sound(tokens, shape=shape)
        spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
        third, first = (int(f * len(samples) / 22_050) for f in (1320, 440))
        assert (
            low
            <= spectrum[third - 5 : third + 6].max() / spectrum[first - 5 : first + 6].max()
            < high
        )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"shape": "square"}, "expected a shape, sine or triangle, got 'square'"),
        ({"rate": 8000}, "expected rate ≥ 11025"),
        ({"tempo": 0}, "expected tempo in"),
    ],
)
def test_what_is_no_sound(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        sound(np.zeros(16, np.uint8), **settings)  # type: ignore[arg-type]
