"""A VQ-VAE: a digit as 49 tokens of a learned alphabet, and a language model that writes digits.

    python -m demos vq               two minutes on two cores
    python -m demos vq --epochs 30   as long as the Keras example, on a sixth of its digits

The encoder makes 7×7 vectors of a digit, and each gives way to the nearest of 128 entries of a
codebook: the code is 49 integers. The network and its loss are those of Keras's VQ-VAE example, in
nats a digit: pixels are Gaussian, of half the variance of all pixels. Nothing in training asks the
tokens to have any distribution, so random tokens are no digit. A recurrent network learns theirs
afterwards, a token at a time, and what it draws are digits.

A code that is never the nearest is never moved, and is lost. One codebook here revives such codes
as vectors of the batch, the other lets them lie. A VAE with the same convolutions and sixteen
numbers is trained as long.

What to look at
    usage.png            how many of the 128 codes are in use, with revival and without
    codes.png            the tokens of digits as pictures: the paper is a few, strokes are many
    reconstructions.png  what 49 tokens keep, and what sixteen numbers do
    samples.png          tokens drawn by the language model, drawn by frequency, drawn evenly;
                         and the VAE's prior
    the tables           1. The error, and a bound on -log p(x): the picture's nats given its code,
                         and the code's own by its prior
                         2. What a token costs by several priors
"""

from functools import partial

import numpy as np

from demos import common
from nnscratch.evaluation import elbo
from nnscratch.evaluation.metrics import mse
from nnscratch.layers import (
    Conv2d,
    ConvTranspose2d,
    Dense,
    Flatten,
    ReLU,
    Reshape,
    Sequential,
)
from nnscratch.likelihoods import Gaussian
from nnscratch.models import VAE, VQVAE, Codebook, LanguageModel
from nnscratch.models.sequences import SequenceDecoder
from nnscratch.optimizers import Adam
from nnscratch.plots import curves, image_rows
from nnscratch.training import Trainer

K, D, L, HIDDEN = 128, 16, 16, 128  # codes, numbers of each; numbers of the VAE; of the prior
KERAS = {"MSE / variance": 0.0444, "nats a token": 1.034}  # keras.io, vq_vae: printed there

options = common.begin("vq", epochs=10)
show = partial(common.picture, options)
train, test = data = common.load(options)
x, (one, many) = test.images, train.nouns
image = (1, *x.shape[1:])
variance = float(np.var(train.images / 255))
likelihood = Gaussian(variance / 2)  # -log p = MSE / variance × pixels, and a constant
run = {"seed": options.seed, "threads": options.threads}


# %% The networks: 28×28 to 7×7 and back, as in the Keras example
def down(rng):
    """Return convolutions to 64 channels of a quarter of the sides."""
    words = {"stride": 2, "padding": 1, "rng": rng}
    return [Conv2d(1, 32, 3, **words), ReLU(), Conv2d(32, 64, 3, **words), ReLU()]


def up(channels, rng):
    """Return the way back from so many channels."""
    words = {"stride": 2, "padding": 1, "output_padding": 1, "rng": rng}
    first, second = ConvTranspose2d(channels, 64, 3, **words), ConvTranspose2d(64, 32, 3, **words)
    return [first, ReLU(), second, ReLU(), ConvTranspose2d(32, 1, 3, padding=1, rng=rng)]


def quantised(dead):
    """Return a VQ-VAE; codes chosen less than `dead` times a batch are revived."""
    rng = np.random.default_rng(options.seed)
    encoder = Sequential(*down(rng), Conv2d(64, D, 1, rng=rng))
    book = Codebook(K, D, dead=dead, rng=rng)
    return VQVAE(encoder, Sequential(*up(D, rng)), book, likelihood, input_shape=image)


def variational():
    """Return a VAE with the same convolutions."""
    rng, C, (h, w) = np.random.default_rng(options.seed), 64, (n // 4 for n in image[1:])
    encoder = Sequential(*down(rng), Flatten(), Dense(C * h * w, 2 * L, rng=rng))
    decoder = Sequential(Dense(L, C * h * w, rng=rng), ReLU(), Reshape(C, h, w), *up(C, rng))
    return VAE(encoder, decoder, L, likelihood, input_shape=image)


models = {"VQ-VAE": common.model_for(quantised, dead=0.5), "VQ-VAE, no revival": quantised(0.0)}
models[f"VAE-{L}"] = variational()
histories = {}
for name, model in models.items():
    print(name)
    trainer = Trainer(model, Adam(1e-3), **run)
    common.fit(trainer, data, options, name.lower().replace(", ", "-").replace(" ", "-"))
    histories[name] = trainer.history
    print()
vq, vae = models["VQ-VAE"], models[f"VAE-{L}"]

# %% The prior: a language model of 49 tokens
tokens = {part: vq.tokens(d.images) for part, d in data._asdict().items()}
rng = np.random.default_rng(options.seed)
prior = LanguageModel(SequenceDecoder(K, HIDDEN, 0, layers=1, rng=rng), steps=vq.places)
print("the prior of the tokens")
trainer = Trainer(prior, Adam(3e-3), **run)
trainer.fit(tokens["train"], validation=tokens["test"], epochs=options.epochs, progress=True)

# %% Pictures
print("\nPictures")
epochs = range(1, options.epochs + 1)
used = {n: [row["validation"]["perplexity"] for row in histories[n]] for n in list(models)[:2]}
title = f"Codes in use, of {K}: exp of the entropy of what a batch chooses"
show("usage", curves(epochs, used, xlabel="epoch", ylabel="perplexity", title=title))

some = common.one_of_each(test)
e = vq.codebook.w.value - vq.codebook.w.value.mean(axis=0)
rank = (e @ np.linalg.svd(e)[2][0]).argsort().argsort() / (K - 1)
h, w = vq.code_shape[1:]
grids = rank[vq.tokens(x[some])].reshape(-1, h, w)
grids = grids.repeat(image[1] // h, axis=1).repeat(image[2] // w, axis=2)
if grids[:, 0, 0].mean() > 0.5:  # the paper is white
    grids = 1 - grids
title = f"{h * w} tokens a {one}; grey is a token's place along the codebook's longest axis"
show("codes", image_rows({one: x[some], "tokens": grids.astype(np.float32)}, title=title))

rows = {one: x[some]}
rows |= {n: m.reconstruct(x[some]).reshape(-1, *image[1:]).clip(0, 1) for n, m in models.items()}
title = f"Held-out {many} from their codes"
show("reconstructions", image_rows(rows, title=title))

count, frequency = 12, np.bincount(tokens["train"].ravel(), minlength=K) / tokens["train"].size
shape = (count, vq.places)
drawn = {
    "language model": prior.sample(count, rng=rng),
    "by frequency": rng.choice(K, shape, p=frequency),
    "evenly": rng.integers(0, K, shape),
}
rows = {n: vq.decode_tokens(t).reshape(-1, *image[1:]).clip(0, 1) for n, t in drawn.items()}
rows[f"VAE-{L}"] = vae.sample(count, rng=rng).reshape(-1, *image[1:]).clip(0, 1)
title = f"Drawn, not learned by heart: which look like {many}?"
show("samples", image_rows(rows, title=title))


# %% The tables
def row(name, y, reconstruction, code, numbers):
    """Return a row of the first table."""
    error = mse(x, y.reshape(x.shape))
    return name, numbers, error, error / variance, reconstruction, code, reconstruction + code


of_prior = -float(prior.log_prob(tokens["test"]).mean())
table = [
    row("VQ-VAE", vq.reconstruct(x), -float(vq.log_prob(x).mean()), of_prior, f"{h * w} tokens")
]
found = elbo(vae, x, rng=rng)
table.append(
    row(f"VAE-{L}", vae.reconstruct(x), found.reconstruction.mean, found.kl.mean, f"{L} numbers")
)
smoothed = (np.bincount(tokens["train"].ravel(), minlength=K) + 1) / (tokens["train"].size + K)
costs = {
    "evenly": float(np.log(K)),
    "by frequency": -float(np.log(smoothed)[tokens["test"]].mean()),
    "language model": of_prior / vq.places,
}
second = [(name, value, value * vq.places) for name, value in costs.items()]
print(f"\n{common.table(('prior of the tokens', 'nats a token', f'nats a {one}'), second)}")
head = (f"held-out {many}", "code", "MSE a pixel", "MSE / variance", "nats, given the code")
head += ("nats of the code", "sum")
print(f"\nKeras's example, all of MNIST, 30 epochs, prints {KERAS}")
common.report(options, head, table, variance=variance, priors=costs, keras=KERAS)
