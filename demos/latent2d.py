"""A plane of codes: a plain autoencoder's and a VAE's, and what random codes decode to.

    python -m demos latent2d                a minute on two cores
    python -m demos latent2d --data DIR     the same on the full MNIST, some minutes

One network twice, 784-512-2-512-784. The plain autoencoder is asked to say a digit back, and no
more. The VAE (demos vae) is asked to keep its codes close to N(0, I) as well, and not to rely on
more than some blurred position. The lesson says that random codes make new objects in the decoder
of either; and that neighbours in the plain one's plane may be different digits. Both are measured.

What to look at
    latent.png      the plain one's codes crowd near its origin and straggle far away, at a scale of
                    its own; the VAE's fill the circles that hold the prior
    random.png      random codes, decoded. N(0, I) covers few of the plain one's codes, so there are
                    few kinds of digits; a Gaussian fitted to its codes also hits the gaps between
                    them, which decode to no digit. From its prior the VAE has all kinds, and blurs
    neighbours.png  digits, and those of the training digits whose codes are the nearest
    the tables      1. Do random codes fall near codes, and decode to digits of all kinds?
                    2. Are neighbours of one class? In the plain one's plane more often than in the
                    VAE's, against what one reads: it may place a code as exactly as it likes
"""

from functools import partial
from math import ceil

import numpy as np

from demos import common
from nnscratch.evaluation.baselines import PCA
from nnscratch.evaluation.metrics import bce, mse
from nnscratch.evaluation.probes import NearestNeighbours
from nnscratch.kernels.machine.threads import in_chunks
from nnscratch.models import Autoencoder
from nnscratch.models.lesson import dense_vae, mlp
from nnscratch.optimizers import Adam
from nnscratch.plots import image_rows, latent_panels
from nnscratch.schedules import Cosine
from nnscratch.training import Trainer

BATCH, RATE, HIDDEN, L, K = 128, 3e-3, 512, 2, 10

options = common.begin("latent2d", epochs=25)
rng = np.random.default_rng(options.seed)
show = partial(common.picture, options)

# %% Two autoencoders, and PCA beside them
train, test = data = common.load(options)
x, (one, many) = test.images, train.nouns
D = x[0].size
encoder, decoder = mlp((D, HIDDEN, L), rng=rng), mlp((L, HIDDEN, D), rng=rng)
models = {"AE": Autoencoder(encoder, decoder, input_shape=(D,))}
models["VAE"] = dense_vae((HIDDEN,), L, pixels=D, rng=rng)
for name, model in models.items():
    print(name)
    rate = Cosine(RATE, options.epochs * ceil(len(train) / BATCH))
    run = {"seed": options.seed, "batch_size": BATCH, "threads": options.threads}
    common.fit(Trainer(model, Adam(rate), **run), data, options, name)
models["PCA"] = PCA(L).fit(train.images)


def nearest(points, known, k=1):
    """Return the rows of the k nearest of `known` to each point, and how far they are: (N, k)."""
    norms = (known * known).sum(axis=1)

    def find(z):
        squares = norms - 2 * z @ known.T + (z * z).sum(axis=1, keepdims=True)
        rows = np.argpartition(squares, k - 1, axis=1)[:, :k]
        found = np.take_along_axis(squares, rows, axis=1)
        order = found.argsort(axis=1)
        both = (np.take_along_axis(a, order, axis=1) for a in (rows, found.clip(0) ** 0.5))
        return np.stack([*both], axis=-1)

    rows, distances = np.moveaxis(in_chunks(find, points, 250), -1, 0)
    return rows.astype(int), distances


# %% Where codes lie, where random ones fall, and what becomes of those
flat = {part: d.images.reshape(len(d), -1) / np.float32(255) for part, d in data._asdict().items()}
classify = NearestNeighbours(3).fit(flat["train"], train.labels).predict
codes, neighbours, pictures, table, random = {}, {}, {}, [], []


def kinds(y):
    """Return how many classes there are in pictures, were they equally frequent."""
    share = np.bincount(classify(y)) / len(y)
    return float(np.exp(-(share * np.log(np.where(share > 0, share, 1))).sum()))


for name, model in models.items():
    seen, z = (model.encode(d.images).astype(np.float64) for d in data)
    neighbours[name], distance = nearest(z, seen, K)
    same = float((train.labels[neighbours[name]] == test.labels[:, None]).mean())
    codes[name], reach = z, np.quantile(distance[:, 0], 0.99)
    fitted = rng.multivariate_normal(seen.mean(axis=0), np.cov(seen.T), len(z))
    sources = {"held-out": z, "N(0, I)": rng.standard_normal(z.shape), "fitted": fitted}
    for source, draws in sources.items():
        y = model.decode(draws.astype(np.float32)).reshape(len(z), -1).clip(0, 1)
        pictures[f"{name}, {source}"] = y = y.astype(np.float32)
        lonely, far = nearest(draws, seen)[1] > reach, nearest(y, flat["train"])[1]
        if source == "held-out":
            like = np.quantile(far, 0.99)
            table.append((name, bce(x, y), mse(x, y), same))
        odd, met = far > like, nearest(z, draws)[1] <= reach
        shares = (float(which.mean()) for which in (lonely, odd))
        random.append((f"{name}, {source}", *shares, kinds(y), float(met.mean())))
rows = nearest(flat["test"], flat["train"], K)[0]
same = float((train.labels[rows] == test.labels[:, None]).mean())
table.append((f"{D} pixels", None, 0.0, same))

# %% Pictures
print("\nPictures")
both = {name: codes[name] for name in ("AE", "VAE")}
title = f"Codes of held-out {many}, each on its own scale; the circles are those of N(0, I) in both"
show("latent", latent_panels(both, test.labels, prior=True, classes=test.classes, title=title))

rows = {name: y[:14].reshape(-1, *x.shape[1:]) for name, y in pictures.items() if "PCA" not in name}
title = f"Random codes, decoded, as they came: which look like {many}, and of which classes?"
show("random", image_rows(rows, title=title))

some = common.one_of_each(test)
rows = {one: x[some]}
rows |= {f"{name}'s nearest": train.images[neighbours[name][some, 0]] for name in both}
title = f"Held-out {many} and the training {one} with the nearest code: is it of the same class?"
show("neighbours", image_rows(rows, title=title))

# %% The tables. Near is where 99 % of the held-out codes, or of their pictures, are
head = ("random codes from", "no code near", f"no {one} near", f"kinds of {many}", "held-out met")
print(f"\n{common.table(head, random)}")
records = [dict(zip(head, row, strict=True)) for row in random]
head = (f"held-out {many}", "BCE, nats an image", "MSE a pixel", f"same class of {K} nearest")
common.report(options, head, table, random_codes=records)
