"""Autoencoders: a digit in 32 numbers, beside PCA; and what else may be asked of a code.

    python -m demos autoencoder                           less than two minutes on two cores
    python -m demos autoencoder --data DIR --epochs 50    the full MNIST, as in the Keras blog

All learn to say a digit in few numbers by having to say it back. PCA does it without hidden layers,
rectifiers or training, and is the best linear one.

    simple         784-32-784, rectified after the code
    sparse         the same, and a code pays λ |z|; faint: with the λ of the Keras blog
    deep           784-128-64-32-64-128-784
    convolutional  the lesson's, with a code of 8×4×4 (`python -m demos conv_autoencoder`)
    contractive    784-256-784, wide: what limits it is a price on how far the code moves when the
                   image does, ‖∂z/∂x‖². Sigmoids, the decoder tied; sigmoid: the same for nothing

What to look at
    reconstructions.png  sharp strokes where PCA has clouds and ripples
    codes.png            ten digits in 32 numbers each, simple and sparse: more and more is blank
    units.png            the mean of each entry. The blog's λ makes it less than half as large, and
    values.png           few zeros: codes shrink and the decoder's w grows. It takes a larger λ to
                         make zeros, and then some entries are zero for every digit: dead
    moved.png            a little noise moves the contractive code about half as far as the sigmoid
                         one; a shift, which makes a digit of a digit, nearly as far (table). PCA is
                         as steady: it drops all directions in which digits differ little
    losses.png           how the loss fell, of digits held out
    two tables           of codes: how much is zero, and how far an image's code moves, in units of
                         the distance between two digits' codes. And of pictures: what is lost, and
                         how many components PCA needs for the same squared error
"""

from copy import copy
from functools import partial
from math import ceil

import numpy as np

from demos import common
from nnscratch.evaluation.baselines import PCA
from nnscratch.evaluation.metrics import bce, bce_floor, mse, ssim
from nnscratch.likelihoods import Gaussian
from nnscratch.losses import l1_penalty
from nnscratch.models import ContractiveAutoencoder
from nnscratch.models.contractive import jacobian_norms
from nnscratch.models.lesson import conv_autoencoder, dense_autoencoder
from nnscratch.optimizers import Adam
from nnscratch.plots import code_images, curves, histograms, image_rows
from nnscratch.schedules import Cosine
from nnscratch.training import Trainer

BATCH, RATE = 128, 3e-3
SPARSITY, CONTRACTION, WIDE = 0.5, 1.0, 256  # λ of sparse and of contractive, and its units
NOISE = np.linspace(0, 0.5, 6)  # standard deviations

options = common.begin("autoencoder", epochs=30, latent=32)
rng = np.random.default_rng(options.seed)
L, show = options.latent, partial(common.picture, options)
train, test = data = common.load(options)
x, (one, many), (H, W) = test.images, train.nouns, train.images.shape[1:]
D = H * W
FAINT = 1e-4 * D  # the blog's factor, whose loss is the mean over pixels and not the sum


def start():
    """Return the source of first weights: of one architecture, all models start from the same."""
    return np.random.default_rng(options.seed)


def taxed(strength):
    """Return the simple network, its codes charged their size."""
    return dense_autoencoder(
        (), L, penalties={"sparsity": (strength, l1_penalty)}, pixels=D, rng=start()
    )


# %% What PCA makes of them, and seven autoencoders
pca = PCA(L).fit(train.images)
models = {
    "simple": dense_autoencoder((), L, pixels=D, rng=start()),
    "faint": taxed(FAINT),
    "sparse": taxed(SPARSITY),
    "deep": dense_autoencoder((128, 64), L, pixels=D, rng=start()),
    "convolutional": common.model_for(conv_autoencoder, image=(1, H, W), rng=start()),
    "sigmoid": ContractiveAutoencoder(D, WIDE, 0.0, rng=start()),
    "contractive": ContractiveAutoencoder(D, WIDE, CONTRACTION, rng=start()),
}
nats = {}  # held out, after each epoch
for name, model in models.items():
    print(name)
    rate = Cosine(RATE, options.epochs * ceil(len(train) / BATCH))
    run = {"seed": options.seed, "batch_size": BATCH, "threads": options.threads}
    trainer = Trainer(model, Adam(rate), **run)
    common.fit(trainer, data, options, name)
    nats[name] = [epoch["validation"]["reconstruction"] for epoch in trainer.history]
    print()

# %% What comes back, and the codes
coders = {f"PCA-{L}": pca} | models
codes = {name: coder.encode(x).reshape(len(x), -1) for name, coder in coders.items()}
pictures = {name: coder.reconstruct(x).reshape(x.shape) for name, coder in coders.items()}
losses = {f"PCA-{L}": bce(x, pictures[f"PCA-{L}"]), "perfect pixels": bce_floor(x)}


def moved(name, images):
    """Return how far the codes of changed images x are from those of x, between two images' = 1."""
    z, coder = codes[name], copy(coders[name])
    coder.likelihood = Gaussian()  # encode takes numbers beyond [0, 1], too
    step = coder.encode(images).reshape(z.shape) - z
    return float(np.sqrt((step * step).sum(axis=1).mean() / (2 * z.var(axis=0).sum())))


white = rng.standard_normal(x.shape)
noisy = [x / 255 + sd * white for sd in NOISE]

# %% Pictures
print("Pictures")
some = common.one_of_each(test)
plain = [name for name in coders if name not in ("faint", "sigmoid")]
rows = {one: x[some]} | {name: pictures[name][some].clip(0, 1) for name in plain}
title = f"{L} numbers each, but for the last two: where is the stroke sharp, and where a shadow?"
show("reconstructions", image_rows(rows, title=title))

pair = ("simple", "sparse")
large = np.concatenate([codes[name][some] / codes[name].max() for name in pair])
names = [f"{name} {test.class_name(k)}" for name in pair for k in test.labels[some]]
title = f"{len(some)} {many}, simple and sparse, in units of the largest entry: who needs how many?"
show("codes", code_images(large, names=names, title=title))

l1 = {"simple": 0.0, "faint": FAINT, "sparse": SPARSITY}
zeros = {name: float((z == 0).mean()) for name, z in codes.items()}
sizes = {name: np.linalg.norm(models[name].decoder.layers[0].w.value) for name in l1}
labels = [f"{name}: λ = {l1[name]:.2g}, decoder ‖w‖ = {sizes[name]:.0f}" for name in l1]
means = {k: np.sort(codes[name].mean(axis=0))[::-1] for k, name in zip(labels, l1, strict=True)}
title = "What each entry of the code is in the mean, the largest first"
words = {"xlabel": "rank of the entry", "ylabel": "mean activation"}
show("units", curves(range(1, L + 1), means, title=title, **words))

values = {f"{name}: {zeros[name]:.0%} are zero": codes[name] for name in l1}
title = "All entries of all codes: are they smaller, or are there fewer?"
show("values", histograms(values, xlabel="activation", title=title))

shaken = ("simple", "sigmoid", "contractive", f"PCA-{L}")
steps = {name: [moved(name, y) for y in noisy] for name in shaken}
words = {
    "xlabel": "standard deviation of the noise",
    "ylabel": f"share of the way to another {one}",
}
title = "How far does noise move the code of an image?"
show("moved", curves(NOISE, steps, title=title, **words))

each = {name: nats[name] for name in plain if name in nats}
words = {"xlabel": "epoch", "ylabel": "held out, nats an image", "lines": losses}
title = "How far below PCA, how far above the least that grey pixels cost?"
show("losses", curves(range(1, options.epochs + 1), each, title=title, **words))

# %% The tables. ‖J‖ is that of the encoder, in the units of the movements
head = ("held-out codes", "mean", "zeros", "dead units", "‖J‖", "by noise 0.1", "by one pixel")
behaviour = []
for name, z in codes.items():
    dead = int((z.max(axis=0) == 0).sum())
    norm = jacobian_norms(models[name], x[:100]).mean() if name in models else np.sqrt(L)
    relative = float(norm / np.sqrt(2 * z.var(axis=0).sum()))
    motions = (moved(name, noisy[1]), moved(name, np.roll(x, 1, axis=2)))
    behaviour.append((name, float(z.mean()), zeros[name], dead, relative, *motions))
print(f"\n{common.table(head, behaviour)}")
records = [dict(zip(head, row, strict=True)) for row in behaviour]

head = (f"held-out {many}", "numbers", "BCE a pixel", "MSE a pixel", "SSIM", "PCA needs")
pca_errors = pca.errors(x) / D  # with 0, 1, … components
rows = []
losses |= {name: curve[-1] for name, curve in nats.items()}
for name, y in pictures.items():
    error = mse(x, y)
    enough = int(np.argmax(pca_errors <= error + 1e-12))
    size = codes[name].shape[1]
    rows.append((name, size, losses[name] / D, error, ssim(x, y), enough))
rows.append(("perfect pixels", D, losses["perfect pixels"] / D, 0.0, 1.0, None))
common.report(options, head, rows, codes=records)
