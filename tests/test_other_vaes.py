"""Wasserstein autoencoder, β-TCVAE and VampPrior: their terms against closed forms and chance."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from checks.latent import check_mixture, check_mmd, check_parts, codes
from hypothesis import given
from hypothesis import strategies as st

import nnscratch as nn
from nnscratch import latent_losses
from nnscratch.core import Array, pack
from nnscratch.evaluation import elbo
from nnscratch.gradcheck.gradcheck import gradcheck
from nnscratch.latent_losses import (
    SCALES,
    imq_mmd,
    kl_decomposition,
    log_sum,
    mixture_kl,
    rbf_mmd,
)
from nnscratch.losses import gaussian_kl
from nnscratch.models.adversarial import ring
from nnscratch.training.checkpoint import arrays_of

pytestmark = pytest.mark.plain

F64: Any = {"dtype": np.float64}
SIZES, SEEDS = st.integers(1, 5), st.integers(0, 99)


def wae(dtype: Any = np.float32, **options: Any) -> nn.WassersteinAutoencoder:
    nets = tiny.encoder(2, dtype=dtype), tiny.decoder(dtype=dtype)
    return nn.WassersteinAutoencoder(*nets, input_shape=(16,), **options)


def tcvae(dtype: Any = np.float32, samples: int = 20, **options: Any) -> nn.BetaTCVAE:
    nets = tiny.encoder(4, dtype=dtype), tiny.decoder(dtype=dtype)
    return nn.BetaTCVAE(*nets, 2, samples=samples, input_shape=(16,), **options)


def vamp(dtype: Any = np.float32, K: int = 3, **options: Any) -> nn.VampPriorVAE:
    nets, rng = (tiny.encoder(4, dtype=dtype), tiny.decoder(dtype=dtype)), np.random.default_rng(0)
    return nn.VampPriorVAE(*nets, 2, components=K, input_shape=(16,), rng=rng, **options)


MAKE: dict[str, Callable[..., Any]] = {
    "WAE": lambda **o: wae(weight=3.0, **o),
    "WAE, rbf, ring": lambda **o: wae(kernel="rbf", prior=ring, **o),
    "TCVAE": lambda **o: tcvae(beta=4.0, alpha=0.5, gamma=2.0, **o),
    "TCVAE, weighted": lambda **o: tcvae(sampling="weighted", **o),
    "VampPrior": lambda **o: vamp(beta=0.7, **o),
    "VampPrior, squared error": lambda **o: vamp(likelihood=nn.SquaredError(), **o),
}
EACH = pytest.mark.parametrize("name", MAKE)


def x(N: int = 5, dtype: Any = np.float64) -> Array:
    return np.random.default_rng(7).random((16, N)).astype(dtype)


def fixed() -> np.random.Generator:
    return np.random.default_rng(5)


# What holds for all of them


@EACH
def test_gradient_in_every_parameter(name: str) -> None:
    model = MAKE[name](**F64)

    def loss() -> Any:
        terms, backward = model.loss(x(), rng=fixed())
        return terms["total"], backward

    report = gradcheck(loss, rng=fixed(), parameters=model.parameters())
    assert report.ok, str(report)
    assert len(report.rows) == 8 + name.startswith("Vamp")


@EACH
def test_total_is_the_sum_of_its_terms_and_backward_has_a_weight(name: str) -> None:
    model = MAKE[name](**F64)
    theta = pack(model.parameters())
    terms, backward = model.loss(x(), rng=fixed())
    parts = sum(w * terms[name] for name, w in model.term_weights().items())
    assert terms["total"] == pytest.approx(parts, rel=1e-12)
    assert set(terms) == {"total", *model.term_weights()}
    backward(1.0)
    once = theta.grad.copy()
    backward(0.5)
    np.testing.assert_allclose(theta.grad, 1.5 * once, rtol=1e-12, atol=1e-15)


def trained(name: str, epochs: int = 2, threads: int = 2) -> nn.Trainer:
    trainer = nn.Trainer(MAKE[name](), nn.Adam(0.01), seed=0, batch_size=8, threads=threads)
    trainer.fit(tiny.images(22).reshape(22, 16), epochs=epochs)
    return trainer


@EACH
def test_threads_and_a_break_change_no_bit(name: str, tmp_path: Path) -> None:
    trained(name, 1).save(tmp_path / "run.safetensors")
    again = nn.Trainer(MAKE[name](), nn.Adam(0.01), seed=0, batch_size=8)
    again.resume(tmp_path / "run.safetensors")
    again.fit(tiny.images(22).reshape(22, 16), epochs=2)
    want = {key: a.tobytes() for key, a in arrays_of(trained(name, threads=1).model).items()}
    for other in (again, trained(name, threads=2)):
        assert {key: a.tobytes() for key, a in arrays_of(other.model).items()} == want


# The losses by their formulas


@given(L=SIZES, N=st.integers(2, 6), seed=SEEDS)
def test_the_discrepancy_is_the_formulas(L: int, N: int, seed: int) -> None:
    check_mmd(latent_losses, L, N, seed)


@given(L=SIZES, N=SIZES, seed=SEEDS)
def test_the_three_parts_are_those_of_the_formula(L: int, N: int, seed: int) -> None:
    check_parts(latent_losses, L, N, seed)


@given(L=SIZES, N=SIZES, K=SIZES, seed=SEEDS)
def test_the_kl_of_a_mixture_is_the_formulas(L: int, N: int, K: int, seed: int) -> None:
    check_mixture(latent_losses, L, N, K, seed)


# The discrepancy


def mmd_of_gaussians(m: Array, v: float) -> float:
    """MMD² between N(m, v I) and N(0, I) with rbf_mmd's kernels: of each a Gaussian integral.

    For d ~ N(a, s I) in L dimensions, E exp(-|d|²/C) = (1 + 2s/C)^(-L/2) exp(-|a|²/(C + 2s)).
    """
    L, total = len(m), 0.0
    for scale in SCALES:
        C = 2 * L * scale

        def mean(a2: float, s: float, C: float = C) -> float:
            return float((1 + 2 * s / C) ** (-L / 2) * np.exp(-a2 / (C + 2 * s)))

        total += mean(0, 2 * v) + mean(0, 2) - 2 * mean(float(m @ m), 1 + v)
    return total


@pytest.mark.parametrize(("shift", "v"), [(0.0, 1.0), (0.8, 1.0), (0.3, 0.25)])
def test_the_discrepancy_between_gaussians_is_unbiased(shift: float, v: float) -> None:
    """Also of few codes, where the V-statistic would be far off; 4,000 batches of five."""
    rng, m = np.random.default_rng(0), np.array([shift, -shift, shift / 2])
    found = []
    for _ in range(4000):
        z, p = rng.standard_normal((2, 3, 5))
        found.append(rbf_mmd(m[:, None] + np.sqrt(v) * z, p)[0])
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found) - mmd_of_gaussians(m, v)) < 4 * error
    assert error < 0.02


def test_the_discrepancy_takes_codes_to_the_prior() -> None:
    """Descent on it alone moves a narrow cloud far away to N(0, I)."""
    rng = np.random.default_rng(0)
    z = 2 + 0.1 * rng.standard_normal((2, 100))
    before = imq_mmd(z, rng.standard_normal(z.shape))[0]
    for _ in range(1000):
        z -= 10 * imq_mmd(z, rng.standard_normal(z.shape))[1]
    assert imq_mmd(z, rng.standard_normal(z.shape))[0] < before / 100
    np.testing.assert_allclose(z.mean(axis=1), 0, atol=0.2)
    np.testing.assert_allclose(np.cov(z), np.eye(2), atol=0.3)


# The decomposition


def test_at_weights_of_one_it_is_the_vae_in_expectation() -> None:
    model, plain = tcvae(beta=1.0, **F64), tiny.vae(**F64)
    for name, p in plain.parameters().items():
        p.value[...] = model.parameters()[name].value
    rng = np.random.default_rng(0)
    found = [model.loss(x(), rng=rng)[0]["total"] for _ in range(3000)]
    want = [plain.loss(x(), rng=rng)[0]["total"] for _ in range(3000)]
    error = np.hypot(np.std(found), np.std(want)) / np.sqrt(3000)
    assert abs(np.mean(found) - np.mean(want)) < 4 * error


# The VampPrior


def test_with_one_standard_component_it_is_the_vaes_kl() -> None:
    rng, draws = np.random.default_rng(0), 20_000
    _, mu, logvar = codes(3, 1)
    m, s = (np.repeat(a, draws, axis=1) for a in (mu, logvar))
    z = m + np.exp(s / 2) * rng.standard_normal(m.shape)
    one = np.zeros((3, 1))
    value, _ = mixture_kl(z, m, s, one, one)
    each = 0.5 * (z**2 - (z - m) ** 2 / np.exp(s) - s).sum(axis=0)
    assert value == pytest.approx(each.mean(), rel=1e-9)
    assert abs(value - gaussian_kl(mu, logvar)[0]) < 4 * each.std() / np.sqrt(draws)


def test_with_all_posteriors_it_is_the_information_and_no_prior_charges_less() -> None:
    """KL(q(z|x) ‖ p) averages to I + KL(q(z) ‖ p), and the prior of all images has p = q."""
    z, mu, logvar = codes(2, 400)
    N = z.shape[1]
    value, _ = mixture_kl(z, mu, logvar, mu, logvar)
    information = kl_decomposition(z, mu, logvar, np.full((N, N), -np.log(N)))[0][0]
    assert value == pytest.approx(information, rel=1e-9)
    assert value < mixture_kl(z, mu, logvar, mu[:, :1], logvar[:, :1])[0]
    assert value < gaussian_kl(mu, logvar)[0]


def test_a_model_whose_pseudo_inputs_encode_to_the_prior_is_the_vae() -> None:
    model, plain = vamp(K=1, **F64), tiny.vae(**F64)
    for m in (model, plain):
        m.encoder[-1].w.value[...] = 0
        m.encoder[-1].b.value[...] = 0  # q(z|x) = N(0, I) for every image, pseudo or not
    assert model.loss(x(), rng=fixed())[0] == pytest.approx(plain.loss(x(), rng=fixed())[0])
    z = np.random.default_rng(0).standard_normal((2, 4))
    np.testing.assert_allclose(model.log_prior(z), plain.log_prior(z), rtol=1e-12)


def test_draws_and_density_of_the_prior_belong_together(rng: np.random.Generator) -> None:
    """E[log p] of its own draws is minus its entropy, here by a grid; and p integrates to one."""
    model = vamp(K=2, **F64)
    model.encoder[-1].b.value[...] = [0.5, -0.5, -1.0, 0.3]
    model.encoder[-1].w.value *= 3
    grid = np.linspace(-12, 12, 241)
    z = np.stack(np.meshgrid(grid, grid)).reshape(2, -1)
    log_p, cell = model.log_prior(z), (grid[1] - grid[0]) ** 2
    assert np.exp(log_p).sum() * cell == pytest.approx(1, abs=1e-6)
    draws = model.draw_codes(20_000, rng=rng)
    each = model.log_prior(draws.T)
    entropy = (np.exp(log_p) * log_p).sum() * cell
    assert abs(each.mean() - entropy) < 4 * each.std() / np.sqrt(20_000)
    mean = (np.exp(log_p) * z).sum(axis=1) * cell
    assert (np.abs(draws.mean(axis=0) - mean) < 4 * draws.std(axis=0) / np.sqrt(20_000)).all()


def test_pseudo_inputs_start_from_images() -> None:
    model, images = vamp(K=3), tiny.images(5)
    model.start_from(images)
    want = np.clip(images[:3].reshape(3, 16).T / 255, 0.02, 0.98)
    np.testing.assert_allclose(model.pseudo_inputs(), want, rtol=1e-4)
    free = vamp(K=3, likelihood=nn.SquaredError())
    rows = np.random.default_rng(0).standard_normal((4, 16)).astype(np.float32)
    free.start_from(rows)
    np.testing.assert_array_equal(free.pseudo_inputs(), rows[:3].T)


@pytest.mark.parametrize("name", ["VampPrior", "TCVAE"])
def test_log_prob_is_the_bound(name: str) -> None:
    """The mean over draws of its parts, and of the trainer's terms, agree."""
    model, images = MAKE[name](), tiny.images(6).reshape(6, 16)
    if name == "TCVAE":
        model.alpha = model.beta = model.gamma = 1.0
    else:
        model.beta = 1.0
    rng, cols = np.random.default_rng(0), (images.T / 255).astype(np.float32)
    found = [model.log_prob(images, rng=rng).mean() for _ in range(400)]
    want = [-model.loss(cols, rng=rng)[0]["total"] for _ in range(400)]
    error = np.hypot(np.std(found), np.std(want)) / 20
    assert abs(np.mean(found) - np.mean(want)) < 4 * error


def test_importance_weights_have_the_models_prior() -> None:
    """One sample is the bound; many are tighter."""
    rng = np.random.default_rng(0)
    model, images = vamp(), (tiny.images(40) > 127).reshape(40, 16).astype(np.uint8) * 255
    one, many = (nn.importance_nll(model, images, samples=K, rng=rng).mean for K in (1, 200))
    bounds = [-model.log_prob(images, rng=rng).mean() for _ in range(100)]
    assert abs(one - np.mean(bounds)) < 4 * np.std(bounds)
    assert many < np.mean(bounds)


# What is refused


def norm() -> nn.VampPriorVAE:
    nets = tiny.encoder(4, nn.BatchNorm(8)), tiny.decoder()
    return nn.VampPriorVAE(*nets, 2, components=3, input_shape=(16,), rng=fixed())


def doubles(L: int, N: int, *, rng: np.random.Generator, dtype: Any) -> Array:
    return np.zeros((L, N))


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: wae(weight=-1), "WassersteinAutoencoder: expected weight ≥ 0, got -1"),
    (lambda: wae(kernel="mq"), "WassersteinAutoencoder: expected kernel imq or rbf, got 'mq'"),
    (lambda: wae(prior=3), "WassersteinAutoencoder prior: expected __call__, got int"),
    (
        lambda: nn.WassersteinAutoencoder(nn.Reshape(1, 4, 4), nn.Flatten(), input_shape=(16,)),
        "WassersteinAutoencoder encoder: expected codes (L,), got (1, 4, 4)",
    ),
    (
        lambda: wae().loss(x(1, np.float32), rng=fixed()),
        "imq_mmd: expected two codes or more, which make a pair, got 1",
    ),
    (lambda: wae().loss(x(3, np.float32)), "loss: expected rng, for the prior; got none"),
    (
        lambda: wae(prior=lambda L, N, *, rng, dtype: np.zeros((L, N))).loss(
            x(2, np.float32), rng=fixed()
        ),
        "WassersteinAutoencoder prior: expected (2, 2) float32, got (2, 2) float64",
    ),
    (lambda: tcvae(samples=0), "BetaTCVAE: expected samples ≥ 1, got 0"),
    (lambda: tcvae(alpha=-1), "BetaTCVAE: expected alpha ≥ 0, got -1"),
    (lambda: tcvae(gamma=np.nan), "BetaTCVAE: expected gamma ≥ 0, got nan"),
    (
        lambda: tcvae(sampling="all"),
        "BetaTCVAE: expected sampling weighted or stratified, got 'all'",
    ),
    (
        lambda: tcvae().loss(x(1, np.float32), rng=fixed()),
        "BetaTCVAE stratified: expected two images or more, got 1",
    ),
    (lambda: tcvae().loss(x(3, np.float32)), "BetaTCVAE loss: expected rng, the source of ε"),
    (lambda: vamp(K=0), "VampPriorVAE: expected components ≥ 1, got 0"),
    (norm, "VampPriorVAE encoder: expected one that takes each image by itself"),
    (lambda: vamp().loss(x(3, np.float32)), "VampPriorVAE loss: expected rng, the source of ε"),
    (
        lambda: vamp().start_from(tiny.images(2)),
        "start_from: expected 3 images or more, got 2",
    ),
    (
        lambda: elbo(vamp(), tiny.images(3), rng=fixed()),
        "elbo: expected a KL that has a formula, got VampPriorVAE; importance_nll with samples=1",
    ),
    (
        lambda: mixture_kl(*[np.zeros((2, 3))] * 3, np.zeros((2, 4)), np.zeros((2, 5))),
        "mixture_kl logvars: expected (2, 4) float64, got (2, 5) float64",
    ),
    (
        lambda: kl_decomposition(*[np.zeros((2, 3))] * 3, np.zeros((3, 2))),
        "kl_decomposition log_weights: expected (3, 3) float64, got (3, 2) float64",
    ),
    (
        lambda: rbf_mmd(np.zeros((2, 3)), np.zeros((2, 4))),
        "rbf_mmd draws: expected (2, 3) float64, got (2, 4) float64",
    ),
]


@pytest.mark.parametrize(("make", "message"), REFUSED)
def test_refuses(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


def test_the_explorer_draws_no_prior_that_is_not_the_models(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected the prior N\(0, I\), got VampPriorVAE"):
        nn.explorer.write(tmp_path / "page.html", vamp(), tiny.images(20))


def test_log_sum_does_not_overflow() -> None:
    value, shares = log_sum(np.array([[1e4, 1e4 + np.log(3)]]))
    assert value[0] == pytest.approx(1e4 + np.log(4), rel=1e-15)
    np.testing.assert_allclose(shares, [[0.25, 0.75]], rtol=1e-9)
