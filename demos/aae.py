"""An adversarial autoencoder: codes that take the shape of any prior, forced by an opponent.

    python -m demos aae                    a minute on two cores: Gaussian and ring side by side
    python -m demos aae --prior mixture    another second prior: gaussian, ring or mixture
    python -m demos aae --network lesson   the lesson's, 784-1000-1000-1000-150: several minutes

A VAE's prior is pulled in by a formula, the KL. Here it is a second network, the discriminator D,
that learns to tell codes from draws of the prior, while the encoder learns to be taken for one.
The prior needs no density, only draws, so it may have any shape.

The lesson's notebook never steps D's optimiser, and prints what a D that says nothing must print:
1.39 = 2 log 2 and 0.69 = log 2. The third network here is trained so, from the same start.

What to look at
    latent.png           the codes lie where the prior does (grey), if not evenly; with an untrained
                         D they lie where they like, on a scale ten times as large
    accuracy.png         D finds out at once, then the encoder follows and it is hard put to guess;
                         the untrained D guesses from the first step to the last
    axes.png             an axis of the codes against the Gaussian that it should follow
    samples.png          the prior decoded; with an untrained D all draws fall into one corner of
                         the codes, and decode to one or two kinds of digit
    reconstructions.png  what the shape costs: the untrained D asks for nothing, and is a plain
                         autoencoder; its digits are the best, and its samples the worst
    the table            BCE; mean, covariance and kurtosis of the codes against the prior's; D
"""

from functools import partial

import numpy as np

from demos import common
from nnscratch.evaluation.baselines import PCA
from nnscratch.evaluation.metrics import bce, bce_floor
from nnscratch.models import AdversarialAutoencoder
from nnscratch.models.adversarial import gaussian, mixture, ring
from nnscratch.models.lesson import mlp
from nnscratch.optimizers import Adam
from nnscratch.plots import code_panels, curves, histograms, image_rows
from nnscratch.training.adversarial import AdversarialTrainer

PRIORS = {"gaussian": gaussian, "ring": ring, "mixture": mixture}
NETWORKS = {"small": ((256,), 2, (64, 64)), "lesson": ((1000,) * 3, 150, (500,) * 4)}
RATES, WEIGHT = {"small": (1e-3, 1e-3), "lesson": (3e-4, 3e-5)}, 10.0  # a large D learns too fast

own = {
    "--prior": {"choices": PRIORS, "default": "ring", "help": "beside the Gaussian one"},
    "--network": {"choices": NETWORKS, "default": "small", "help": "hidden layers, codes and D"},
}
options = common.begin("aae", epochs=20, own=own)
second, (rate, rate_of_judge) = options.prior, RATES[options.network]
hidden, L, judge = NETWORKS[options.network]
show = partial(common.picture, options)
train, test = data = common.load(options)
x, (one, many) = test.images, train.nouns
D = x[0].size

# %% Three duels: the same networks, the same start
runs = {"gaussian": (gaussian, rate_of_judge), second: (PRIORS[second], rate_of_judge)}
runs["gaussian, D untrained"] = (gaussian, 0.0)
models, codes, draws, histories = {}, {}, {}, {}
for name, (prior, rate_of_d) in runs.items():
    print(name)
    rng = np.random.default_rng(options.seed)
    model = AdversarialAutoencoder(
        mlp((D, *hidden, L), rng=rng),
        mlp((L, *hidden, D), rng=rng),
        mlp((L, *judge, 1), rng=rng),
        input_shape=(D,),
        prior=prior,
        weight=WEIGHT,
    )
    model.discriminator.layers[-1].w.value[...] = 0  # D says nothing at first
    run = {"seed": options.seed, "threads": options.threads}
    trainer = AdversarialTrainer(model, Adam(rate), Adam(rate_of_d, beta1=0.5), **run)
    common.fit(trainer, data, options, name.replace(", ", "-").replace(" ", "-"))
    models[name], codes[name], histories[name] = model, model.encode(x), trainer.history
    draws[name] = prior(L, len(x), rng=rng, dtype=model.dtype).T
    print()

# %% Pictures
title = f"Codes of held-out {many} on draws of the prior (grey): do they have its shape?"
two, of = ({n: z[:, :2] for n, z in group.items()} for group in (codes, draws))
show("latent", code_panels(two, test.labels, draws=of, classes=test.classes, title=title))

accuracies = {n: [row["train"]["accuracy"] for row in h] for n, h in histories.items()}
epochs = range(1, options.epochs + 1)
title = "How often D is right: it starts well above a guess, then the encoder catches up"
words = {"xlabel": "epoch", "ylabel": "accuracy of D", "lines": {"a guess": 0.5}}
show("accuracy", curves(epochs, accuracies, title=title, **words))

values = {"codes": codes["gaussian"][:, 0], "draws of the prior": draws["gaussian"][:, 0]}
title = "The first axis of the codes: with a D that plays it is nearly a Gaussian of width 1"
show("axes", histograms(values, xlabel="$z_1$", title=title))

samples = {
    n: m.sample(12, rng=np.random.default_rng(options.seed)).reshape(12, *x.shape[1:])
    for n, m in models.items()
}
title = f"Decoded draws from each prior: how many look like {many}, and of how many kinds?"
show("samples", image_rows(samples, title=title))

some = common.one_of_each(test)
pictures = {n: m.reconstruct(x).reshape(x.shape) for n, m in models.items()}
title = f"{L} numbers each: a plain autoencoder may put them where it likes"
show(
    "reconstructions",
    image_rows({one: x[some]} | {n: y[some] for n, y in pictures.items()}, title=title),
)


# %% The table
def moments(z):
    """Return |mean|, variances and correlation of the first two axes, the mean kurtosis of all."""
    c, d = np.cov(z.T, dtype=np.float64), z - z.mean(axis=0)
    kurtosis = float(((d**4).mean(axis=0) / (d**2).mean(axis=0) ** 2).mean())
    mean = float(np.linalg.norm(z.mean(axis=0)))
    correlation = float(c[0, 1] / np.sqrt(c[0, 0] * c[1, 1]))
    return mean, float(c[0, 0]), float(c[1, 1]), correlation, kurtosis


head = (f"held-out {many}", "BCE, nats", "|mean|", "var z1", "var z2", "correlation", "kurtosis")
head += ("D right, epoch 1", "D right, last", "D's loss")
rows = []
for name in runs:
    first, last = (histories[name][i]["validation"] for i in (0, -1))
    opponent = (first["accuracy"], last["accuracy"], last["discriminator"])
    rows.append((name, last["reconstruction"], *moments(codes[name]), *opponent))
for name in ("gaussian", second):
    rows.append((f"draws, {name}", None, *moments(draws[name]), None, None, None))
rest = (None,) * 8
rows.append((f"PCA-{L}", bce(x, PCA(L).fit(train.images).reconstruct(x)), *rest))
rows.append(("perfect pixels", bce_floor(x), *rest))
common.report(options, head, rows, prior=second, network=options.network, history=histories)
