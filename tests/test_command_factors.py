"""What `evaluate` prints of draws from the prior and of known factors, and where not."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnscratch as nn
from nnscratch.command import main
from nnscratch.command.sources import read
from nnscratch.data import Sprites
from nnscratch.evaluation import dci, frechet_distance, mutual_information_gap
from nnscratch.models.lesson import mlp

DATA = read("sprites", {}, "test").data
FRECHET = "Fréchet distance in PCA-32's space, 614 draws"


def vae(latent: int = 3, likelihood: Any = None) -> nn.VAE:
    rng = np.random.default_rng(0)
    nets = mlp((1024, 16, 2 * latent), rng=rng), mlp((latent, 16, 1024), rng=rng)
    return nn.VAE(*nets, latent, likelihood or nn.Bernoulli(), input_shape=(1024,))


def evaluated(model: Any, folder: Path, capsys: pytest.CaptureFixture[str], data: str) -> Any:
    """Return the answer in JSON."""
    path = folder / "model.safetensors"
    nn.save(path, model)
    words = ["evaluate", str(path), data, "--samples", "2", "--draws", "1", "--json"]
    assert main(words) == 0
    return json.loads(capsys.readouterr().out)


def test_sprites_have_two_parts_that_are_all_of_them() -> None:
    train = read("sprites", {}, "train").data
    assert isinstance(train, Sprites)
    assert isinstance(DATA, Sprites)
    assert (len(train), len(DATA)) == (4915, 1229)
    both = np.concatenate([train.factors, DATA.factors])
    assert len(np.unique(both, axis=0)) == 6144
    np.testing.assert_array_equal(DATA.factors, read("sprites", {}, "test").data.factors)


def test_scores_distance_and_bits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = vae()
    figures = evaluated(model, tmp_path, capsys, "sprites")["figures"]
    z = model.encode(DATA.images)
    found = dci(z, DATA.factors, rng=np.random.default_rng([0, 4]))
    assert figures["MIG"]["value"] == pytest.approx(mutual_information_gap(z, DATA.factors))
    assert figures["DCI, completeness"]["value"] == pytest.approx(found.completeness)
    assert 0 <= figures["FactorVAE score, by chance 0.2"]["value"] <= 1
    nll = figures["importance-weighted NLL, K = 2"]
    bits = figures["  in bits a dimension"]
    assert bits["value"] == pytest.approx(nll["value"] / np.log(2) / 1024)
    assert bits["error"] == pytest.approx(nll["error"] / np.log(2) / 1024)
    rate, distortion = figures["  KL (rate)"], figures["  reconstruction (distortion)"]
    total = rate["value"] + distortion["value"]
    assert figures["negative ELBO"]["value"] == pytest.approx(total)


def test_the_distance_of_one_half_from_draws_and_from_the_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = vae()
    figures = evaluated(model, tmp_path, capsys, "sprites")["figures"]
    rng = np.random.default_rng([0, 3])
    rows = rng.permutation(1229)
    one, other = DATA.images[rows[:614]], DATA.images[rows[614:1228]]
    pca = nn.PCA(32).fit(one)
    a, b, c = (pca.encode(x) for x in (one, other, model.sample(614, rng=rng).reshape(-1, 32, 32)))
    assert figures["  floor: 614 other samples"]["value"] == pytest.approx(frechet_distance(a, b))
    assert figures[FRECHET]["value"] == pytest.approx(frechet_distance(a, c), rel=1e-5)
    assert figures[FRECHET]["value"] > figures["  floor: 614 other samples"]["value"]


def test_a_model_without_a_prior_has_scores_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    nets = mlp((1024, 16, 3), rng=rng), mlp((3, 16, 1024), rng=rng)
    model = nn.Autoencoder(*nets, nn.Bernoulli(), input_shape=(1024,))
    found = evaluated(model, tmp_path, capsys, "sprites")
    assert "MIG" in found["figures"]
    assert not any("Fréchet" in name for name in found["figures"])
    assert not any("Fréchet" in note for note in found["notes"])


def test_where_factors_are_unknown_or_samples_are_few(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "few.npy", DATA.images[:40])
    found = evaluated(vae(), tmp_path, capsys, str(tmp_path / "few.npy"))
    assert "MIG" not in found["figures"]
    assert "no Fréchet distance: expected 66 samples or more, got 40" in found["notes"]


def test_codes_of_one_number_and_densities(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A gap takes two numbers; and bits are those of a probability, which a density is not."""
    found = evaluated(vae(1, nn.Gaussian(0.1)), tmp_path, capsys, "sprites")
    assert any(note.startswith("no scores of factors: dci codes: exp") for note in found["notes"])
    assert "importance-weighted NLL, K = 2" in found["figures"]
    assert "  in bits a dimension" not in found["figures"]


def test_a_model_whose_kl_has_no_formula(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It has no ELBO by parts, which a note says, and all the other figures."""
    rng = np.random.default_rng(0)
    nets = mlp((1024, 16, 6), rng=rng), mlp((3, 16, 1024), rng=rng)
    model = nn.VampPriorVAE(*nets, 3, components=4, input_shape=(1024,), rng=rng)
    answer = evaluated(model, tmp_path, capsys, "sprites")
    assert "negative ELBO" not in answer["figures"]
    assert {"importance-weighted NLL, K = 2", "MIG", FRECHET} <= set(answer["figures"])
    assert any(note.startswith("no ELBO: ") for note in answer["notes"])
