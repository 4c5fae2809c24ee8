"""A conditional VAE: given which digit it is, the code is left with how it is written.

    python -m demos cvae                  a minute on two cores
    python -m demos cvae --latent 10      more room than style needs: sharper, and less clean

Encoder and decoder are both given the class, as ten more inputs of which one is 1. A code that
repeated the class would pay KL for what the decoder knows already, so it does not: what is left in
z is style; two numbers of it are slant and width. Ask for a 7 and draw a z: that is how one asks a
model for a digit. Nothing forbids a longer code to say the class too, where that is cheap: with ten
numbers a hand that wrote a 5 can no longer write a 4.

What to look at
    classes.png          a row for each digit asked for, a column for each z: one hand a column
    transfer.png         one written digit, and all ten with its slant; some 1s are ghosts,
                         for nobody writes a wide 1
    latent.png           the codes by class: the VAE's keep apart, the conditional VAE's are mixed
    losses.png           the KL of a code that need not say the class is smaller, and so is the BCE
    the table            BCE + KL of both, with codes of one length; how well a classifier too
                         simple to find what is not there reads the class off z: 0.1 is a guess
"""

from functools import partial
from math import ceil

import numpy as np

from demos import common
from nnscratch.evaluation.baselines import PCA
from nnscratch.evaluation.metrics import bce, bce_floor, mse
from nnscratch.evaluation.probes import SoftmaxProbe, accuracy
from nnscratch.models import ConditionalVAE
from nnscratch.models.lesson import dense_vae, mlp
from nnscratch.optimizers import Adam
from nnscratch.plots import image_rows, latent_panels, loss_curves
from nnscratch.schedules import Cosine
from nnscratch.training import Trainer

BATCH, RATE, HIDDEN = 128, 3e-3, 512

options = common.begin("cvae", epochs=20, latent=2, least=2)
rng = np.random.default_rng(options.seed)
L = options.latent
show = partial(common.picture, options)
train, test = data = common.load(options)
x = test.images
(one, many), (H, W) = train.nouns, train.images.shape[1:]
classes = np.unique(train.labels)
D, K = H * W, int(classes[-1]) + 1

# %% A VAE, and one that is given the class
plain = dense_vae((HIDDEN,), L, pixels=D, rng=rng)
model = ConditionalVAE(
    mlp((D + K, HIDDEN, 2 * L), rng=rng),
    mlp((L + K, HIDDEN, D), rng=rng),
    L,
    classes=K,
    input_shape=(D,),
)
trainers = {}
for name, each in (("VAE", plain), ("conditional", model)):
    print(name)
    rate = Cosine(RATE, options.epochs * ceil(len(train) / BATCH))
    run = {"seed": options.seed, "batch_size": BATCH, "threads": options.threads}
    trainers[name] = Trainer(each, Adam(rate), **run)
    common.fit(trainers[name], data, options, name)
    print()

# %% Pictures
codes = np.repeat(rng.standard_normal((1, 10, L), np.float32), len(classes), axis=0)
asked = np.repeat(classes, 10)
images = model.decode(codes.reshape(-1, L), asked).reshape(-1, 10, H, W)
rows = {train.class_name(k): row for k, row in zip(classes, images, strict=True)}
title = "A row for each class asked for, a column for each z: is a column of one style?"
show("classes", image_rows(rows, title=title))

some = common.one_of_each(test)
restyled = model.restyle(x[some], test.labels[some]).reshape(-1, K, H, W)[:, classes]
rows = {
    f"held out: {test.class_name(test.labels[n])}": np.concatenate([x[n][None] / 255, images])
    for n, images in zip(some, restyled, strict=True)
}
title = f"First column: a held-out {one}. To its right one of every class with its style"
show("transfer", image_rows(rows, title=title))

means = {"VAE": plain.encode(x), "conditional": model.encode(x, test.labels)}
title = "Mean codes: the VAE's say the class, those of the conditional VAE need not"
if L > 2:
    title += f" (two of {L} dimensions)"
show(
    "latent",
    latent_panels(
        {n: z[:, :2] for n, z in means.items()},
        test.labels,
        prior=True,
        classes=test.classes,
        title=title,
    ),
)

pca = PCA(L).fit(train.images)
by_pca = bce(x, pca.reconstruct(x))
total = trainers["VAE"].history[-1]["validation"]
lines = {name: {"the VAE's": total[name]} for name in total}
title = "The conditional VAE, and what the VAE came to"
show("losses", loss_curves(trainers["conditional"].history, baselines=lines, title=title))


# %% The table: the class is read off z by logistic regression
def readable(codes, codes_of_test):
    """Return how often the class is guessed right from a code."""
    probe = SoftmaxProbe().fit(codes, train.labels)
    return accuracy(probe.predict(codes_of_test), test.labels)


learned = {
    "VAE": plain.encode(train.images),
    "conditional": model.encode(train.images, train.labels),
}
pictures = {"VAE": plain.reconstruct(x), "conditional": model.reconstruct(x, test.labels)}
head = (f"held-out {many}", "BCE, nats an image", "KL, nats an image", "BCE + KL", "MSE a pixel")
head += ("class read off z",)
table = []
for name in trainers:
    terms = trainers[name].history[-1]["validation"]
    nats = (terms["reconstruction"], terms["kl"], terms["total"])
    table.append((name, *nats, mse(x, pictures[name]), readable(learned[name], means[name])))
read = readable(pca.encode(train.images), pca.encode(x))
table.append((f"PCA-{L}", by_pca, None, None, mse(x, pca.reconstruct(x)), read))
table.append(("perfect pixels", bce_floor(x), None, None, 0.0, None))
common.report(options, head, table)
