"""Codes as features: a classifier with few labels on codes, on pixels, on PCA; where PCA wins.

    python -m demos features                two or three minutes on two cores
    python -m demos features --data DIR     the same on the full MNIST, a quarter of an hour

The first motive of the lesson, which never tries it: images are many and labels are few, so learn
a code from all images, and the classes from a few codes. All digits are there to learn a code from,
without their labels; 10, 100 or 1,000 of them, as many of each class, have one. Then two simple
classifiers see the codes of held-out digits: a softmax probe, which can only cut code space with
planes, and the label of the nearest neighbour.

    PCA-32       the best linear code: exact, in a second, with nothing to tune
    AE-32        28×28 -(16)- 14×14 -(32)- 7×7, 32 numbers, and back: convolutions of stride 2
    VAE-32       the same network with a price on codes far from N(0, I); its means are the codes
    lesson-128   the lesson's convolutional autoencoder, 4,385 parameters and 128 numbers
    784 pixels   as they are

What to look at
    labels.png   accuracy over the number of labels. With 10 the draw of the labels (the bars are
                 one standard deviation) matters about as much as the code
    gains.png    the same, less what PCA-32 has from the same labels: what is due to the code
    sizes.png    error on held-out digits over the size of the code. PCA wins with many numbers and
                 few epochs: with --epochs 20 AE-128 overtakes it. lesson-128 loses the most, and
                 is yet the best of all for a probe with many labels, and the worst for neighbours
    the tables   the same in numbers, and each case in which PCA wins
"""

from functools import partial
from itertools import cycle
from math import ceil

import numpy as np

from demos import common
from nnscratch.evaluation.baselines import PCA
from nnscratch.evaluation.metrics import bce, bce_floor, mse
from nnscratch.evaluation.probes import NearestNeighbours, SoftmaxProbe, accuracy, balanced
from nnscratch.layers import Dense, Sequential
from nnscratch.models import Autoencoder
from nnscratch.models.lesson import conv_autoencoder, kvfrans_vae
from nnscratch.optimizers import Adam
from nnscratch.plots import spread_curves
from nnscratch.schedules import Cosine
from nnscratch.training import Trainer

BATCH, RATE, SIZES, L = 128, 5e-3, (2, 8, 32, 128), 32

options = common.begin("features", epochs=8)
SEEDS, DRAWS, EACH = (1, 2, (1, 10)) if options.smoke else (3, 15, (1, 10, 100))
show = partial(common.picture, options)
train, test = data = common.load(options)
x, many, (H, W) = test.images, train.nouns[1], train.images.shape[1:]
D, image = H * W, (1, H, W)
classes, frequent = np.unique(train.labels, return_counts=True)
LABELS = [len(classes) * each for each in EACH if each <= frequent.min()]
NUMBERS = 8 * ceil(H / 8) * ceil(W / 8)  # in a code of the lesson's network
LESSON = f"lesson-{NUMBERS}"


# %% The codes: PCA, and networks of a few seeds
def autoencoder(size, *, rng):
    """Return the VAE's network, with an encoder that says μ alone, and that is the code."""
    *layers, last = (net := kvfrans_vae(size, image=image, rng=rng)).encoder.layers
    code = Dense(last.w.value.shape[1], size, rng=rng)
    return Autoencoder(Sequential(*layers, code), net.decoder, input_shape=image)


def trained(name, make, seed=0):
    """Return a model, trained from the first weights and in the order that belong to this seed."""
    print(f"\n{name}, seed {options.seed + seed}")
    model = common.model_for(make, rng=np.random.default_rng(options.seed + seed))
    rate = Cosine(RATE, options.epochs * ceil(len(train) / BATCH))
    run = {"seed": options.seed + seed, "batch_size": BATCH, "threads": options.threads}
    common.fit(Trainer(model, Adam(rate), **run), data, options, f"{name}-{seed}")
    return model


pca = PCA(L).fit(train.images)
makes = {f"AE-{L}": partial(autoencoder, L), f"VAE-{L}": partial(kvfrans_vae, L, image=image)}
models = {f"PCA-{L}": [pca]}
models |= {name: [trained(name, make, k) for k in range(SEEDS)] for name, make in makes.items()}
models[LESSON] = [trained(LESSON, partial(conv_autoencoder, image=image))]
coders = {"PCA": {k: [pca.first(k)] for k in sorted({*SIZES, NUMBERS})}, "AE": {}}
for k in SIZES:
    coders["AE"][k] = models.get(f"AE-{k}") or [trained(f"AE-{k}", partial(autoencoder, k))]
coders |= {"VAE": {L: models[f"VAE-{L}"]}, "lesson": {NUMBERS: models[LESSON]}}

# %% Accuracy: the same draws of labels for all codes; the networks of several seeds take turns
codes = {}
for name, versions in models.items():
    pairs = ([model.encode(d.images) for d in data] for model in versions)
    codes[name] = [[z.reshape(len(z), -1).astype(np.float32) for z in pair] for pair in pairs]
codes[f"{D} pixels"] = [[d.images.reshape(len(d), -1) / np.float32(255) for d in data]]
rng = np.random.default_rng(options.seed)
draws = {n: [balanced(train.labels, n, rng=rng) for _ in range(DRAWS)] for n in LABELS}
classifiers = {"softmax probe": SoftmaxProbe, "nearest neighbour": partial(NearestNeighbours, 1)}


def score(make, version, rows=slice(None)):
    """Return the per cent of held-out digits that a classifier gets right."""
    classifier = make().fit(version[0][rows], train.labels[rows])
    return 100 * accuracy(classifier.predict(version[1]), test.labels)


right, gains = {}, {}
for kind, make in classifiers.items():
    found = right[kind] = {}
    for name, versions in codes.items():
        found[name] = {
            count: [score(make, version, rows) for version, rows in zip(cycle(versions), each)]
            for count, each in draws.items()
        }
        found[name][len(train)] = [score(make, version) for version in versions]
    gains[kind] = {
        name: {count: np.subtract(its[count], found[f"PCA-{L}"][count]) for count in its}
        for name, its in found.items()
    }

# %% Error over the size of the code
measures = {"MSE a pixel": mse, "BCE a pixel": lambda x, y: bce(x, y) / D}
errors = {
    measure: {
        name: {k: [f(x, m.reconstruct(x)) for m in each] for k, each in sizes.items()}
        for name, sizes in coders.items()
    }
    for measure, f in measures.items()
}

# %% Pictures
print("\nPictures")
words = {"xlabel": "labels", "ylabel": f"held-out {many} classified right, %"}
title = f"How much does a code help when labels are few? Bars: one deviation over {DRAWS} draws"
show("labels", spread_curves(right, title=title, **words))

words |= {"ylabel": f"points ahead of PCA-{L}, which has the same labels"}
title = "Draw by draw: what is above the line of PCA, what is below, and is it by chance?"
show("gains", spread_curves(gains, title=title, **words))

floor = {"perfect pixels": bce_floor(x) / D}
title = f"What is lost of held-out {many}: where is the line of PCA the lower one?"
words = {"xlabel": "numbers in a code", "lines": {"BCE a pixel": floor}}
show("sizes", spread_curves(errors, log=True, title=title, **words))

# %% Where PCA wins, in the mean
wins = []
for kind, by_name in gains.items():
    for name in models:
        for count, gain in by_name[name].items():
            if (mean := np.mean(gain)) < 0:
                often = f"ahead in {(gain < 0).sum()} of {len(gain)} trials"
                wins.append(f"{kind}, {count:,} labels: {-mean:.1f} points over {name}, {often}")
for measure, by_name in errors.items():
    for name, sizes in by_name.items():
        for k, its in sizes.items():
            if (least := by_name["PCA"][k][0]) < (mean := np.mean(its)):
                wins.append(f"{measure}, {k} numbers: {least:.4f}, {name}-{k} {mean:.4f}")
print("\nPCA wins" + "".join(f"\n    {win}" for win in wins or ["nowhere"]))

# %% The tables; ± is one standard deviation. PCA is clipped to [0.001, 0.999] for its cross-entropy
pca_errors = pca.errors(x) / D  # with 0, 1, … components
head = (f"held-out {many}", *measures, "PCA needs")
lost = []
for name, sizes in coders.items():
    for k in sizes:
        both = [float(np.mean(errors[measure][name][k])) for measure in measures]
        lost.append((f"{name}-{k}", *both, int(np.argmax(pca_errors <= both[0] + 1e-12))))
print(f"\n{common.table(head, [*lost, ('perfect pixels', 0.0, *floor.values(), None)])}")


def spread(found):
    """Return the mean and, of more than one, the standard deviation."""
    return f"{np.mean(found):.1f}" + (f" ± {np.std(found, ddof=1):.1f}" if found[1:] else "")


rows = [
    (f"{kind}: {name}", *map(spread, found.values()))
    for kind, by_name in right.items()
    for name, found in by_name.items()
]
counts = [f"{count:,} labels" for count in (*LABELS, len(train))]
details = {"accuracy": right, "errors": errors, "pca_wins": wins}
common.report(options, ("held-out accuracy, %", *counts), rows, **details)
