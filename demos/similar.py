"""Similar images: the nearest by pixels, by PCA's codes, by an autoencoder's; shifted, too.

    python -m demos similar             a minute on two cores

A held-out digit asks for the nearest of all that were learned from, and of the answers one counts
those of its own class: precision at 1, and at 10. Near is what is near in

    pixels           784 numbers, where a line beside a line is as far away as any other line
    PCA              32 numbers, the directions in which images differ most
    AE               32 numbers of a dense autoencoder
    VAE              the means of a variational one
    AE, unshifting   32 numbers of the same network as AE, that learned to say an image that it was
                     shown up to 3 pixels beside its place: it has to forget where it was
    PCA, 13 tries    PCA once more, and the query asks from 13 places, of which the nearest counts

Then the same digits ask from 1, 2 and 3 pixels beside their place, to the left, right, up or down.

What to look at
    neighbours.png  digits shifted by 2, and what is nearest to each: pixels and PCA find what is
                    at that place, the last row what it is
    shifts.png      precision over the shift. In their place, pixels, PCA and autoencoders are about
                    as good, and none of them stands a shift: that a code is learned does not help.
                    One that was taught to forget the place does. So do 13 tries, which need no
                    network, but 13 times the time, and someone who can list what is to be tried
    sizes.png       precision over the size of a code: 32 numbers are enough for either
    the table       both precisions, for each shift, means over networks of three seeds
"""

from functools import partial
from math import ceil

import numpy as np

from demos import common
from nnscratch.data import Pairs
from nnscratch.evaluation import PCA, nearest
from nnscratch.models import build
from nnscratch.optimizers import Adam
from nnscratch.plots import curves, image_rows, spread_curves
from nnscratch.schedules import Cosine
from nnscratch.training import Trainer

L, HIDDEN, BATCH, RATE, K, FARTHEST = 32, (256,), 128, 3e-3, 10, 3
SHIFTS = range(FARTHEST + 1)
WAYS = np.array([(0, 1), (0, -1), (1, 0), (-1, 0)])

options = common.begin("similar", epochs=8, resume=False)
SEEDS, SIZES = (2, (L,)) if options.smoke else (3, (2, 8, L, 128))
show = partial(common.picture, options)
train, test = common.load(options)
(one, many), (H, W) = train.nouns, train.images.shape[1:]
D = H * W
grey, held = (part.images / np.float32(255) for part in (train, test))
x = grey.reshape(-1, D)


def shifted(images, by, rng):
    """Return images (N, H, W), each moved by so many pixels, `by` (N,), in one of four ways."""
    return moved(images, *(WAYS[rng.integers(len(WAYS), size=len(images))] * by[:, None]).T)


def moved(images, down, right):
    """Return images (N, H, W), each moved by so many pixels, (N,); what comes in is paper."""
    padded = np.pad(images, ((0, 0), (FARTHEST, FARTHEST), (FARTHEST, FARTHEST)))
    i = (FARTHEST - down)[:, None] + np.arange(H)
    j = (FARTHEST - right)[:, None] + np.arange(W)
    return padded[np.arange(len(images))[:, None, None], i[:, :, None], j[:, None, :]]


def trained(kind, size, seed, unshifting=False):
    """Return a network that has learned all images; its weights and order are the seed's."""
    rng = np.random.default_rng(seed)
    model = build(kind, (D,), size, hidden=HIDDEN, rng=rng)
    rate = Cosine(RATE, options.epochs * ceil(len(x) / BATCH))
    trainer = Trainer(model, Adam(rate), seed=seed, batch_size=BATCH, threads=options.threads)
    data = x
    for epoch in range(1, options.epochs + 1):
        if unshifting:  # each epoch sees other shifts
            moved = shifted(grey, rng.integers(0, FARTHEST + 1, len(grey)), rng)
            data = Pairs(moved.reshape(-1, D), x)
        trainer.fit(data, epochs=epoch)
    return model


def found(encode, queries):
    """Return the rows of the K nearest known images for each query."""
    return nearest(encode(x), encode(queries.reshape(-1, D)), K)[0]


def tried(encode, queries):
    """Return the same where a query asks from 13 places, of which the nearest counts."""
    known, rows, far = encode(x), [], []
    moves = {(by * down, by * right) for by in SHIFTS for down, right in WAYS.tolist()}
    for move in sorted(moves):
        down, right = np.repeat([move], len(queries), axis=0).T
        asked = encode(moved(queries, down, right).reshape(-1, D))
        for its, new in zip((rows, far), nearest(known, asked, K), strict=True):
            its.append(new)
    rows, far = np.hstack(rows), np.hstack(far)
    rows = np.take_along_axis(rows, far.argsort(axis=1, kind="stable"), axis=1)
    return np.stack([list(dict.fromkeys(row))[:K] for row in rows.tolist()])


def precision(rows, k):
    """Return the share of the k nearest that are of the query's class."""
    return float((train.labels[rows[:, :k]] == test.labels[:, None]).mean())


# %% The spaces, each of networks of a few seeds; pixels and PCA are the same for any
seeds = range(options.seed, options.seed + SEEDS)
pca = PCA(min(max(SIZES), D)).fit(x)
spaces = {f"{D} pixels": [np.asarray], "PCA": [pca.first(L).encode]}
kinds = {"AE": ("dense_autoencoder", L), "VAE": ("dense_vae", L)}
for name, how in kinds.items():
    spaces[name] = [trained(*how, seed).encode for seed in seeds]
unshifting = "AE, unshifting"
spaces[unshifting] = [trained(*kinds["AE"], seed, unshifting=True).encode for seed in seeds]

# %% Queries in their place, and beside it
rng = np.random.default_rng(options.seed)
queries = {by: shifted(held, np.full(len(held), by), rng) for by in SHIFTS}
answers = {
    name: {by: [found(encode, asked) for encode in encoders] for by, asked in queries.items()}
    for name, encoders in spaces.items()
}
answers["PCA, 13 tries"] = {by: [tried(pca.first(L).encode, queries[by])] for by in SHIFTS}
precisions = {
    k: {
        name: {by: [precision(rows, k) for rows in each] for by, each in its.items()}
        for name, its in answers.items()
    }
    for k in (1, K)
}

# %% Codes of other sizes, in their place
sizes = {"PCA": {k: [precision(found(pca.first(k).encode, held), K)] for k in SIZES}, "AE": {}}
for k in SIZES:
    how = ("dense_autoencoder", k)
    encoders = spaces["AE"] if k == L else [trained(*how, options.seed).encode]
    sizes["AE"][k] = [precision(found(encode, held), K) for encode in encoders]

# %% Pictures
print("Pictures")
some = common.one_of_each(test)
rows = {f"{one}, shifted by 2": queries[2][some]}
for name in (f"{D} pixels", "PCA", "AE", unshifting, "PCA, 13 tries"):
    for place in range(2):
        rows[f"{name}, {('nearest', 'second')[place]}"] = grey[answers[name][2][0][some, place]]
title = "A digit that is 2 pixels beside its place: what is near to it, and to whom?"
show("neighbours", image_rows(rows, title=title.replace("digit", one)))

means = {name: [np.mean(v) for v in its.values()] for name, its in precisions[K].items()}
words = {"xlabel": "pixels that a query is shifted by", "ylabel": f"precision at {K}"}
title = "Which space stands a shift of the query?"
show("shifts", curves([*SHIFTS], means, title=title, **words))

lines = {"in place": {f"{D} pixels": means[f"{D} pixels"][0]}}
words = {"xlabel": "numbers in a code", "ylabel": f"precision at {K}"}
title = "How long must a code be?"
show("sizes", spread_curves({"in place": sizes}, lines=lines, title=title, **words))

# %% The table; ± is one standard deviation over seeds, and an error of a share is up to 0.01
head = ("precision", *(f"at {k}, shift {by}" for k in (1, K) for by in SHIFTS))
rows = []
for name in answers:
    each = [precisions[k][name][by] for k in (1, K) for by in SHIFTS]
    spread = (f" ± {np.std(v, ddof=1):.3f}" if len(v) > 1 else "" for v in each)
    rows.append((name, *(f"{np.mean(v):.3f}{sd}" for v, sd in zip(each, spread, strict=True))))
common.report(
    options, head, rows, precision={f"at {k}": v for k, v in precisions.items()}, sizes=sizes
)
