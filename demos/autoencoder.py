"""Autoencoders: a digit in 32 numbers, beside PCA, which is the best linear one.

    python -m demos autoencoder               half a minute on two cores
    python -m demos autoencoder --data DIR    the same on the full MNIST, some minutes

Two networks learn to say a digit in 32 numbers by having to say it back: a simple one, 784-32-784,
and a deep one, 784-128-64-32-64-128-784, both with ReLU between the layers and after the code. PCA
with 32 components does the same without hidden layers, rectifiers or training.

What to look at
    reconstructions.png  sharp strokes where PCA has clouds and ripples
    codes.png            the 32 numbers of ten digits: some are always 0, the unit is dead
    samples.png          random codes decode to a digit only by luck: nobody asked where codes lie
    simple.png, deep.png how the loss fell; the gap between the curves is what was learned by heart
    the table            cross-entropy and squared error on held-out digits, and how many components
                         PCA needs for the same squared error; with that many PCA wins, and it takes
                         no training and cannot be trained badly
"""

from math import ceil

import numpy as np

from demos import common
from nnscratch.baselines import PCA
from nnscratch.metrics import bce, bce_floor, mse, ssim
from nnscratch.models.lesson import PIXELS, dense_autoencoder
from nnscratch.optimizers import Adam
from nnscratch.plots import code_images, image_grid, image_rows, loss_curves
from nnscratch.schedules import Cosine
from nnscratch.training import Trainer

BATCH, RATE = 128, 3e-3
HIDDEN = {"simple": (), "deep": (128, 64)}

options = common.begin("autoencoder", __doc__, epochs=30, latent=32)
rng = np.random.default_rng(options.seed)

# %% The digits, and what PCA makes of them
data = common.load(options)
test = data.test.images
pca = PCA(options.latent).fit(data.train.images)
pca_errors = pca.errors(test) / PIXELS
pictures = {f"PCA-{pca.k}": pca.reconstruct(test)}
nats = {f"PCA-{pca.k}": bce(test, pictures[f"PCA-{pca.k}"])}

# %% Two autoencoders
models = {}
for name, hidden in HIDDEN.items():
    print(f"{name}, {'-'.join(map(str, (PIXELS, *hidden, options.latent, *hidden[::-1], PIXELS)))}")
    model = dense_autoencoder(hidden, options.latent, rng=rng)
    rate = Cosine(RATE, options.epochs * ceil(len(data.train) / BATCH))
    run = {"seed": options.seed, "batch_size": BATCH, "threads": options.threads}
    trainer = Trainer(model, Adam(rate), **run)
    common.fit(trainer, data, options, name)
    models[name], history = model, trainer.history
    pictures[name] = model.reconstruct(test).reshape(test.shape)
    nats[name] = history[-1]["validation"]["reconstruction"]
    lines = {"reconstruction": {f"PCA-{pca.k}": nats[f"PCA-{pca.k}"], "perfect": bce_floor(test)}}
    title = f"{name}: how far below PCA, how far above the least that grey pixels cost?"
    common.picture(loss_curves(history, baselines=lines, title=title), options, name)
    print()

# %% Pictures
one_of_each = np.array([np.flatnonzero(data.test.labels == k)[0] for k in range(10)])
rows = {"digit": test} | {name: x.clip(0, 1) for name, x in pictures.items()}
rows = {name: x[one_of_each] for name, x in rows.items()}
title = f"{options.latent} numbers each: where is the stroke sharp, and where is there a shadow?"
common.picture(image_rows(rows, title=title), options, "reconstructions")

codes = models["deep"].encode(test)
dead = int((codes.max(axis=0) == 0).sum())
title = f"Deep: the codes of ten digits; {dead} of {options.latent} entries are 0 for every digit"
digits = [f"a {k}" for k in range(10)]
common.picture(code_images(codes[one_of_each], names=digits, title=title), options, "codes")

samples = models["deep"].sample(36, like=data.train.images, rng=rng)
title = "Deep: decoded draws from a Gaussian fitted to the codes: how many are digits?"
common.picture(image_grid(samples, columns=12, title=title), options, "samples")

# %% The table; PCA is clipped to [0.001, 0.999] for its cross-entropy
head = ("held-out digits", "BCE a pixel", "MSE a pixel", "SSIM", "dead units", "PCA needs")
rows = []
for name, x in pictures.items():
    error = mse(test, x)
    unused = int((models[name].encode(test).max(axis=0) == 0).sum()) if name in models else None
    enough = int(np.argmax(pca_errors <= error * (1 + 1e-9)))
    rows.append((name, nats[name] / PIXELS, error, ssim(test, x), unused, enough))
rows.append(("perfect pixels", bce_floor(test) / PIXELS, 0.0, 1.0, None, None))
common.report(head, rows, options)
