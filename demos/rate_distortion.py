"""A β sweep: how many nats may a code cost, and what does each buy? Rate against distortion.

    python -m demos rate_distortion                a minute or two on two cores
    python -m demos rate_distortion --latent 20    the same with room for more

A VAE pays twice for an image: for the code, R = KL nats, and for what the code does not say, D =
BCE nats. Trained on D + βR, β says what a nat of code may cost. One network is trained with one
β after another: with a small one it buys fine pictures with long codes, with a large one it saves
on codes and pays in blur. Together they draw the lowest D that this network finds for each R. The
model of β is where the curve has slope -β, where one more nat of code would save β nats of blur.

The negative ELBO is D + R, whatever β a model was trained with; only β = 1 asks for it. Does that
also do best, on held-out digits and on digits seen? Where the slope is -1 a nat of code saves a nat
of blur, so D + R is flat there: as another seed moves a point by a nat or so, ½ may come out level.

What to look at
    curve.png            the black ticks have slope -β and should lie along the curve; the grey line
                         touches it where D + R is least. One diamond is no code at all, one a code
                         that names the class and stops. PCA's numbers are exact: no finite rate
    reconstructions.png  what is saved on as β grows: style and sharpness, in the end even the class
    samples.png          draws from the prior: do long codes, which say most, also draw best?
    the table            D + R by β; the slope from each point to the next, which lies between their
                         two β if both were trained to the end; how many dimensions still pay
"""

from functools import partial
from math import ceil

import numpy as np

from demos import common
from nnscratch.evaluation import elbo
from nnscratch.evaluation.baselines import PCA, mean_image
from nnscratch.evaluation.metrics import bce, bce_floor
from nnscratch.models.lesson import dense_vae
from nnscratch.optimizers import Adam
from nnscratch.plots import image_rows, rate_distortion
from nnscratch.schedules import Cosine
from nnscratch.training import Trainer

BATCH, RATE = 128, 3e-3
BETAS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)

options = common.begin("rate_distortion", epochs=12, latent=8)
rng = np.random.default_rng(options.seed)
L, show = options.latent, partial(common.picture, options)

# %% One network, trained with each β from the same weights on
train, test = data = common.load(options)
x, (one, many) = test.images, train.nouns
models = {}
for beta in BETAS:
    print(f"β = {beta:g}")
    start = np.random.default_rng(options.seed)
    models[beta] = dense_vae(latent_dim=L, beta=beta, pixels=x[0].size, rng=start)
    rate = Cosine(RATE, options.epochs * ceil(len(train) / BATCH))
    run = {"seed": options.seed, "batch_size": BATCH, "threads": options.threads}
    common.fit(Trainer(models[beta], Adam(rate), **run), data, options, f"beta-{beta:g}")

# %% Rate and distortion of each, and of codes that are not learned
bounds = [elbo(model, x, rng=rng) for model in models.values()]
seen = [elbo(model, train.images[: len(x)], rng=rng) for model in models.values()]
R, D = (np.array([getattr(b, part).mean for b in bounds]) for part in ("kl", "reconstruction"))
slopes = -np.diff(D) / np.diff(R)

classes = np.unique(train.labels)
means = np.array([mean_image(train.images[train.labels == k]) for k in classes])
share = np.unique(test.labels, return_counts=True)[1] / len(test)
named = bce(x, means[np.searchsorted(classes, test.labels)])
marks = {"mean image": (0.0, bce(x, np.broadcast_to(mean_image(train.images), x.shape)))}
marks["the class, no more"] = (float(-(share * np.log(share)).sum()), named)
lines = {f"PCA-{L}": bce(x, PCA(L).fit(train.images).reconstruct(x))}
lines["perfect pixels"] = bce_floor(x)

# %% Pictures
print("\nPictures")
title = "What a nat of code buys: does every model lie where the curve has slope -β?"
show("curve", rate_distortion(BETAS, R, D, marks=marks, lines=lines, title=title))

some = common.one_of_each(test)
rows = {one: x[some]}
rows |= {f"β = {b:g}": m.reconstruct(x[some]).reshape(x[some].shape) for b, m in models.items()}
title = f"Held-out {many}: what do they lose first as a code gets dearer?"
show("reconstructions", image_rows(rows, title=title))

z = rng.standard_normal((12, L), np.float32)
rows = {f"β = {b:g}": m.decode(z).reshape(12, *x.shape[1:]) for b, m in models.items()}
title = f"Draws from the prior, the same for every β: which look like {many}?"
show("samples", image_rows(rows, title=title))

# %% The table
head = (f"held-out {many}", "rate R = KL", "distortion D = BCE", "D + R", f"D + R, {many} seen")
head += ("-ΔD/ΔR to the next", "active units")
table = []
for beta, bound, known, slope in zip(BETAS, bounds, seen, [*slopes, None], strict=True):
    nats = (bound.kl, bound.reconstruction, bound.total, known.total)
    table.append((f"β = {beta:g}", *nats, slope, bound.active_units))
table += [(name, r, d, r + d, None, None, None) for name, (r, d) in marks.items()]
table += [(name, None, d, None, None, None, None) for name, d in lines.items()]
common.report(options, head, table)
