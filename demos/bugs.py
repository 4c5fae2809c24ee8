"""A museum of bugs: five that people ship, what each does, and the check that catches it.

    python -m demos bugs                  a minute on two cores
    python -m demos bugs --only stop      one of them: sigma, scale, averaged, stop or saturated

Every exhibit is real: the lesson's notebooks have 2, 3 (by a page they link to) and nearly 4;
numpy-ml has 1. None is a wrong derivative: each trains, its loss falls, and a gradient check, which
compares a backward with its own forward, finds them right. A check has to ask another question.
Each is a switch, thrown here in both ways; demos/_exhibits.py has the two sides and the check.

What to look at
    sigma.png            1 σ = exp(log σ²): asked for a standard deviation of 2, draws have 4
    scale.png            2 log σ charged as if it were log σ²: what a narrow code pays and should
    averaged.png         3 the BCE averaged over pixels, the KL summed: that is a weight of 784, and
                         every digit decodes to the same grey cloud
    stop.png             4 D takes the gradient that was on its way to the encoder: it works against
                         itself, is soon no better than a guess, and the codes do as they like
    saturated.png        5 probabilities clipped before the logarithm: the more wrong, the less is
                         learned, and at the very wrong end nothing
    the table            a number with and without each bug, the check, and its verdict on both
"""

from functools import partial
from math import ceil, log

import numpy as np

from demos import common
from demos._exhibits import BUGS, DRAWS, LogSigmaVAE, deviation, duel
from nnscratch.evaluation import active_units
from nnscratch.gradcheck import gradcheck
from nnscratch.likelihoods import SquaredError
from nnscratch.losses import gaussian_kl
from nnscratch.models.lesson import dense_vae, mlp
from nnscratch.optimizers import Adam
from nnscratch.plots import curves, histograms, image_rows
from nnscratch.schedules import Cosine
from nnscratch.training import Trainer

BATCH, RATE = 128, 3e-3

own = {"--only": {"choices": BUGS, "help": "show this one alone; default all"}}
options = common.begin("bugs", epochs=8, own=own)
show = partial(common.picture, options)
train, test = data = common.load(options)
x, (one, many) = test.images, train.nouns
D = x[0].size


def learn(model, name):
    """Train a VAE and return what it came to on held-out digits."""
    print(name)
    rate = Cosine(RATE, options.epochs * ceil(len(train) / BATCH))
    run = {"seed": options.seed, "batch_size": BATCH, "threads": options.threads}
    trainer = Trainer(model, Adam(rate), **run)
    common.fit(trainer, data, options, name.replace(" ", "-"))
    return trainer.history[-1]["validation"]


# %% What each does: a picture, and a number with the right version and with the wrong one
def sigma(right, wrong):
    """Draw from N(0, 2²) with both."""
    rng = np.random.default_rng(options.seed)
    eps = rng.standard_normal((2, 3))
    passed = gradcheck(lambda mu, s: wrong(mu, s, eps), (2, 3), (2, 3), rng=rng).ok
    print(f"a gradient check of it says {'ok' if passed else 'FAILED'}")
    mu, logvar = np.zeros((1, DRAWS)), np.full((1, DRAWS), log(4))
    samplers = {"σ = exp(½ log σ²)": right, "σ = exp(log σ²)": wrong}
    draws = {}
    for name, sampler in samplers.items():
        draws[name], _ = sampler(mu, logvar, rng.standard_normal((1, DRAWS)))
    title = "Asked for log σ² = log 4, that is for σ = 2"
    show("sigma", histograms(draws, xlabel="z", title=title))
    return "std asked to be 2", deviation(right), deviation(wrong)


def scale(*scales):
    """Train the lesson's VAE with both; compare the loss that it prints with what it costs."""
    excess = []
    for factor in scales:
        rng = np.random.default_rng(options.seed)
        parts = (mlp((D, 512, 4), rng=rng), mlp((2, 512, D), rng=rng), 2, SquaredError())
        model = LogSigmaVAE(*parts, input_shape=(D,))
        model.scale = factor
        terms = learn(model, f"scale {factor}")
        mu, s = (a.T.copy() for a in model.posterior(x))
        printed, true = terms["total"], terms["reconstruction"] + gaussian_kl(mu, 2 * s)[0]
        excess.append(printed - true)
    sigma = np.geomspace(0.02, 2, 60)
    nats = {
        "charged: ½ (σ - 1 - log σ)": (sigma - 1 - np.log(sigma)) / 2,
        "true: ½ (σ² - 1 - log σ²)": (sigma**2 - 1 - 2 * np.log(sigma)) / 2,
    }
    title = f"The loss that it prints is {printed:.1f}, and that of its own draws is {true:.1f}"
    words = {"xlabel": "σ of a code", "ylabel": "KL, nats", "log": True}
    show("scale", curves(sigma, nats, title=title, **words))
    return "loss it prints, less the true one", *excess


def averaged(*likelihoods):
    """Train the lesson's VAE with both, and reconstruct."""
    some = common.one_of_each(test)
    pictures, nats, units = {one: x[some]}, [], []
    for name, likelihood in zip(("summed", "averaged"), likelihoods, strict=True):
        rng = np.random.default_rng(options.seed)
        model = dense_vae((512,), 2, likelihood=likelihood, pixels=D, rng=rng)
        nats.append(learn(model, name)["kl"])
        pictures[name] = model.reconstruct(x[some]).reshape(x[some].shape)
        units.append(int(active_units(model.encode(x)).sum()))
    title = f"Averaged over pixels the KL outweighs the image: {units[1]} of 2 dimensions in use"
    show("averaged", image_rows(pictures, title=title))
    return "KL, nats an image", *nats


def stop(*stops):
    """Train an adversarial autoencoder with both; look at D and at the codes."""
    accuracies, variances = {}, []
    for name, switch in zip(("with the stop", "without"), stops, strict=True):
        print(name)
        adams = (Adam(1e-3), Adam(1e-3, beta1=0.5))
        trainer = duel(switch, adams, pixels=D, seed=options.seed, threads=options.threads)
        common.fit(trainer, data, options, f"stop-{name.replace(' ', '-')}")
        accuracies[name] = [row["train"]["accuracy"] for row in trainer.history]
        variances.append(float(trainer.model.encode(x).var(axis=0).mean()))
    title = "The variance of the codes should be 1: {:.2f} with the stop, {:.2f} without"
    words = {"xlabel": "epoch", "ylabel": "accuracy of D", "lines": {"a guess": 0.5}}
    epochs = range(1, options.epochs + 1)
    show("stop", curves(epochs, accuracies, title=title.format(*variances), **words))
    return "variance of codes, 1 is right", *variances


def saturated(*losses):
    """Follow the gradients of both from where a network is sure of paper, and there is ink."""

    def learned(loss):
        a, ink = np.full((1, 1), -20, np.float32), np.ones((1, 1), np.float32)
        for _ in range(100):
            a = a - loss(a, ink)[1]
        return float(a[0, 0])

    logits = np.linspace(-25, 5, 121, dtype=np.float32)[None, :]
    slopes = {
        name: (loss(logits, np.ones_like(logits))[1] * logits.size)[0]
        for name, loss in zip(("from logits", "clipped"), losses, strict=True)
    }
    title = "Ink where the network is sure of paper (left): how strong is the gradient?"
    words = {"xlabel": "logit", "ylabel": "gradient of the loss"}
    show("saturated", curves(logits[0], slopes, title=title, **words))
    return "logit after 100 steps from -20", *map(learned, losses)


# %% One after the other, and what the check says of both versions
rows, failed = [], False
for i, effect in enumerate((sigma, scale, averaged, stop, saturated), 1):
    if options.only in (None, effect.__name__):
        bug = BUGS[effect.__name__]
        verdicts = ["ok" if bug.check(version) else "CAUGHT" for version in (bug.right, bug.wrong)]
        failed |= verdicts != ["ok", "CAUGHT"]
        print(f"{i} {bug.name}")
        rows.append((f"{i} {bug.name}", *effect(bug.right, bug.wrong), bug.question, *verdicts))
        print(f"{bug.question}: right {verdicts[0]}, wrong {verdicts[1]}\n")

# %% The table
head = ("bug", "number", "right", "with the bug", "check", "of the right", "of the bug")
common.report(options, head, rows)
if failed:
    raise SystemExit(1)
