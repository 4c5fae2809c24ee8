"""Anomalies: a digit that a model has never seen, found by how badly it is painted; or is it?

    python -m demos anomaly                 every class in turn; a minute on two cores
    python -m demos anomaly --unseen 1      one class, and five runs of each network
    python -m demos anomaly --fashion DIR   clothes among digits, too

One class is left out of the training, and comes back among the held-out digits. Who has learned
the other nine should be worse at painting it, so the error tells: this is what autoencoders are
most often sold for. Each number below ranks the held-out digits, from usual to unusual:

    AE error       |x - x̂|², x̂ from 32 numbers, by a dense network
    VAE -ELBO      the bound on -log p(x) of a VAE with as many, ten draws of each code
    PCA error      |x - x̂|² of PCA with 32 components, exact and learned in a second
    pixel nearest  the distance to the nearest image that was learned from: nothing is trained
    PCA nearest    the same between codes of PCA
    AE nearest     the same between codes of the AE
    ink            the sum of the pixels, which knows nothing of digits

AUROC is the probability that a digit of the unseen class ranks above one of another: 0.5 is chance.

What to look at
    auroc.png    a row for every class. The AE's error beats PCA's, and the distance to the nearest
                 image, for which nothing is learned, beats both. Ones have little ink, so who has
                 never seen one still paints it with a small error: worse than chance
    painted.png  one of each class, by those that have never seen the class: why errors are small
    missed.png   of the class that fares worst: those with the least error, and of the others those
                 with the largest. Which are the unusual ones?
    sizes.png    from 8 numbers on, a longer code paints the unseen class better, too
    the tables   the same as numbers; and images of other kinds, of which faint ones are "usual"
"""

from functools import partial
from math import ceil

import numpy as np

from demos import common
from nnscratch.data import fashion_mnist
from nnscratch.evaluation import PCA, auroc, nearest, squared_errors
from nnscratch.models import build
from nnscratch.optimizers import Adam
from nnscratch.plots import image_rows, score_dots, spread_curves
from nnscratch.schedules import Cosine
from nnscratch.training import Trainer

L, HIDDEN, BATCH, RATE = 32, (256,), 128, 3e-3

own = {
    "--unseen": {
        "type": int,
        "metavar": "CLASS",
        "help": "the one class to leave out; default all",
    },
    "--fashion": {"metavar": "DIR", "help": "the four files of Fashion-MNIST are here"},
}
options = common.begin("anomaly", epochs=8, resume=False, own=own)
SIZES, DRAWS, CLASSES, SEEDS = ((L,), 1, 2, 2) if options.smoke else ((8, L, 128), 10, 100, 5)
show = partial(common.picture, options)
try:
    clothes = fashion_mnist(options.fashion).test.images if options.fashion else None
except (OSError, ValueError) as error:
    common.refuse(error)
train, test = common.load(options)
(one, many), (H, W) = train.nouns, train.images.shape[1:]
D = H * W
if clothes is not None and clothes.shape[1:] != (H, W):
    common.refuse(ValueError(f"--fashion shows images of 28×28, and --data has them of {H}×{W}"))
x, held = (part.images.reshape(-1, D) / np.float32(255) for part in (train, test))
found, counts = np.unique(test.labels, return_counts=True)
classes = [int(c) for c in found[(counts > 1) & (counts < len(test) - 1)] if c in train.labels]
if options.unseen is not None and options.unseen not in classes:
    common.refuse(ValueError(f"--unseen: expected one of {classes}, got {options.unseen}"))
if options.unseen is None:
    runs = [(c, options.seed) for c in classes[:CLASSES]]
else:
    runs = [(options.unseen, options.seed + k) for k in range(SEEDS)]
names = [
    f"{one} {test.class_name(c)}" if options.unseen is None else f"seed {seed}" for c, seed in runs
]


# %% What learns, and the scores that it gives
def trained(kind, usual, size, seed):
    """Return a network that has learned these images; its weights and order are the seed's."""
    model = build(kind, (D,), size, hidden=HIDDEN, rng=np.random.default_rng(seed))
    rate = Cosine(RATE, options.epochs * ceil(len(usual) / BATCH))
    run = {"seed": seed, "batch_size": BATCH, "threads": options.threads}
    Trainer(model, Adam(rate), **run).fit(usual, epochs=options.epochs)
    return model


def learned(usual, seed):
    """Return who paints images, by name, and who scores them, after learning from these."""
    ae = trained("dense_autoencoder", usual, L, seed)
    vae = trained("dense_vae", usual, L, seed)
    pca = PCA(L).fit(usual)
    painters = {"AE": ae, "VAE": vae, "PCA": pca}

    def error(model, y):
        return squared_errors(y, model.reconstruct(y))

    def bound(y):
        noise = np.random.default_rng(seed)
        return -np.mean([vae.log_prob(y, rng=noise) for _ in range(DRAWS)], axis=0)

    def distance(encode, y):
        return nearest(encode(usual), encode(y))[1][:, 0]

    return painters, {
        "AE error": partial(error, ae),
        "VAE -ELBO": bound,
        "PCA error": partial(error, pca),
        "pixel nearest": partial(distance, np.asarray),
        "PCA nearest": partial(distance, pca.encode),
        "AE nearest": partial(distance, ae.encode),
        "ink": lambda y: y.sum(axis=1),
    }


# %% One class after the other is left out
areas, errors, paintings = {}, {}, {}
sizes = {"AE": {k: [] for k in SIZES}, "PCA": {k: [] for k in SIZES}}
for name, (c, seed) in zip(names, runs, strict=True):
    usual, anomalous = x[train.labels != c], test.labels == c
    painters, scores = learned(usual, seed)
    ranks = {score: f(held) for score, f in scores.items()}
    areas[name] = {score: auroc(values, anomalous) for score, values in ranks.items()}
    for k in SIZES:
        ae = painters["AE"] if k == L else trained("dense_autoencoder", usual, k, seed)
        for of, model in (("AE", ae), ("PCA", painters["PCA"].first(k))):
            area = auroc(squared_errors(held, model.reconstruct(held)), anomalous)
            sizes[of][k].append(area.mean)
    first = held[anomalous][:1]
    paintings[name] = [first, *(model.reconstruct(first) for model in painters.values())]
    paintings[name].append(usual[nearest(usual, first)[0][:, 0]])
    errors[name] = ranks["AE error"], painters["AE"]
    print(f"{name}: " + ", ".join(f"{k} {v.mean:.2f}" for k, v in areas[name].items()), flush=True)

# %% Who has learned all classes, and is shown images of another kind
_, scores = learned(x, options.seed)
square = held.reshape(-1, H, W)
kinds = {
    "turned by a quarter": np.rot90(square, 1 if H == W else 2, axes=(1, 2)),
    "pixels shuffled": held[:, np.random.default_rng(options.seed).permutation(D)],
    "half as dark": held / 2,
}
if clothes is not None:
    kinds["clothes"] = clothes[: len(held)] / np.float32(255)
others = {}
for kind, images in kinds.items():
    both = np.concatenate([held, images.reshape(-1, D)])
    others[kind] = {s: auroc(f(both), np.arange(len(both)) >= len(held)) for s, f in scores.items()}

# %% Pictures
print("\nPictures")
dots = {n: {s: (a.mean, a.error) for s, a in its.items()} for n, its in areas.items()}
title = "Who finds the class that was left out? Bars: standard errors of the choice of images"
show("auroc", score_dots(dots, line=0.5, unit="AUROC", title=title))

rows = {}
for row, images in zip(
    (one, *painters, "nearest known"), zip(*paintings.values(), strict=True), strict=True
):
    rows[row] = np.concatenate(images).clip(0, 1).reshape(-1, H, W)
title = "Each by those that have never seen its class: what would it have to be like to stand out?"
show("painted", image_rows(rows, title=title))

worst = min(areas, key=lambda name: areas[name]["AE error"].mean)
error, ae = errors[worst]
anomalous = test.labels == runs[names.index(worst)][0]
order = np.argsort(error)
least = order[anomalous[order]][:10]
most = order[~anomalous[order]][::-1][: len(least)]
rows = {}
for what, some in (("unseen, least error", least), ("seen, largest error", most)):
    rows[what] = held[some].reshape(-1, H, W)
    rows[f"{what}, painted"] = ae.reconstruct(held[some]).reshape(-1, H, W)
title = f"{worst} is the class that was left out: who looks unusual, and to whom?"
show("missed", image_rows(rows, title=title))

words = {"xlabel": "numbers in a code", "ylabel": "AUROC of the error; bars: one deviation"}
title = "What does a longer code paint better: the seen, or the unseen?"
show(
    "sizes",
    spread_curves(
        {"over classes" if options.unseen is None else "over seeds": sizes}, title=title, **words
    ),
)

# %% The tables
head = ("AUROC, images of another kind", *scores)
rows = [(kind, *map(str, its.values())) for kind, its in others.items()]
print(f"\n{common.table(head, rows)}")

values = {score: np.array([its[score].mean for its in areas.values()]) for score in scores}
gains = {score: its - values["AE error"] for score, its in values.items()}
N = len(runs)
head = (f"AUROC, a class of {many} unseen", *scores)
rows = [(name, *map(str, its.values())) for name, its in areas.items()]
rows += [
    ("mean", *(float(its.mean()) for its in values.values())),
    ("deviation of a row", *(float(its.std(ddof=1)) for its in values.values())),
    ("beyond the AE's error", *(float(gain.mean()) for gain in gains.values())),
    ("its standard error", *(float(gain.std(ddof=1)) / N**0.5 for gain in gains.values())),
    ("how often beyond it", *(f"{(gain > 0).sum()} of {N}" for gain in gains.values())),
]
common.report(options, head, rows, unseen=areas, sizes=sizes, kinds=others)
