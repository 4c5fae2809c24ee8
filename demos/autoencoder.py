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
                         PCA needs for the same squared error: with more than that PCA wins, and it
                         takes a second, has one answer and no rate, no epochs, no dead units
"""

from functools import partial
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
L = options.latent
show = partial(common.picture, options)

# %% The digits, and what PCA makes of them
train, test = data = common.load(options)
x, floor = test.images, bce_floor(test.images)
pca = PCA(L).fit(train.images)
pictures = {f"PCA-{L}": pca.reconstruct(x)}
nats = {f"PCA-{L}": bce(x, pictures[f"PCA-{L}"])}

# %% Two autoencoders
codes = {}
for name, hidden in HIDDEN.items():
    print(f"{name}, {'-'.join(map(str, (PIXELS, *hidden, L, *hidden[::-1], PIXELS)))}")
    model = dense_autoencoder(hidden, L, rng=rng)
    rate = Cosine(RATE, options.epochs * ceil(len(train) / BATCH))
    run = {"seed": options.seed, "batch_size": BATCH, "threads": options.threads}
    trainer = Trainer(model, Adam(rate), **run)
    common.fit(trainer, data, options, name)
    codes[name] = model.encode(x)
    pictures[name] = model.decode(codes[name]).reshape(x.shape)
    nats[name] = trainer.history[-1]["validation"]["reconstruction"]
    lines = {"reconstruction": {f"PCA-{L}": nats[f"PCA-{L}"], "perfect pixels": floor}}
    title = f"{name}: how far below PCA, how far above the least that grey pixels cost?"
    show(name, loss_curves(trainer.history, baselines=lines, title=title))
    print()

# %% Pictures; `model` is the deep one
some = common.one_of_each(test)
rows = {"digit": x[some]} | {name: y[some].clip(0, 1) for name, y in pictures.items()}
title = f"{L} numbers each: where is the stroke sharp, and where is there a shadow?"
show("reconstructions", image_rows(rows, title=title))

dead = {name: int((z.max(axis=0) == 0).sum()) for name, z in codes.items()}
names = [f"a {label}" for label in test.labels[some]]
title = f"Deep: the codes of ten digits; {dead['deep']} of {L} entries are 0 for every digit"
show("codes", code_images(codes["deep"][some], names=names, title=title))

samples = model.sample(36, like=train.images, rng=rng)
title = "Deep: decoded draws from a Gaussian fitted to the codes: how many are digits?"
show("samples", image_grid(samples, columns=12, title=title))

# %% The table; PCA is clipped to [0.001, 0.999] for its cross-entropy
head = ("held-out digits", "BCE a pixel", "MSE a pixel", "SSIM", "dead units", "PCA needs")
pca_errors = pca.errors(x) / PIXELS  # with 0, 1, … components
rows = []
for name, y in pictures.items():
    error = mse(x, y)
    enough = int(np.argmax(pca_errors <= error + 1e-12))
    rows.append((name, nats[name] / PIXELS, error, ssim(x, y), dead.get(name), enough))
rows.append(("perfect pixels", floor / PIXELS, 0.0, 1.0, None, None))
common.report(options, head, rows)
