"""Sequences in a few numbers: the Keras blog's LSTM autoencoder, why it learns a mean, the cure.

    python -m demos seq2seq                 two or three minutes on two cores
    python -m demos seq2seq --data DIR      rows of other images; as many sines as there are images

The blog says: one LSTM reads a sequence, and its last output is the code; another is given the code
at every step, and its outputs are the sequence. Whoever has tried it on a sine knows that it learns
the mean of the signal. Here are sines of random frequency, phase and amplitude, of 32 steps, and
five networks, of which each mends one fault of the one before:

    blog            LSTM(code) | LSTM(1), whose output o tanh c lies in (-1, 1): signals do not
    map             an affine map of the output at every step. It is still a single unit that has to
                    follow the signal
    wide decoder    64 units below that map
    wide encoder    64 units here, too, and the code is an affine map of them
    from the end    the encoder reads backwards: what the decoder has to say first is heard last

beside PCA and a dense autoencoder, which are told all 32 numbers at once, with codes of equal size.
Then the rows of an image, from the top to the bottom: 28 steps of 28 pixels of a digit.

What to look at
    signals.png   held-out sines, grey, and what comes back; dashed: the bounds -1 and 1. What the
                  encoder has read last is said best, and it should be what is said first
    learning.png  the share of the signal's square that is lost, epoch by epoch
    sizes.png     what is lost over the size of the code. PCA needs a dozen for frequencies from
                  1 to 5. The dense network does as well as the best of LSTMs, and learns
                  faster
    rows.png      images and what comes back, from as many numbers each
    three tables  sines; sines of one frequency, which lie in a plane: PCA is exact; and images,
                  where the LSTMs win
"""

from functools import partial
from math import ceil

import numpy as np

from demos import common
from nnscratch.data import Split, sines
from nnscratch.evaluation.baselines import PCA
from nnscratch.layers import (
    LSTM,
    Dense,
    Flatten,
    RepeatVector,
    Reshape,
    Sequential,
    TimeDistributed,
)
from nnscratch.likelihoods import SquaredError
from nnscratch.models import Autoencoder
from nnscratch.models.lesson import keras_seq2seq, mlp, seq2seq_autoencoder
from nnscratch.optimizers import Adam
from nnscratch.plots import curves, image_rows, signal_rows, spread_curves
from nnscratch.schedules import Cosine
from nnscratch.training import Trainer

T, ONE = 32, 3.0  # steps of a sine, and the frequency where there is just one
BATCH, RATE, SLOWER, PIXEL_CODE = 128, 5e-3, 2e-3, 16
HIDDEN, WIDE = (64, 128), ((256, 256), (512, 256))  # LSTMs, dense networks: of sines, of images
SMALL, SIZES = 0.45, ((1, 2, 4, 6, 8, 11), (1, 2, 4, 8, 16, 32))  # a factor; codes of PCA

own = {"type": common.between(1, T - 1), "default": 4, "metavar": "L"}
help_of = {"help": "numbers in the code of a sine, default 4"}
options = common.begin("seq2seq", epochs=16, own={"--latent": own | help_of})
SEEDS, AGAIN = (1, 1) if options.smoke else (3, 2)  # runs of each network, of sines and images
L, show = options.latent, partial(common.picture, options)
images = common.load(options)
count, many, (H, W) = len(images.train), images.train.nouns[1], images.train.images.shape[1:]


# %% The networks
def chain(shape, code, encoder, decoder, *, rng):
    """Return LSTM(encoder), code | LSTM(decoder), an affine map of every step, read forwards."""
    steps, features = shape
    lstm = partial(LSTM, forget_bias=1.0, rng=rng)
    read = [lstm(features, encoder, return_sequences=False)]
    if encoder != code:
        read.append(Dense(encoder, code, rng=rng))
    say = [RepeatVector(steps), lstm(code, decoder)]
    say.append(TimeDistributed(Dense(decoder, features, rng=rng)))
    return Autoencoder(Sequential(*read), Sequential(*say), SquaredError(), input_shape=shape)


def dense(shape, code, hidden, *, rng):
    """Return an autoencoder of all steps at once; its code is not rectified."""
    sizes = (shape[0] * shape[1], *hidden, code)
    encoder, decoder = mlp(sizes, rng=rng), mlp(sizes[::-1], rng=rng)
    return Autoencoder(
        Sequential(Flatten(), *encoder),
        Sequential(*decoder, Reshape(*shape)),
        SquaredError(),
        input_shape=shape,
    )


def networks(shape, code, of):
    """Return functions that make the networks of sines, 0, or of images, 1, given rng; by name."""
    hidden = HIDDEN[of]
    return {
        "blog": partial(keras_seq2seq, shape, code),
        "map": partial(chain, shape, code, code, shape[1]),
        "wide decoder": partial(chain, shape, code, code, hidden),
        "wide encoder": partial(chain, shape, code, hidden, hidden),
        "from the end": partial(seq2seq_autoencoder, shape, code, hidden),
        "dense": partial(dense, shape, code, WIDE[of]),
    }


def trained(name, make, data, seed=0):
    """Return a model and its trainer; weights and order are those that belong to this seed."""
    print(f"\n{name}, seed {options.seed + seed}")
    model = make(rng=np.random.default_rng(options.seed + seed))
    best = SLOWER if name.startswith("dense") and data is images else RATE
    rate = Cosine(best, options.epochs * ceil(len(data.train) / BATCH))
    run = {"seed": options.seed + seed, "batch_size": BATCH, "threads": options.threads}
    trainer = Trainer(model, Adam(rate, clip_norm=float(np.prod(model.input_shape))), **run)
    common.fit(trainer, data, options, f"{name}-{seed}".replace(" ", "-"))
    return model, trainer


def size(model):
    """Return the number of parameters."""
    return sum(p.value.size for p in model.parameters().values())


def spread(found):
    """Return the mean and, of more than one, the standard deviation."""
    return f"{np.mean(found):.4f}" + (f" ± {np.std(found, ddof=1):.4f}" if found[1:] else "")


# %% Sines: five ways with LSTMs, and two that are told everything at once
rng = np.random.default_rng(options.seed)
draw = partial(sines, steps=T, rng=rng)
x = Split(draw(count), draw(len(images.test)))
held, power = x.test, (x.test**2).mean()
lost, parameters, learning, answers = {}, {}, {}, {}
for name, make in networks((T, 1), L, 0).items():
    runs = [trained(name, make, x, seed) for seed in range(SEEDS)]
    models = [model for model, _ in runs]
    lost[name] = [float(((m.reconstruct(held) - held) ** 2).mean() / power) for m in models]
    parameters[name] = size(models[0])
    totals = [[e["validation"]["total"] for e in trainer.history] for _, trainer in runs]
    learning[name] = np.mean(totals, axis=0) / (T * power)
    answers[name] = models[0].reconstruct(held)
pca = PCA(L).fit(x.train)
answers[f"PCA-{L}"] = pca.reconstruct(held)
by_size = pca.errors(held) / (T * power)  # with 0, 1, … components
clipped = float((np.maximum(np.abs(held) - 1, 0) ** 2).mean() / power)

# %% The blog's once more, on the same sines made so small that they lie within its bounds
small = Split(*(SMALL * part for part in x))
quiet, _ = trained("blog, small sines", networks((T, 1), L, 0)["blog"], small)
within = float(((quiet.reconstruct(small.test) - small.test) ** 2).mean() / (SMALL**2 * power))

# %% Sines of one frequency
draw = partial(sines, steps=T, frequencies=(ONE, ONE), rng=rng)
plane = Split(draw(count), draw(len(held)))
one = {"PCA-2": float(PCA(2).fit(plane.train).errors(plane.test)[2])}
for name in ("from the end", "dense"):
    model, _ = trained(f"{name}, one frequency", networks((T, 1), 2, 0)[name], plane)
    one[name] = float(((model.reconstruct(plane.test) - plane.test) ** 2).mean()) * T
one = {name: error / float((plane.test**2).mean()) / T for name, error in one.items()}

# %% The rows of an image
y = images.test.images
pixels = {}
for name, make in networks((H, W), PIXEL_CODE, 1).items():
    if name in ("blog", "from the end", "dense"):
        pixels[name] = [trained(f"{name}, {many}", make, images, k)[0] for k in range(AGAIN)]
pixels[f"PCA-{PIXEL_CODE}"] = [PCA(PIXEL_CODE).fit(images.train.images)]
pictures = {name: [m.reconstruct(y) for m in models] for name, models in pixels.items()}
errors = {name: [float(((z - y / 255) ** 2).mean()) for z in pictures[name]] for name in pixels}

# %% Pictures
print("\nPictures")
few = range(6)
title = f"Held-out sines, and what comes back from {L} numbers: which of them follow?"
made = {name: z[few, :, 0] for name, z in answers.items()}
show("signals", signal_rows(held[few, :, 0], made, lines=(-1, 1), title=title))

epochs = range(1, options.epochs + 1)
words = {"xlabel": "epoch", "ylabel": "share of the square lost, held out"}
lines = {f"PCA-{L}": float(by_size[L])}
title = "What each repair is worth. The mean alone loses 1"
show("learning", curves(epochs, learning, lines=lines, title=title, **words))

words = {"xlabel": "numbers in a code", "ylabel": "share lost, held out"}
picture_errors = pixels[f"PCA-{PIXEL_CODE}"][0].errors(y) / (H * W)
panels = {"sines": {"PCA": {k: [by_size[k]] for k in SIZES[0]}}, many: {}}
panels[many]["PCA"] = {k: [picture_errors[k] / picture_errors[0]] for k in SIZES[1] if k < H * W}
for name in ("blog", "from the end", "dense"):  # in both panels, so that a look is one network
    panels["sines"][name] = {L: lost[name]}
    panels[many][name] = {PIXEL_CODE: np.divide(errors[name], picture_errors[0])}
title = "How many numbers does PCA need for what networks do with few?"
show("sizes", spread_curves(panels, log=True, title=title, **words))

some = common.one_of_each(images.test)
made = {many: y[some]} | {name: z[0][some].clip(0, 1) for name, z in pictures.items()}
title = f"{PIXEL_CODE} numbers an image: LSTMs go row by row, the others see all pixels at once"
show("rows", image_rows(made, title=title))

# %% The tables; ± is one standard deviation over seeds
head = (f"held-out {many}", "parameters", "MSE a pixel", "PCA needs")
rows = []
for name, found in errors.items():
    enough = int(np.argmax(picture_errors <= np.mean(found) + 1e-12))
    weights = None if "PCA" in name else size(pixels[name][0])
    rows.append((name, weights, spread(found), enough))
print(f"\n{common.table(head, rows)}")
pixels = [dict(zip(head, row, strict=True)) for row in rows]

head = ("one frequency, two numbers", "lost")
print(f"\n{common.table(head, [(name, f'{share:.1e}') for name, share in one.items()])}")

head = (f"held-out sines, {L} numbers", "parameters", "lost", "largest answer", "PCA needs")
rows = []
for name, found in lost.items():
    enough = int(np.argmax(by_size <= np.mean(found) + 1e-12))
    largest = float(np.abs(answers[name]).max())
    rows.append((name, parameters[name], spread(found), largest, enough))
largest = float(np.abs(answers[f"PCA-{L}"]).max())
rows.append((f"PCA-{L}", None, spread([by_size[L]]), largest, L))
rows.append(("the signals, cut off at -1 and 1", None, spread([clipped]), 1.0, None))
largest = float(np.abs(quiet.reconstruct(small.test)).max())
rows.append((f"blog, signals times {SMALL}", parameters["blog"], spread([within]), largest, None))
common.report(options, head, rows, seeds=lost, one_frequency=one, images=pixels)
