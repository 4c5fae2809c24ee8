"""Does one number of a code stand for one thing? MIG, DCI and FactorVAE score of sprites.

    python -m demos disentangle               six minutes on one core
    python -m demos disentangle --seeds 2     half of that

A sprite is made from five numbers: its shape, its scale, its orientation, its place along x and
along y. Do networks that see the pictures alone find them again, each in one number of the code?
One network, 1024-256-128-L-128-256-1024, is trained as long with several losses, and with several
seeds each:

    VAE        reconstruction + KL
    β-VAE      reconstruction + β KL: fewer nats, in the hope of independent ones
    β-TCVAE    the dependence among dimensions alone counts β times

Networks learn from all the 6,144 pictures, of which codes are also judged, as in the papers: it is
every combination of the factors, and nothing is asked of pictures that were not seen. A VAE's code
is its mean.

What to look at
    scores.png      are losses further apart than seeds of one loss? The bars are one standard
                    deviation over seeds, the dashed line is what chance gives the FactorVAE score
    traversals.png  what the numbers of largest variance do, in the β-TCVAE of the largest MIG: is
                    it one thing each? Somebody had to know the factors to choose this network
    the tables      1. How much of each factor the trees of DCI find, and how much of x and y a
                       linear map does: what it finds and the scores do not see is there, askew
                    2. What each code keeps, in nats, and the scores: mean and standard deviation
                       over seeds. Of noise the FactorVAE score is 1/5, the others nearly 0
"""

from functools import partial
from math import ceil

import numpy as np

from demos import common
from nnscratch.data import sprites
from nnscratch.data.sprites import FACTORS
from nnscratch.evaluation import (
    ACTIVE,
    PCA,
    dci,
    elbo,
    factor_vae_score,
    mutual_information_gap,
)
from nnscratch.evaluation.metrics import bce
from nnscratch.models import VAE, BetaTCVAE
from nnscratch.models.lesson import mlp
from nnscratch.optimizers import Adam
from nnscratch.plots import score_dots, traversals
from nnscratch.schedules import Cosine
from nnscratch.training import Trainer

HIDDEN, BATCH, RATE = (256, 128), 128, 3e-3
SMOKE = 512
"""Sprites of a smoke test: some of each value of a factor."""

own = {"--seeds": {"type": common.between(2, 100), "default": 4, "help": "runs, default 4"}}
options = common.begin("disentangle", epochs=40, latent=10, least=2, resume=False, own=own, data="")
show, L = partial(common.picture, options), options.latent
data = sprites()
if options.smoke:
    data, options.seeds = data[np.random.default_rng(0).permutation(len(data))[:SMOKE]], 2
x, f = data.images, data.factors
pixels, shape = x[0].size, x.shape
seeds = [options.seed + k for k in range(options.seeds)]


# %% Three losses
def plain(beta, *nets):
    """Return a VAE whose KL counts β times."""
    return VAE(*nets, L, beta=beta, input_shape=(pixels,))


def correlated(beta, *nets):
    """Return a VAE whose total correlation counts β times."""
    return BetaTCVAE(*nets, L, beta=beta, samples=len(x), input_shape=(pixels,))


LOSSES = {
    "VAE": partial(plain, 1.0),
    "β-VAE, β = 4": partial(plain, 4.0),
    "β-TCVAE, β = 6": partial(correlated, 6.0),
    "β-TCVAE, β = 20": partial(correlated, 20.0),
}


def trained(loss, seed):
    """Return a network that has learned the sprites; its weights and order are the seed's."""
    rng = np.random.default_rng(seed)
    sizes = (*HIDDEN[::-1], pixels)
    model = loss(mlp((pixels, *HIDDEN, 2 * L), rng=rng), mlp((L, *sizes), rng=rng))
    rate = Cosine(RATE, options.epochs * ceil(len(x) / BATCH))
    run = {"seed": seed, "batch_size": BATCH, "threads": options.threads}
    Trainer(model, Adam(rate), **run).fit(x, epochs=options.epochs)
    return model


def by_a_line(z):
    """Return what part of the variance of x and y the best linear map of a code tells."""
    places = f[:, 3:] - f[:, 3:].mean(axis=0)
    columns = np.column_stack([z, np.ones(len(z))])
    rest = places - columns @ np.linalg.lstsq(columns, places)[0]
    return float(1 - (rest**2).sum() / (places**2).sum())


def scores(z, seed, threshold=0.0):
    """Return all scores of codes; a seed, for some draw."""
    rng = np.random.default_rng(seed)
    found = dci(z, f, rng=rng)
    told = zip(FACTORS, found.importance.sum(axis=0).tolist(), strict=True)
    return {
        **dict(told),
        "x and y by a line": by_a_line(z),
        "MIG": mutual_information_gap(z, f),
        "DCI D": found.disentanglement,
        "DCI C": found.completeness,
        "DCI I": found.informativeness,
        "FactorVAE": factor_vae_score(z, f, threshold=threshold, rng=rng),
    }


def kept(model, seed):
    """Return what a VAE's code keeps: nats of the picture given its code, and of the code."""
    found = elbo(model, x, rng=np.random.default_rng(seed))
    units = float(found.active_units)
    return {"BCE": found.reconstruction.mean, "KL": found.kl.mean, "active units": units}


# %% Codes that are not learned, and those that are
pca = PCA(L).fit(x)
of_pca = {"BCE": bce(x, pca.reconstruct(x).reshape(shape).clip(0, 1))}
runs = {
    "true factors": [scores(f.astype(np.float64), seed) for seed in seeds],
    "noise": [scores(np.random.default_rng(s).standard_normal((len(x), L)), s) for s in seeds],
    f"PCA-{L}": [of_pca | scores(pca.encode(x), seed) for seed in seeds],
}
models = {}
for name, loss in LOSSES.items():
    models[name] = [trained(loss, seed) for seed in seeds]
    runs[name] = [
        kept(model, seed) | scores(model.encode(x), seed, ACTIVE)
        for model, seed in zip(models[name], seeds, strict=True)
    ]
    print(f"{name}: MIG " + ", ".join(f"{run['MIG']:.3f}" for run in runs[name]), flush=True)

# %% Pictures
print("\nPictures")
columns = ("MIG", "DCI D", "DCI C", "DCI I", "FactorVAE")
spread = {
    name: {c: (np.mean([r[c] for r in its]), np.std([r[c] for r in its], ddof=1)) for c in columns}
    for name, its in runs.items()
}
title = "Are losses further apart than seeds? Bars: one standard deviation over seeds"
show("scores", score_dots(spread, line=1 / f.shape[1], unit="score", title=title))

name = "β-TCVAE, β = 6"
best = models[name][int(np.argmax([run["MIG"] for run in runs[name]]))]
z = best.encode(x)
most = np.argsort(-z.var(axis=0))[: f.shape[1]]
title = f"{name}: what do the numbers of largest variance do, one in each row?"
show("traversals", traversals(best.decode, z[len(z) // 2], most, title=title))


# %% The tables
def cell(its, column):
    """Return the mean of a column over runs, with its standard deviation."""
    values = [run[column] for run in its if column in run]
    digits = 1 if column in ("BCE", "KL", "active units") else 3
    return f"{np.mean(values):.{digits}f} ± {np.std(values, ddof=1):.{digits}f}" if values else None


head = ("impurity removed by dci's trees", *FACTORS, "x and y by a line")
table = [(name, *(cell(its, column) for column in head[1:])) for name, its in runs.items()]
print(f"\n{common.table(head, table)}")

head = ("codes of sprites", "BCE", "KL", "active units", *columns)
table = [(name, *(cell(its, column) for column in head[1:])) for name, its in runs.items()]
common.report(options, head, table, seeds=seeds, runs=runs)
