"""The equations of docs/uses.md: scores against loops, gaps against the solution; its numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np

import nnscratch as nn
from book.demos import mean_of, share_of, with_spread, written
from book.ids import equation, number
from book.numerics import close
from nnscratch.core import Array
from nnscratch.evaluation import auroc, average_precision, nearest, squared_errors


def scored(rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Return scores of 30 samples, with ties: all, of 8 anomalous ones, and of the others."""
    scores = rng.integers(0, 12, 30).astype(float)
    return scores, scores[:8], scores[8:]


ANOMALOUS = np.arange(30) < 8


@equation("auroc")
def test_auroc(rng: np.random.Generator) -> None:
    scores, high, low = scored(rng)
    pairs = sum((s > t) + 0.5 * (s == t) for s in high for t in low)
    close(auroc(scores, ANOMALOUS).mean, pairs / (8 * 22))


@equation("auroc-error")
def test_auroc_error(rng: np.random.Generator) -> None:
    scores, high, low = scored(rng)
    a = [sum((s > t) + 0.5 * (s == t) for t in low) / 22 for s in high]
    b = [sum((s > t) + 0.5 * (s == t) for s in high) / 8 for t in low]
    area = sum(a) / 8
    first = sum((v - area) ** 2 for v in a) / (8 * 7)
    second = sum((v - area) ** 2 for v in b) / (22 * 21)
    close(auroc(scores, ANOMALOUS).error ** 2, first + second)


@equation("average-precision")
def test_average_precision(rng: np.random.Generator) -> None:
    scores, high, _ = scored(rng)
    each = [sum(t >= s for t in high) / sum(t >= s for t in scores) for s in high]
    close(average_precision(scores, ANOMALOUS), sum(each) / 8)


def fitted(rng: np.random.Generator) -> tuple[nn.PCA, Array]:
    """Return PCA with two of five components, and other samples than it was fitted on."""
    w = rng.standard_normal((5, 5))
    return nn.PCA(2).fit(rng.standard_normal((40, 5)) @ w + 3), rng.standard_normal((6, 5)) @ w


@equation("pca-error")
def test_pca_error(rng: np.random.Generator) -> None:
    pca, x = fitted(rng)
    V, m = pca.components, pca.mean
    want = [(row - m) @ (row - m) - (V @ (row - m)) @ (V @ (row - m)) for row in x]
    close(squared_errors(x, pca.reconstruct(x)), want)


@equation("fading")
def test_fading(rng: np.random.Generator) -> None:
    pca, x = fitted(rng)
    faint = pca.mean + 0.3 * (x - pca.mean)
    close(
        squared_errors(faint, pca.reconstruct(faint)),
        0.09 * squared_errors(x, pca.reconstruct(x)),
    )


@equation("bound")
def test_bound(rng: np.random.Generator) -> None:
    """One draw of the code by hand, from the same generator."""
    model = nn.models.build("dense_vae", (5,), 2, hidden=(4,), rng=rng, dtype=np.float64)
    x = rng.random((3, 5))
    found = model.log_prob(x, rng=np.random.default_rng(7))
    eps = np.random.default_rng(7).standard_normal((3, 2))
    mu, logvar = model.posterior(x)
    a = model.decoder.forward((mu + np.exp(logvar / 2) * eps).T)[0].T
    for n in range(3):
        p = 1 / (1 + np.exp(-a[n]))
        reconstruction = sum(
            np.log(p[d]) * x[n, d] + np.log(1 - p[d]) * (1 - x[n, d]) for d in range(5)
        )
        kl = sum(mu[n, k] ** 2 + np.exp(logvar[n, k]) - logvar[n, k] - 1 for k in range(2)) / 2
        close(-found[n], -reconstruction + kl)


@equation("nearest")
def test_nearest(rng: np.random.Generator) -> None:
    known, x = rng.standard_normal((9, 4)), rng.standard_normal((3, 4))
    want = [min(np.sqrt(((row - other) ** 2).sum()) for other in known) for row in x]
    close(nearest(known, x)[1][:, 0], want)


@equation("noise")
def test_noise(rng: np.random.Generator) -> None:
    """The clean signal is known here: means of 4,000 draws are within four standard errors."""
    T, s, clean = 20, 0.7, rng.standard_normal(20)
    x, other = clean + s * rng.standard_normal((2, 4000, T))
    to_model = squared_errors(x, np.broadcast_to(clean, x.shape))
    to_copy = np.array(
        [nearest(b[None], a[None])[1][0, 0] ** 2 for a, b in zip(x, other, strict=True)]
    )
    for found, want in ((to_model, T * s**2), (to_copy, 2 * T * s**2)):
        assert abs(found.mean() - want) < 4 * found.std() / len(found) ** 0.5


@equation("units")
def test_units(rng: np.random.Generator) -> None:
    scaling = nn.data.Scaling(*(rng.random((3, 4)) + 0.5))
    x, said = rng.standard_normal((2, 6, 4))
    in_units = scaling.undo(said) - scaling.undo(x)
    for d in range(4):
        close(
            (in_units[:, d] ** 2).mean() ** 0.5,
            scaling.scale[d] * ((said - x)[:, d] ** 2).mean() ** 0.5,
        )


@equation("filled")
def test_filled(rng: np.random.Generator) -> None:
    """Repetition comes to where the error has no slope along the gaps."""
    pca, x = fitted(rng)
    gaps = np.array([True, False, False, True, False])
    y = np.where(gaps, pca.mean, x)
    for _ in range(3000):
        y = np.where(gaps, pca.reconstruct(y), x)
    P = np.eye(5) - pca.components.T @ pca.components
    for row, filled in zip(x - pca.mean, y - pca.mean, strict=True):
        right = -P[np.ix_(gaps, ~gaps)] @ row[~gaps]
        close(P[np.ix_(gaps, gaps)] @ filled[gaps], right, 1e-7)
        close((P @ filled)[gaps], np.zeros(2), 1e-7)


# The numbers: of what the demos write, run as a reader would; each takes a minute or more

OF_A_CLASS = {
    "ae": "AE error",
    "vae": "VAE -ELBO",
    "pca": "PCA error",
    "pixels": "pixel nearest",
    "pca-codes": "PCA nearest",
    "ae-codes": "AE nearest",
    "ink": "ink",
}
OF_A_SIGNAL = {
    "ae": "AE-16 error",
    "nearest": "nearest window",
    "beat": "mean beat",
    "pca": "PCA-16 error",
}
OF_QUERIES = {
    "pixels": "784 pixels",
    "pca": "PCA",
    "ae": "AE",
    "unshifting": "AE, unshifting",
    "tries": "PCA, 13 tries",
}


def enter(name: str, text: Callable[[], str]) -> None:
    """Say that this function computes the number of this name."""

    def rerun() -> str:
        return text()

    number(name, long=True)(rerun)


def unseen(name: str) -> Array:
    """Return the AUROC of a score for each class that was left out."""
    areas = written("anomaly")["unseen"].values()
    return np.array([its[OF_A_CLASS[name]]["mean"] for its in areas])


def gain(name: str, other: str) -> str:
    """Return the mean of the differences over classes, with its standard error."""
    gains = unseen(name) - unseen(other)
    return f"{gains.mean():.2f} ± {gains.std(ddof=1) / len(gains) ** 0.5:.2f}"


def faint(name: str) -> str:
    area = written("anomaly")["kinds"]["half as dark"][OF_A_CLASS[name]]
    return f"{area['mean']:.2f}"


for n in OF_A_CLASS:
    enter(n, lambda n=n: f"{unseen(n).mean():.2f}")
    enter(f"{n}-ones", lambda n=n: f"{unseen(n)[1]:.2f}")
for n in ("pca", "ae"):
    enter(f"faint-{n}", lambda n=n: faint(n))
enter("pixels-often", lambda: f"{(unseen('pixels') > unseen('ae')).sum()} of 10")
enter("pixels-gain", lambda: gain("pixels", "ae"))
enter("ae-gain", lambda: gain("ae", "pca"))


def beats(name: str, kind: str) -> list[float]:
    """Return the AUROC of a score for each run, of all beats."""
    return [run[kind] for run in written("signal")["runs"][OF_A_SIGNAL[name]]]


for n in OF_A_SIGNAL:
    enter(f"signal-{n}", lambda n=n: with_spread(beats(n, "all"), 3))
    enter(f"spike-{n}", lambda n=n: mean_of(beats(n, "spike"), 3))
    enter(f"few-{n}", lambda n=n: mean_of(written("signal")["beats"][OF_A_SIGNAL[n]]["100"], 2))
enter("long-ae", lambda: mean_of(written("signal")["sizes"]["AE"]["64"], 2))
enter("long-missing", lambda: mean_of(written("signal")["missing"]["64"], 2))
enter("best-pca", lambda: mean_of(written("signal")["sizes"]["PCA"]["32"], 2))


def ten(name: str, by: int, digits: int) -> str:
    """Return the precision at 10 for queries shifted by so many pixels."""
    return mean_of(written("similar")["precision"]["at 10"][OF_QUERIES[name]][str(by)], digits)


for n in ("pixels", "pca", "ae"):
    enter(f"{n}-0", lambda n=n: ten(n, 0, 3))
enter("unshifting-0", lambda: ten("unshifting", 0, 2))
for n in OF_QUERIES:
    enter(f"{n}-2", lambda n=n: ten(n, 2, 2))


def of_table(what: str, score: str) -> Any:
    """Return a figure of a score for each run."""
    return written("table")[what][score]


for n in ("ae", "pca"):
    enter(f"lost-{n}", lambda n=n: share_of(of_table("sizes", n.upper())["3"], 1))
for n, score in (("neighbours", "neighbours"), ("gaussian", "Gaussian"), ("pca", "PCA")):
    enter(f"gap-{n}", lambda score=score: mean_of(of_table("gaps", score), 2))
for n, score in (("ae", "AE"), ("masking", "masking AE")):
    enter(f"gap-{n}", lambda score=score: with_spread(of_table("gaps", score), 2))
for n, score in (("neighbours", "neighbours"), ("gaussian", "Gaussian")):
    enter(f"odd-{n}", lambda score=score: mean_of(of_table("odd", score), 2))
enter("odd-ae", lambda: with_spread(of_table("odd", "AE"), 2))
enter("cell-ae", lambda: share_of(of_table("cells", "AE"), 0))
