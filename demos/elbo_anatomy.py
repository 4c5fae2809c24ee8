"""Where the ELBO's nats go: the true posterior on a grid, and the gaps that the encoder leaves.

    python -m demos elbo_anatomy          a minute or two on two cores

With two latent dimensions nothing need be bounded: log p(x) = log ∫ p(x|z) p(z) dz is a sum over a
grid of codes, and so is the posterior p(z|x). What the encoder says of x, q(z|x) = N(μ, σ²), falls
short of it for two reasons, and KL(q ‖ p(z|x)) is their sum:

    approximation    no Gaussian with axes along z_1 and z_2 has the posterior's shape
    amortisation     one network for all x does not find, for this x, the best of the Gaussians

The digits are drawn in black and white, so that log p(x) is a log-probability indeed.

What to look at
    posteriors.png   the posterior in grey, the encoder's q and the best q upon it
    gaps.png         -log p(x) is where a bar begins; what is above it, the ELBO charges too much
    bounds.png       more samples of q, a tighter bound: it falls from the -ELBO towards -log p(x)
    the table        the same in nats an image; the grid's own error, from a grid twice as coarse
"""

import warnings
from dataclasses import replace
from functools import partial
from math import ceil, log, pi

import numpy as np
from numpy.polynomial.hermite_e import hermegauss

from demos import common
from nnscratch.core import Parameter, pack
from nnscratch.data import Split, binarize
from nnscratch.evaluation import LowEffectiveSampleSize, elbo, importance_nll
from nnscratch.layers import GaussianSample
from nnscratch.losses import gaussian_kl_per_sample
from nnscratch.models.lesson import dense_vae
from nnscratch.optimizers import Adam
from nnscratch.plots import curves, gap_bars, posterior_panels
from nnscratch.schedules import Cosine
from nnscratch.training import Trainer

BATCH, RATE, HIDDEN, REACH, KS = 128, 3e-3, 256, 6.0, (1, 3, 10, 30, 100)

options = common.begin("elbo_anatomy", epochs=20)
rng = np.random.default_rng(options.seed)
show = partial(common.picture, options)
SIDE, STEPS, MOST = (61, 10, 1) if options.smoke else (361, 150, 4)

# %% A VAE of black-and-white images
grey = common.load(options)
data = Split(*(replace(d, images=binarize(d.images, "static", rng=rng)) for d in grey))
train, test = data
many = train.nouns[1]
model = dense_vae((HIDDEN,), 2, pixels=train.images[0].size, rng=rng)
rate = Cosine(RATE, options.epochs * ceil(len(train) / BATCH))
run = {"seed": options.seed, "batch_size": BATCH, "threads": options.threads}
common.fit(Trainer(model, Adam(rate), **run), data, options)

# %% log p(x) and p(z|x) of a few images of each class, on the grid
classes, sizes = np.unique(test.labels, return_counts=True)
EACH = int(min(MOST, sizes.min()))
some = np.concatenate([np.flatnonzero(test.labels == k)[:EACH] for k in classes])
chosen = test[some]
N, x = len(some), chosen.images.reshape(len(some), -1).T.astype(np.float32) / 255


def log_likelihood(z):
    """Return log p(x_n|z_m) of all images for codes (2, M): (N, M)."""
    a = model.decoder.forward(z.astype(np.float32))[0]
    return x.T @ a - np.logaddexp(0, a).sum(axis=0)


axis = np.linspace(-REACH, REACH, SIDE)
step = axis[1] - axis[0]
grid = np.array(np.meshgrid(axis, axis)).reshape(2, -1)  # z_1 along the last axis
log_joint = (
    np.concatenate(
        [log_likelihood(grid[:, i : i + 2000]) for i in range(0, grid.shape[1], 2000)], axis=1
    ).astype(np.float64)
    - (grid**2).sum(axis=0) / 2
    - log(2 * pi)
)
log_joint = log_joint.reshape(N, SIDE, SIDE)


def integral(log_f, area):
    """Return log ∫ f, by the sum over a grid whose cells have this area."""
    return np.logaddexp.reduce(log_f.reshape(N, -1), axis=1) + log(area)


log_p = integral(log_joint, step**2)
rim = log_joint.copy()
rim[:, SIDE // 12 : -(SIDE // 12), SIDE // 12 : -(SIDE // 12)] = -np.inf
outside = np.exp(integral(rim, step**2) - log_p).max()  # or the posterior might go on outside
coarse = integral(log_joint[:, ::2, ::2], (2 * step) ** 2)


# %% The ELBO of the encoder's q, and of the best q; E_q by Gauss and Hermite's quadrature
def bound(mu, logvar, order=7):
    """Return the ELBO of each image for q = N(mu, exp logvar), (2, N), and its gradients."""
    nodes, weights = hermegauss(order)
    M, weights = order**2, np.outer(weights, weights).ravel() / (2 * pi)
    eps = np.tile(np.array(np.meshgrid(nodes, nodes)).reshape(2, -1), N).astype(np.float32)
    z, sample_backward = GaussianSample().forward(mu.repeat(M, 1), logvar.repeat(M, 1), eps)
    a, decoder_backward = model.decoder.forward(z)
    targets = x.repeat(M, axis=1)
    log_prob = model.likelihood.log_prob(a, targets).reshape(N, M).astype(np.float64)
    _, da = model.likelihood.nll(a, targets)
    da *= N * M * np.tile(weights, N).astype(np.float32)
    gradients = sample_backward(decoder_backward(da))
    dmu, dlogvar = (-d.reshape(2, N, M).sum(axis=2) for d in gradients)
    value = log_prob @ weights - gaussian_kl_per_sample(mu, logvar)
    return value, dmu - mu, dlogvar - np.expm1(logvar) / 2


def best(mu, logvar):
    """Return the q of each image that the ELBO is largest for, by ascent from this one."""
    q = {"mu": Parameter(mu.copy()), "logvar": Parameter(logvar.copy())}
    theta, adam = pack(q), Adam(Cosine(0.05, STEPS))
    for _ in range(STEPS):
        _, dmu, dlogvar = bound(q["mu"].value, q["logvar"].value)
        q["mu"].grad[...], q["logvar"].grad[...] = -dmu, -dlogvar
        adam.step(theta)
    return q["mu"].value.copy(), q["logvar"].value.copy()


encoders = tuple(np.ascontiguousarray(a.T) for a in model.posterior(chosen.images))
mass = np.exp(log_joint - log_p[:, None, None]).reshape(N, -1) * step**2
mean = mass @ grid.T
variance = mass @ (grid**2).T - mean**2
moments = (mean.T.astype(np.float32), np.log(variance.T.clip(1e-6)).astype(np.float32))
starts = [encoders, best(*encoders), best(*moments)]
values = np.array([bound(*q, order=20)[0] for q in starts])  # on other nodes than they climbed
which = values.argmax(axis=0)  # of the encoder's q and what ascent found from two places
optimal = tuple(np.choose(which, [q[i] for q in starts]) for i in (0, 1))
encoded, reached = values[0], values.max(axis=0)
gaps = {"approximation gap": log_p - reached, "amortisation gap": reached - encoded}

# %% Pictures
few = np.arange(min(8, len(classes))) * EACH
names = {"encoder's q": encoders, "best q": optimal}
title = "The true posterior, and two Gaussians upon it: dashed 50 %, solid 95 %"
gaussians = {name: (mu.T[few], logvar.T[few]) for name, (mu, logvar) in names.items()}
show(
    "posteriors", posterior_panels(axis, log_joint[few], gaussians, chosen.images[few], title=title)
)

by_class = {name: gap.reshape(-1, EACH).mean(axis=1) for name, gap in gaps.items()}
title = f"What the ELBO charges above -log p(x), in the mean of {EACH} {many} of a class"
ylabel = "nats above -log p(x)"
show("gaps", gap_bars(by_class, [test.class_name(k) for k in classes], ylabel=ylabel, title=title))

warnings.simplefilter("ignore", LowEffectiveSampleSize)  # how loose they are is what is shown
bounds = []
for K in KS:  # as many draws in all for each K, or chance would hide how the bound falls
    repeats = ceil((20 if options.smoke else 1000) / K)
    images = chosen.images.repeat(repeats, axis=0)
    bounds.append(importance_nll(model, images, samples=K, rng=rng).mean)
truth = -float(log_p.mean())
lines = {f"-log p(x) by the grid: {truth:.2f}": truth}
title = "The bound of K samples: at K = 1 the -ELBO, in the limit -log p(x)"
words = {"xlabel": "K", "ylabel": "nats an image", "log": True, "lines": lines}
show("bounds", curves(KS, {"importance-weighted bound": bounds}, title=title, **words))

# %% The table
estimated = elbo(model, chosen.images, rng=rng)
rows = [("-log p(x), by the grid", truth, 0.0)]
for name, nats in (("-ELBO of the best q", -reached), ("-ELBO of the encoder's q", -encoded)):
    rows.append((name, float(nats.mean()), float(nats.mean()) - truth))
rows.append(("-ELBO by 10 draws an image", estimated.total.mean, estimated.total.mean - truth))
rows += [(f"bound of K = {K} samples", b, b - truth) for K, b in zip(KS, bounds, strict=True)]
rows += [(name, None, float(gap.mean())) for name, gap in gaps.items()]
rows.append(("the grid's own error, at most", None, float(np.abs(log_p - coarse).max())))
rows.append(("share of a posterior near its rim, at most", None, float(outside)))
head = (f"{N} held-out {many}, black and white", "nats an image", "above -log p(x)")
common.report(options, head, rows, gaps={n: g.tolist() for n, g in gaps.items()})
