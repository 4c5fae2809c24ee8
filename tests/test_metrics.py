"""Metrics against sums written out, and against what is known of MNIST."""

import math

import numpy as np
import pytest

from nnscratch.data import mnist
from nnscratch.evaluation.metrics import bce, bce_floor, mse, psnr, squared_errors, sse, ssim


def two_pictures() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.random((2, 13, 12)), rng.random((2, 13, 12))


def test_squared_errors_by_hand() -> None:
    """Differences 0.5, 0, 0, 1 and 0, 0, 0, 0.5: 1.25 and 0.25 an image, over 4 pixels each."""
    images = np.array([[[0.5, 1], [0, 0]], [[0, 0], [1, 0.5]]])
    pictures = np.array([[[0.0, 1], [0, 1]], [[0, 0], [1, 0.0]]])
    assert sse(images, pictures) == 0.75
    assert squared_errors(images, pictures.reshape(2, 4)).tolist() == [1.25, 0.25]
    assert mse(images, pictures) == 0.75 / 4
    assert psnr(images, pictures) == pytest.approx(10 * math.log10(4 / 0.75))


def test_a_perfect_picture_has_an_infinite_psnr() -> None:
    x, _ = two_pictures()
    assert psnr(x, x) == math.inf


def test_cross_entropy_by_hand() -> None:
    """Two pixels: -log ¾ where there is ink, -½ log ½ - ½ log ½ = log 2 for a grey one."""
    assert bce(np.array([[1.0, 0.5]]), np.array([[0.75, 0.5]])) == pytest.approx(math.log(8 / 3))


def test_cross_entropy_clips_what_is_no_probability() -> None:
    assert bce(np.array([[1.0]]), np.array([[-0.5]]), clip=0.1) == pytest.approx(-math.log(0.1))


def test_the_floor_is_the_cross_entropy_of_the_images_themselves() -> None:
    x, _ = two_pictures()
    assert bce_floor(x) == pytest.approx(bce(x, x, clip=1e-9))


def test_bytes_and_floats_and_layouts_are_the_same_images() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (2, 3, 12, 12), np.uint8)
    for metric in (sse, bce):
        assert metric(x, y) == pytest.approx(metric(x / 255, (y / 255).reshape(3, -1)))
    assert ssim(x, y) == pytest.approx(ssim(x / 255, y / 255))


def test_ssim_is_the_formula_in_every_window() -> None:
    """The window in two dimensions and one weighted moment after the other, no convolution."""
    x, y = two_pictures()
    r = np.arange(11) - 5
    w = np.exp(-(r[:, None] ** 2 + r**2) / (2 * 1.5**2))
    w /= w.sum()
    values = []
    for n, i, j in np.ndindex(2, 3, 2):
        a, b = x[n, i : i + 11, j : j + 11], y[n, i : i + 11, j : j + 11]
        mu_a, mu_b = (w * a).sum(), (w * b).sum()
        var_a, var_b = (w * (a - mu_a) ** 2).sum(), (w * (b - mu_b) ** 2).sum()
        cov = (w * (a - mu_a) * (b - mu_b)).sum()
        top = (2 * mu_a * mu_b + 1e-4) * (2 * cov + 9e-4)
        values.append(top / ((mu_a**2 + mu_b**2 + 1e-4) * (var_a + var_b + 9e-4)))
    assert ssim(x, y) == pytest.approx(np.mean(values), rel=1e-12)


def test_ssim_of_equal_and_of_plain_images() -> None:
    """Without structure only the luminance is left: (2ab + c₁)/(a² + b² + c₁)."""
    x, _ = two_pictures()
    assert ssim(x, x) == pytest.approx(1)
    plain = np.full((1, 11, 11), 0.25), np.full((1, 11, 11), 0.75)
    assert ssim(*plain) == pytest.approx((0.375 + 1e-4) / (0.625 + 1e-4))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sse(np.zeros(3), np.zeros(3)), r"sse images: expected a batch \(N, …\)"),
        (lambda: sse(np.zeros((2, 3), int), np.zeros((2, 3))), "got .* int64"),
        (lambda: sse(np.zeros((2, 3), np.uint16), np.zeros((2, 3))), "got .* uint16"),
        (lambda: sse(np.zeros((2, 3)), np.zeros((3, 2))), r"sse pictures: expected \(N, 3\), got"),
        (lambda: sse(np.zeros((2, 3)), np.zeros((3, 3))), "sse: expected pictures like images"),
        (lambda: mse(np.zeros((1, 2)), np.full((1, 2), np.nan)), "mse|sse pictures: .* finite"),
        (
            lambda: bce(np.zeros((1, 2)), np.zeros((1, 2)), clip=0),
            r"bce: expected clip in \(0, 0.5\)",
        ),
        (lambda: ssim(np.zeros((1, 10, 11)), np.zeros((1, 10, 11))), "from 11 × 11 up"),
        (lambda: ssim(np.zeros((1, 784)), np.zeros((1, 784))), r"expected \(N, …, H, W\)"),
    ],
)
def test_refusals(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.mnist
def test_the_floor_of_mnist() -> None:
    assert bce_floor(mnist().test.images) == pytest.approx(45.534, abs=1e-3)
