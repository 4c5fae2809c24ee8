"""scikit-learn's own checks of an estimator, and the estimators in its tools."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnscratch as nn

pytest.importorskip("sklearn")

import joblib
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from nnscratch.core import Array
from nnscratch.sklearn import VAE, AutoencoderTransformer

SMALL: dict[str, Any] = {"epochs": 3, "hidden": (8,), "random_state": 0, "threads": 1}
BOTH = [AutoencoderTransformer, VAE]


@parametrize_with_checks([AutoencoderTransformer(**SMALL), VAE(**SMALL)])
def test_scikit_learns_checks(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def X() -> Array:
    """A curve in five dimensions, and a little noise."""
    rng = np.random.default_rng(0)
    t = rng.uniform(-2, 2, (300, 1))
    curve = np.concatenate([t, t**2, np.sin(2 * t), np.cos(2 * t), -t], axis=1)
    return curve + 0.05 * rng.standard_normal(curve.shape)


@pytest.mark.parametrize("kind", BOTH)
def test_in_a_pipeline(kind: Any, X: Array) -> None:
    line = make_pipeline(StandardScaler(), kind(3, **SMALL))
    codes = line.fit_transform(X)
    assert codes.shape == (300, 3)
    assert line.inverse_transform(codes).shape == X.shape
    assert list(line.get_feature_names_out()) == [f"{kind.__name__.lower()}{i}" for i in range(3)]
    np.testing.assert_array_equal(line.transform(X), codes)


@pytest.mark.parametrize("kind", BOTH)
def test_names_are_those_of_what_was_fitted(kind: Any, X: Array) -> None:
    model = kind(3, **SMALL)
    with pytest.raises(NotFittedError):
        model.get_feature_names_out()
    with pytest.raises(NotFittedError):
        model.inverse_transform(X[:, :3])
    model.fit(X).set_params(n_components=7)
    assert len(model.get_feature_names_out()) == model.transform(X).shape[1] == 3


def test_a_curve_takes_one_number_where_pca_takes_more(X: Array) -> None:
    settings: dict[str, Any] = {"learning_rate": 1e-2, "random_state": 0, "batch_size": 32}
    scaled = StandardScaler().fit_transform(X)
    curved = AutoencoderTransformer(1, epochs=60, **settings).fit(scaled)
    straight = PCA(1).fit(scaled)

    def error(model: Any) -> float:
        rows = model.inverse_transform(model.transform(scaled))
        return float(((rows - scaled) ** 2).sum(axis=1).mean())

    assert error(curved) < error(straight) / 2
    np.testing.assert_allclose(-curved.score(scaled), error(curved), rtol=1e-6)


@pytest.mark.parametrize("kind", BOTH)
def test_what_is_unlike_the_rest_has_a_low_score(kind: Any, X: Array) -> None:
    model = kind(1, epochs=40, learning_rate=1e-2, batch_size=32, random_state=0).fit(X)
    others = np.random.default_rng(1).permuted(X, axis=0)  # each column as before, the curve gone
    assert np.median(model.score_samples(others)) < np.quantile(model.score_samples(X), 0.05)


def area(good: Array, bad: Array) -> float:
    """Return the area under the ROC curve: how often a good row scores higher than a bad one."""
    return float((good[:, None] > bad).mean())


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_malignant_samples_are_unlike_benign_ones(seed: int) -> None:
    """The example of docs/sklearn.md."""
    table, benign = load_breast_cancer(return_X_y=True)
    good = np.random.default_rng(seed).permutation(table[benign == 1])
    areas = {}
    for model in (PCA(5), *(kind(5, random_state=seed) for kind in BOTH)):
        line = make_pipeline(StandardScaler(), model).fit(good[:250])
        scores = [line.score_samples(rows) for rows in (good[250:], table[benign == 0])]
        areas[type(model)] = area(*scores)
    assert areas[VAE] > areas[PCA] + 0.02
    assert areas[AutoencoderTransformer] > areas[PCA] - 0.02


def test_the_score_of_a_vae_is_its_elbo(X: Array) -> None:
    """Beside the model's own draws, one at a time, within 5 standard errors."""
    model = VAE(2, **SMALL).fit(X)
    rng = np.random.default_rng(2)
    draws = np.array([model.model_.log_prob(X, rng=rng).mean() for _ in range(200)])
    scores = [model.score(X)]
    for seed in range(20):
        model.seed_ = seed
        scores.append(model.score(X))
    spread = draws.std() / np.sqrt(len(draws)) + np.std(scores) / np.sqrt(len(scores))
    assert abs(np.mean(scores) - draws.mean()) < 5 * spread


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("workers", ["loky", "threading"])
def test_in_a_grid_search_on_two_cores(kind: Any, workers: str, X: Array) -> None:
    grid = {"n_components": [1, 2], "learning_rate": [1e-9, 1e-2]}
    with joblib.parallel_config(workers):
        search = GridSearchCV(kind(**SMALL), grid, cv=2, n_jobs=2, error_score="raise").fit(X)
    assert search.best_params_["learning_rate"] == 1e-2
    again = GridSearchCV(kind(**SMALL), grid, cv=2, error_score="raise").fit(X)
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], again.cv_results_["mean_test_score"]
    )


@pytest.mark.parametrize("kind", BOTH)
def test_a_copy_and_a_pickle(kind: Any, X: Array, tmp_path: Path) -> None:
    model = kind(2, likelihood=nn.LearnedGaussian(0.1), **SMALL)
    new = clone(model.fit(X))
    assert not hasattr(new, "model_")
    assert new.get_params()["likelihood"] == nn.LearnedGaussian(0.1)
    codes = model.transform(X)
    np.testing.assert_array_equal(new.fit_transform(X), codes)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).transform(X), codes)
    joblib.dump(model, tmp_path / "model")
    np.testing.assert_array_equal(
        joblib.load(tmp_path / "model").score_samples(X), model.score_samples(X)
    )


def test_a_model_goes_on_without_scikit_learn(X: Array, tmp_path: Path) -> None:
    model = VAE(2, **SMALL).fit(X.astype(np.float32))
    nn.save(tmp_path / "vae.safetensors", model.model_)
    again = nn.load(tmp_path / "vae.safetensors")
    np.testing.assert_array_equal(
        again.encode(X.astype(np.float32)), model.transform(X.astype(np.float32))
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_components": 0}, "latent_dim.*got 0"),
        ({"epochs": 0}, "epochs.*got 0"),
        ({"hidden": (0,)}, "hidden.*got 0"),
        ({"batch_size": 0}, "batch_size.*got 0"),
        ({"learning_rate": -1.0}, "learning_rate.*got -1"),
    ],
)
def test_what_makes_no_sense_is_refused_by_fit(
    wrong: dict[str, Any], message: str, X: Array
) -> None:
    with pytest.raises(ValueError, match=message):
        AutoencoderTransformer(**SMALL | wrong).fit(X)
