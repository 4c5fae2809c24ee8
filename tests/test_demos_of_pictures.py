"""What the demos of colour and of a folder of pictures are made of."""

from math import log
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from demos._levels import BernoulliOfLevels, bits_of_perfect_pixels
from demos._made_folder import KINDS, ORIENTATION, STORED, save, write_folder
from demos._superres import OnTopOf, bicubic, decibels, detail, similarity
from nnscratch.data import Reading, folder, scenes, upsample_nearest
from nnscratch.evaluation.metrics import psnr, ssim
from nnscratch.gradcheck import gradcheck
from nnscratch.layers import Conv2d, PixelShuffle, Sequential, UpsampleBilinear2d

SEEDS = st.integers(0, 2**32 - 1)


@given(a=st.floats(-300, 300), seed=SEEDS)
def test_levels_add_up_to_one_and_go_as_the_cross_entropy(a: float, seed: int) -> None:
    """The sum over 256 levels, term by term; the largest term is taken out of it."""
    levels = np.arange(256) / 255
    logits = np.full((1, 256), a)
    found = BernoulliOfLevels().log_prob(logits, levels[None])
    terms = levels * a
    expected = terms - terms.max() - np.log(np.exp(terms - terms.max()).sum())
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    single = BernoulliOfLevels().log_prob(logits.astype(np.float32), levels[None].astype("f4"))
    np.testing.assert_allclose(single, expected, rtol=1e-4, atol=1e-4)


def test_a_logit_of_zero_is_any_level_alike() -> None:
    a, t = np.zeros((3, 1)), np.array([[0.0], [0.5], [1.0]])
    np.testing.assert_allclose(BernoulliOfLevels().log_prob(a, t), -3 * log(256), rtol=1e-12)


def test_the_bits_of_perfect_pixels_are_those_of_the_sum(rng: np.random.Generator) -> None:
    images = rng.integers(1, 255, (2, 3, 4, 5), np.uint8)
    x, levels = images.ravel() / 255, np.arange(256) / 255
    a = np.log(x / (1 - x))
    p = np.exp(a * x) / np.exp(a[:, None] * levels).sum(axis=1)
    assert bits_of_perfect_pixels(images) == pytest.approx(-np.log2(p).mean())


def test_a_network_on_top_of_an_interpolation_is_proved(rng: np.random.Generator) -> None:
    new = {"rng": rng, "dtype": np.float64}
    net = Sequential(Conv2d(2, 8, 3, padding="same", **new), PixelShuffle(2))
    layer = OnTopOf(UpsampleBilinear2d(2), net)
    assert layer.output_shape((2, 3, 5)) == (2, 6, 10)
    assert list(layer.parameters()) == ["net.0.weight", "net.0.bias"]
    assert gradcheck(layer, (2, 3, 5, 2), rng=rng).ok
    x = rng.random((2, 3, 5, 2))
    y, _ = layer.forward(x)
    expected = UpsampleBilinear2d(2).forward(x)[0] + net.forward(x)[0]
    np.testing.assert_array_equal(y, expected)


def test_bicubic_keeps_what_is_level_and_enlarges_each_channel(rng: np.random.Generator) -> None:
    y = np.repeat(rng.random((2, 3, 1, 1), np.float32), 8, axis=2).repeat(6, axis=3)
    np.testing.assert_allclose(bicubic(y, 4), np.repeat(y, 4, 2).repeat(4, 3), atol=1e-6)
    x = rng.random((2, 3, 5, 4), np.float32)
    np.testing.assert_array_equal(bicubic(x, 2)[1, 2], bicubic(x[1:, 2:], 2)[0, 0])


def test_decibels_and_similarity_are_the_metrics_with_errors_by_the_bootstrap() -> None:
    """Standard errors beside those of 2,000 draws of 200 pictures out of 200."""
    rng = np.random.default_rng(0)
    x = scenes(200, size=12, rng=rng).images / np.float32(255)
    noise = rng.standard_normal(x.shape, np.float32) * rng.uniform(0.05, 0.2, (200, 1, 1, 1))
    y, other = ((x + s * noise).clip(0, 1).astype("f4") for s in (1.0, 1.3))
    found, gain = decibels(x, y), decibels(x, y, other)
    assert found.mean == pytest.approx(psnr(x, y))
    assert gain.mean == pytest.approx(psnr(x, y) - psnr(x, other))
    a, b = (((x - z) ** 2).mean(axis=(1, 2, 3)) for z in (y, other))
    rows = rng.integers(0, 200, (2000, 200))
    drawn = -10 * np.log10(a[rows].mean(axis=1))
    assert found.error == pytest.approx(drawn.std(), rel=0.1)
    drawn += 10 * np.log10(b[rows].mean(axis=1))
    assert gain.error == pytest.approx(drawn.std(), rel=0.1)
    assert gain.error < found.error / 3
    assert similarity(x, y).mean == pytest.approx(ssim(x, y))


def test_detail_is_what_tiles_leave_out(rng: np.random.Generator) -> None:
    y = rng.random((2, 3, 2, 2))
    assert detail(upsample_nearest(y, 4), 4) == pytest.approx(0, abs=1e-12)
    board = np.indices((8, 8)).sum(axis=0) % 2 / 255  # one level from black to white
    assert detail(board[None, None] * np.ones((1, 3, 1, 1)), 4) == pytest.approx(0.5)


def test_a_made_folder_is_read_and_what_was_done_is_as_it_was_made(tmp_path: Path) -> None:
    write_folder(tmp_path, 150, rng=np.random.default_rng(0))
    said: list[str] = []
    reading = Reading(bad="skip", report=said.append)
    data = folder(tmp_path, size=(16, 16), colour=True, reading=reading)
    assert len(data) == 150
    assert data.classes == ("balloons", "boats", "hills", "houses", "towers", "trees")
    files = [path.name.partition(".")[2] for path in tmp_path.glob("*/?????.*")]
    assert set(files) == set(KINDS)
    [report] = said
    assert f"  {files.count('turned.jpg')} were turned as their EXIF data say" in report
    assert f"  {files.count('grey16.png')} have 16 bits a channel" in report
    assert "1 left out: image file is truncated (hills/half.jpg)" in report
    assert "1 other files not looked at (1 .txt)" in report


@pytest.mark.parametrize("turn", STORED)
def test_a_turned_picture_is_seen_upright(turn: int, tmp_path: Path) -> None:
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[:24, :32] = 255  # white is the quarter at the top and left
    save(Image.fromarray(pixels), tmp_path / "0.turned.jpg", turn=turn)
    with Image.open(tmp_path / "0.turned.jpg") as file:
        assert file.getexif()[ORIENTATION] == turn
    [seen] = np.asarray(folder(tmp_path, size=(48, 64), colour=True).images)
    assert np.abs(seen - pixels.transpose(2, 0, 1).astype(float)).mean() < 3
