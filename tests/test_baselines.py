"""PCA and the linear optima: small cases by hand, and MNIST where its files are at hand."""

import numpy as np
import pytest

from nnscratch.core import Array
from nnscratch.data import mnist
from nnscratch.evaluation import baselines
from nnscratch.evaluation.baselines import PCA, linear_vae_optimum, mean_image
from nnscratch.evaluation.metrics import bce, mse, sse

pytestmark = pytest.mark.plain

needs_mnist = pytest.mark.mnist


def cloud(variances: tuple[float, ...], N: int = 64) -> Array:
    """Rows of mean ½ whose covariance is exactly U diag(variances) Uᵀ for some rotation U."""
    rng = np.random.default_rng(0)
    D = len(variances)
    x = rng.standard_normal((N, D))
    x -= x.mean(axis=0)
    x = np.linalg.qr(x)[0] * np.sqrt(N)  # covariance I
    rotation = np.linalg.qr(rng.standard_normal((D, D)))[0]
    return 0.5 + x * np.sqrt(variances) @ rotation.T


def test_the_mean_image() -> None:
    images = np.array([[[0, 51]], [[255, 51]]], np.uint8)
    np.testing.assert_allclose(mean_image(images), [[0.5, 0.2]])


def test_pca_of_points_on_a_line() -> None:
    """(0, 0), (1, 1), (2, 2) lie along (1, 1)/√2, at -√2, 0 and √2; nothing is lost."""
    x = np.array([[0.0, 0], [1, 1], [2, 2]])
    pca = PCA(1).fit(x)
    np.testing.assert_allclose(np.abs(pca.encode(x)[:, 0]), [np.sqrt(2), 0, np.sqrt(2)], atol=1e-12)
    np.testing.assert_allclose(pca.variances, [4 / 3, 0], atol=1e-12)
    np.testing.assert_allclose(pca.reconstruct(x), x, atol=1e-12)


def test_pca_is_the_singular_value_decomposition() -> None:
    x = np.random.default_rng(0).random((50, 3, 4))
    pca = PCA(5).fit(x)
    centred = (x - x.mean(axis=0)).reshape(50, 12)
    u, s, vt = np.linalg.svd(centred, full_matrices=False)
    best = (u[:, :5] * s[:5]) @ vt[:5]
    np.testing.assert_allclose(pca.variances, s**2 / 50)
    np.testing.assert_allclose(pca.reconstruct(x) - pca.mean, best.reshape(x.shape), atol=1e-12)
    assert pca.components.shape == (5, 3, 4)


def test_what_is_lost_is_the_variance_that_is_not_coded() -> None:
    x = cloud((4.0, 2.0, 1.0, 0.5))
    pca = PCA(2).fit(x)
    np.testing.assert_allclose(pca.errors(x), [7.5, 3.5, 1.5, 0.5, 0], atol=1e-12)
    assert sse(x, pca.reconstruct(x)) == pytest.approx(1.5)
    assert pca.first(3).encode(x).shape == (64, 3)
    assert pca.k == 2


def test_the_density_is_that_of_a_normal_with_the_modelled_covariance() -> None:
    x = cloud((4.0, 2.0, 1.0, 0.5))
    pca = PCA(2).fit(x)
    V = pca.components
    for variance, s2, along in ((None, 0.75, (4, 2)), (3.0, 3.0, (4, 3))):
        covariance = V.T @ np.diag(np.array(along) - s2) @ V + s2 * np.eye(4)
        d = x - x.mean(axis=0)
        squares = np.einsum("nd,de,ne->n", d, np.linalg.inv(covariance), d)
        want = -(4 * np.log(2 * np.pi) + np.linalg.slogdet(covariance)[1] + squares) / 2
        np.testing.assert_allclose(pca.log_prob(x, variance), want)


def test_the_linear_optimum_by_hand() -> None:
    """s² = 1, variances e², e, ½: KL 1 and ½, errors ½ + ½ + ¼; with one unit e pays e/2."""
    x = cloud((np.exp(2), np.exp(1), 0.5))
    two = linear_vae_optimum(x, 1.0, 3)
    np.testing.assert_allclose(two.kl_per_dimension, [1, 0.5, 0], atol=1e-12)
    assert two.active == 2
    assert two.kl == pytest.approx(1.5)
    assert two.total == pytest.approx(1.5 + 1.25)
    assert linear_vae_optimum(x, 1.0, 1).total == pytest.approx(1 + 0.5 + np.exp(1) / 2 + 0.25)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: PCA(2).encode(np.zeros((1, 2))), "PCA: expected a call of fit first"),
        (lambda: PCA(0).fit(np.zeros((3, 2))), "PCA: expected k ≥ 1, got 0"),
        (lambda: PCA(2).fit(np.zeros((3, 2))).first(3), "PCA: expected k in 1 … 2, got 3"),
        (lambda: PCA(1).fit(np.zeros((3, 2))).encode(np.zeros((1, 3))), "PCA encode: expected"),
        (lambda: PCA(1).fit(np.full((3, 2), np.nan)), "expected finite numbers"),
        (lambda: PCA(1).fit(np.zeros((0, 2))), r"PCA fit: expected a batch \(N, …\), not empty"),
        (lambda: PCA(1).fit(np.float32(3)), r"PCA fit: expected a batch .*, got \(\)"),
        (lambda: PCA(1).fit(None), r"PCA fit: expected uint8, .*, got object \(NoneType\)"),
        (lambda: mean_image(np.zeros((0, 2))), r"mean_image: expected a batch .*, not empty"),
        (lambda: linear_vae_optimum(np.zeros((3, 2)), 0, 1), "expected variance > 0, got 0"),
    ],
)
def test_refusals(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


@needs_mnist
def test_pca_on_mnist() -> None:
    """MSE a pixel and log-likelihoods that an independent program found."""
    train, test = mnist()
    pca = PCA(2).fit(train.images)
    found = {k: pca.first(k) for k in (2, 32, 128)}
    errors = [mse(test.images, p.reconstruct(test.images)) for p in found.values()]
    np.testing.assert_allclose(errors, [0.05567, 0.01683, 0.00421], atol=5e-6)
    assert found[2].log_prob(test.images).mean() == pytest.approx(14.36, abs=0.01)
    assert found[32].log_prob(test.images).mean() == pytest.approx(409.42, abs=0.02)


@needs_mnist
def test_the_mean_image_on_mnist() -> None:
    train, test = mnist()
    mean = np.broadcast_to(mean_image(train.images), test.images.shape)
    assert mse(test.images, mean) == pytest.approx(0.06747, abs=5e-6)
    assert bce(test.images, mean, clip=1e-6) == pytest.approx(205.82, abs=0.02)


@needs_mnist
@pytest.mark.parametrize(
    ("variance", "k", "total", "active"), [(1.0, 20, 22.7384, 12), (0.5, 2, 47.0360, 2)]
)
def test_the_linear_optimum_on_mnist(variance: float, k: int, total: float, active: int) -> None:
    optimum = linear_vae_optimum(mnist().train.images, variance, k)
    assert optimum.total == pytest.approx(total, abs=2e-4)
    assert optimum.active == active


def test_images_in_blocks_are_the_images(monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.random.default_rng(0).random((23, 6))
    whole, mean = PCA(3).fit(images), mean_image(images)
    monkeypatch.setattr(baselines, "BLOCK", 5)
    np.testing.assert_allclose(mean_image(images), mean, rtol=1e-14)
    np.testing.assert_allclose(PCA(3).fit(images).variances, whole.variances, rtol=1e-12)
    np.testing.assert_allclose(
        whole.variances, np.linalg.eigvalsh(np.cov(images.T, bias=True))[::-1]
    )


def test_pca_of_fewer_images_than_numbers_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which takes another way where images are large, without the covariance of all pairs."""
    x = np.random.default_rng(0).random((20, 5, 8))
    want = PCA(4).fit(x)
    monkeypatch.setattr(baselines, "LARGE", 39)
    got = PCA(4).fit(x)
    np.testing.assert_allclose(got.variances, want.variances, atol=1e-12)
    np.testing.assert_allclose(got.reconstruct(x), want.reconstruct(x), atol=1e-12)
    np.testing.assert_allclose(
        got.first(9).reconstruct(x), want.first(9).reconstruct(x), atol=1e-12
    )
    with pytest.raises(ValueError, match=r"expected k in 1 … 20, got 21"):
        got.first(21)
