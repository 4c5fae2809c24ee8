"""A museum of bugs: five that people ship, what each does, and the check that catches it.

    python -m demos bugs                  a minute on two cores

Every exhibit is real: the lesson's notebooks have 2, 3 (by a page they link to) and nearly 4;
numpy-ml has 1. None is a wrong derivative: each trains, its loss falls, and a gradient check, which
compares a backward with its own forward, finds them right. A check has to ask another question.

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
from math import ceil, exp, log

import numpy as np

from demos import common
from nnscratch.adversarial import AdversarialTrainer
from nnscratch.core import check
from nnscratch.evaluation import active_units
from nnscratch.gradcheck import gradcheck
from nnscratch.layers import GaussianSample
from nnscratch.layers.activations import sigmoid
from nnscratch.likelihoods import Bernoulli, SquaredError
from nnscratch.losses import bernoulli_nll, gaussian_kl
from nnscratch.models import VAE, AdversarialAutoencoder
from nnscratch.models.lesson import PIXELS, dense_vae, mlp
from nnscratch.optimizers import SGD, Adam
from nnscratch.plots import curves, histograms, image_rows
from nnscratch.schedules import Cosine
from nnscratch.training import Trainer

BATCH, RATE, DRAWS, CLIP = 128, 3e-3, 100_000, np.float32(1e-7)

options = common.begin("bugs", __doc__, epochs=8)
rng = np.random.default_rng(options.seed)
show = partial(common.picture, options)
train, test = data = common.load(options)
x = test.images
rows, failed = [], False


def exhibit(bug, number, healthy, sick, question, judge, versions):
    """Enter a bug into the table, with a check's verdict on the right and the wrong version."""
    global failed
    verdicts = ["ok" if judge(version) else "CAUGHT" for version in versions]
    failed |= verdicts != ["ok", "CAUGHT"]
    rows.append((bug, number, healthy, sick, question, *verdicts))
    print(f"{bug}: {question}: right {verdicts[0]}, wrong {verdicts[1]}\n")


def learn(model, name):
    """Train a VAE and return what it came to on held-out digits."""
    print(name)
    rate = Cosine(RATE, options.epochs * ceil(len(train) / BATCH))
    run = {"seed": options.seed, "batch_size": BATCH, "threads": options.threads}
    trainer = Trainer(model, Adam(rate), **run)
    common.fit(trainer, data, options, name.replace(" ", "-"))
    return trainer.history[-1]["validation"]


# %% 1 σ = exp(log σ²)
def sample_variance(mu, logvar, eps):
    """Return z = μ + σ² ε, with its exact derivative."""
    noise = np.exp(logvar) * eps

    def backward(dz):
        check("dz", dz, mu.shape, mu.dtype)
        return dz.copy(), dz * noise

    return mu + noise, backward


def deviation(sample):
    """Return the standard deviation of many draws."""
    shape = (1, DRAWS)
    eps = np.random.default_rng(0).standard_normal(shape)
    return float(sample(np.zeros(shape), np.full(shape, log(4)), eps)[0].std())


samplers = {"σ = exp(½ log σ²)": GaussianSample().forward, "σ = exp(log σ²)": sample_variance}
right, wrong = samplers.values()
eps = rng.standard_normal((2, 3))
passed = gradcheck(lambda mu, s: sample_variance(mu, s, eps), (2, 3), (2, 3), rng=rng).ok
print(f"1 a gradient check of it says {'ok' if passed else 'FAILED'}")
draws = {
    n: f(*np.full((2, 1, DRAWS), [[[0]], [[log(4)]]]), rng.standard_normal((1, DRAWS)))[0]
    for n, f in samplers.items()
}
show("sigma", histograms(draws, xlabel="z", title="Asked for log σ² = log 4, that is for σ = 2"))
exhibit(
    "1 σ = exp(log σ²)",
    "std asked to be 2",
    deviation(right),
    deviation(wrong),
    "moments of the draws",
    lambda f: abs(deviation(f) - 2) < 5 * 2 / np.sqrt(2 * DRAWS),
    (right, wrong),
)


# %% 2 log σ charged as log σ²
class LogSigmaVAE(VAE):
    """The encoder returns μ and s = log σ; `scale` is what the KL takes 1 s for: 2 is right."""

    scale = 2

    def bound(self, x, seen, condition=None, *, rng):
        """Return the terms of L by name, and a backward that adds weight · ∂L/∂θ."""
        L, scale = self.latent_dim, self.scale
        h, encoder_backward = self.encoder.forward(seen)
        mu, s = h[:L], h[L:]
        z, sample_backward = GaussianSample().forward(
            mu, 2 * s, rng.standard_normal(s.shape, s.dtype)
        )
        a, decoder_backward = self.decoder.forward(z)
        reconstruction, da = self.likelihood.nll(a, x)
        kl, (dmu_kl, dlogvar_kl) = gaussian_kl(mu, scale * s)

        def backward(weight=1.0):
            dmu, dlogvar = sample_backward(decoder_backward(weight * da))
            ds = 2 * dlogvar + weight * scale * dlogvar_kl
            encoder_backward(np.concatenate([dmu + weight * dmu_kl, ds]), need_dx=False)

        return {"total": reconstruction + kl, "reconstruction": reconstruction, "kl": kl}, backward


def kl_of_draws(scale, s=-2.0):
    """Return the KL charged to a code, and that of the draws which this code makes."""
    z = 0.3 + exp(s) * np.random.default_rng(0).standard_normal(DRAWS)
    charged = gaussian_kl(np.full((1, 1), 0.3), np.full((1, 1), scale * s))[0]
    return charged, float(z.mean() ** 2 + z.var() - 1 - np.log(z.var())) / 2


def lessons(scale):
    """Return the loss that a VAE prints, and the one that its draws cost."""
    rng = np.random.default_rng(options.seed)
    parts = (mlp((PIXELS, 512, 4), rng=rng), mlp((2, 512, PIXELS), rng=rng), 2, SquaredError())
    model = LogSigmaVAE(*parts, input_shape=(PIXELS,))
    model.scale = scale
    terms = learn(model, f"2 scale {scale}")
    mu, s = (a.T.copy() for a in model.posterior(x))
    return terms["total"], terms["reconstruction"] + gaussian_kl(mu, 2 * s)[0]


(_, honest), (printed, true) = lessons(2), lessons(1)
sigma = np.geomspace(0.02, 2, 60)
nats = {
    "charged: ½ (σ - 1 - log σ)": (sigma - 1 - np.log(sigma)) / 2,
    "true: ½ (σ² - 1 - log σ²)": (sigma**2 - 1 - 2 * np.log(sigma)) / 2,
}
title = f"The loss that it prints is {printed:.1f}, and that of its own draws is {true:.1f}"
show("scale", curves(sigma, nats, xlabel="σ of a code", ylabel="KL, nats", log=True, title=title))
exhibit(
    "2 log σ as log σ²",
    "loss it prints, less the true one",
    0.0,
    printed - true,
    "KL against that of the draws",
    lambda c: abs(np.subtract(*kl_of_draws(c))) < 0.02,
    (2, 1),
)


# %% 3 averaged over pixels, summed over latent dimensions
class Averaged(Bernoulli):
    """The cross-entropy a pixel, where the library has that of an image."""

    def nll(self, a, t):
        """Return the mean over pixels and batch, and its gradient in a."""
        value, da = super().nll(a, t)
        return value / len(a), da / a.dtype.type(len(a))


def sums_over_features(likelihood):
    """Is the loss of an image with every pixel twice twice the loss?"""
    a, t = rng.standard_normal((9, 4)), rng.random((9, 4))
    twice = likelihood.nll(np.concatenate([a, a]), np.concatenate([t, t]))[0]
    return bool(np.isclose(twice, 2 * likelihood.nll(a, t)[0]))


pictures, used, some = {"digit": x[common.one_of_each(test)]}, [], common.one_of_each(test)
for name, likelihood in (("summed", Bernoulli()), ("averaged", Averaged())):
    model = dense_vae((512,), 2, likelihood=likelihood, rng=rng)
    used.append(learn(model, f"3 {name}")["kl"])
    pictures[name] = model.reconstruct(x)[some]
    units = int(active_units(model.encode(x)).sum())
title = f"Averaged over pixels the KL outweighs the image: {units} of 2 dimensions are in use"
show("averaged", image_rows(pictures, title=title))
exhibit(
    "3 pixels averaged",
    "KL, nats an image",
    *used,
    "twice the pixels, twice the loss",
    sums_over_features,
    (Bernoulli(), Averaged()),
)


# %% 4 no stop
def duel(stop, rates, **run):
    """Return the trainer of an adversarial autoencoder, with the stop or without."""
    rng = np.random.default_rng(options.seed)
    nets = (mlp(sizes, rng=rng) for sizes in ((PIXELS, 128, 2), (2, 128, PIXELS), (2, 64, 64, 1)))
    model = AdversarialAutoencoder(*nets, input_shape=(PIXELS,), weight=10.0)
    run = {"seed": options.seed, "threads": options.threads} | run
    return AdversarialTrainer(model, *rates, stop=stop, **run)


def steps_down_its_own_loss(stop):
    """Does D, at rate 1 and its opponent at rate 0, move by minus the gradient of its own loss?"""
    t = duel(stop, (SGD(0.0), SGD(1.0)), lanes=1, batch_size=64)
    batch, before = np.arange(64), t.lanes.theta.value.copy()
    t.gradient(train.images, batch, "discriminator_loss", 3)
    own = t.lanes.grads.sum(axis=0)
    t.lanes.grads[...] = 0
    t.learn(train.images, batch)
    return bool(np.allclose((before - t.lanes.theta.value)[t.border :], own[t.border :], atol=1e-5))


accuracies, variances = {}, []
for name, stop in (("with the stop", True), ("without", False)):
    print(f"4 {name}")
    trainer = duel(stop, (Adam(1e-3), Adam(1e-3, beta1=0.5)))
    common.fit(trainer, data, options, f"4-{name.replace(' ', '-')}")
    accuracies[name] = [row["train"]["accuracy"] for row in trainer.history]
    variances.append(float(trainer.model.encode(x).var(axis=0).mean()))
title = "The variance of the codes should be 1: {:.2f} with the stop, {:.2f} without"
words = {"xlabel": "epoch", "ylabel": "accuracy of D", "lines": {"a guess": 0.5}}
show(
    "stop",
    curves(range(1, options.epochs + 1), accuracies, title=title.format(*variances), **words),
)
exhibit(
    "4 no stop before D",
    "variance of codes, 1 is right",
    *variances,
    "D steps down its own loss",
    steps_down_its_own_loss,
    (True, False),
)


# %% 5 clipped probabilities
def clipped_bce(a, t):
    """Return the BCE of clipped probabilities, and its exact gradient: 0 where it clips."""
    p = sigmoid(a)
    q = p.clip(CLIP, 1 - CLIP)
    value = -(t * np.log(q) + (1 - t) * np.log(1 - q)).sum() / a.shape[-1]
    return float(value), np.where(p == q, p - t, 0).astype(a.dtype) / a.shape[-1]


def right_at_the_ends(loss):
    """Is the loss of ink where the logit is a = -100 … 100 that of float64, log(1 + exp -a)?"""
    a = np.linspace(-100, 100, 201, dtype=np.float32)[:, None]
    got = [loss(row[None], np.ones((1, 1), np.float32))[0] for row in a]
    return bool(np.allclose(got, np.logaddexp(0, -a[:, 0].astype(float)), rtol=1e-5, atol=1e-6))


def learned(loss, a=-20.0):
    """Return a logit after 100 steps towards ink, from where a network was sure of paper."""
    a, t = np.full((1, 1), a, np.float32), np.ones((1, 1), np.float32)
    for _ in range(100):
        a = a - loss(a, t)[1]
    return float(a[0, 0])


logits, ink = np.linspace(-25, 5, 121, dtype=np.float32)[None, :], np.ones((1, 121), np.float32)
slopes = {
    name: (loss(logits, ink)[1] * 121)[0]
    for name, loss in (("from logits", bernoulli_nll), ("clipped", clipped_bce))
}
title = "Ink where the network is sure of paper (left): how strongly is it told?"
show(
    "saturated",
    curves(logits[0], slopes, xlabel="logit", ylabel="gradient of the loss", title=title),
)
exhibit(
    "5 clipped BCE",
    "logit after 100 steps from -20",
    learned(bernoulli_nll),
    learned(clipped_bce),
    "value at logits ±100",
    right_at_the_ends,
    (bernoulli_nll, clipped_bce),
)

# %% The table
head = ("bug", "number", "right", "with the bug", "check", "of the right", "of the bug")
common.report(options, head, rows, loss_printed=printed, loss_true=true, loss_trained_right=honest)
raise SystemExit(failed)
