"""Four ways to a prior: the VAE's KL, a VampPrior, the total correlation, and no KL at all.

    python -m demos other_vaes               two minutes on two cores
    python -m demos other_vaes --latent 2    in the plane, where the shapes can be seen

One network, 784-256-L-256-784, on digits in black and white, as long each. What differs is what is
asked of the codes:

    VAE        each q(z|x) near N(0, I): the KL, in nats
    VampPrior  each q(z|x) near the mean of q(z|u) over a hundred learned images u
    β-TCVAE    the KL in three parts, of which the dependence among dimensions counts six times
    WAE        all codes together like draws from N(0, I), by kernels; no noise, no nats

What to look at
    samples.png          draws from each prior, decoded: the VampPrior has no mass between the codes
    reconstructions.png  held-out digits from their mean codes: at such weights all are alike, and
                         the β-TCVAE blurs the most
    pseudo.png           the VampPrior's images u, which began as digits and have moved little, and
                         what the decoder makes of their codes
    latent.png           codes of held-out digits: the VampPrior's keep a scale of their own
    the table            the bound on -log p(x), a tighter one by importance weights, three parts of
                         the KL from N(0, I) (information, total correlation, dimensions), and how
                         far codes are from draws of the model's own prior
"""

import warnings
from functools import partial

import numpy as np

from demos import common
from nnscratch.data import Dataset, binarize
from nnscratch.evaluation import LowEffectiveSampleSize, importance_nll
from nnscratch.evaluation.metrics import bce
from nnscratch.latent_losses import imq_mmd, kl_decomposition
from nnscratch.models import VAE, BetaTCVAE, VampPriorVAE, WassersteinAutoencoder
from nnscratch.models.lesson import mlp
from nnscratch.optimizers import Adam
from nnscratch.plots import image_rows, latent_panels
from nnscratch.training import Trainer

HIDDEN, COMPONENTS, WEIGHT = 256, 100, 100.0

options = common.begin("other_vaes", epochs=15, latent=8, least=2)
show = partial(common.picture, options)
grey = common.load(options)
L = options.latent
noise = np.random.default_rng(options.seed)
black, held_out = (binarize(d.images, "static", rng=noise) for d in grey)
data = type(grey)(Dataset(black, grey.train.labels), Dataset(held_out, grey.test.labels))
x, labels, (one, many) = held_out, grey.test.labels, grey.train.nouns
pixels, shape = x[0].size, (-1, *x.shape[1:])
run = {"seed": options.seed, "threads": options.threads}


# %% The models
def parts(outputs):
    """Return an encoder with so many outputs, and a decoder."""
    rng = np.random.default_rng(options.seed)
    return mlp((pixels, HIDDEN, outputs), rng=rng), mlp((L, HIDDEN, pixels), rng=rng)


fixed = {"input_shape": (pixels,)}
rng = np.random.default_rng(options.seed)
models = {
    "VAE": VAE(*parts(2 * L), L, **fixed),
    "VampPrior": VampPriorVAE(*parts(2 * L), L, components=COMPONENTS, rng=rng, **fixed),
    "β-TCVAE": BetaTCVAE(*parts(2 * L), L, beta=6.0, samples=len(black), **fixed),
    "WAE": WassersteinAutoencoder(*parts(L), weight=WEIGHT, **fixed),
}
models["VampPrior"].start_from(black[:COMPONENTS])
for name, model in models.items():
    print(name)
    name = name.lower().replace("β-", "beta-")
    common.fit(Trainer(model, Adam(1e-3), **run), data, options, name)
    print()

# %% Pictures
print("Pictures")
rows = {n: m.sample(12, rng=np.random.default_rng(1)).reshape(shape) for n, m in models.items()}
show("samples", image_rows(rows, title=f"Drawn from each prior: which look like {many}?"))

some = common.one_of_each(grey.test)
rows = {one: x[some]} | {n: m.reconstruct(x[some]).reshape(shape) for n, m in models.items()}
show("reconstructions", image_rows(rows, title=f"Held-out {many} from their mean codes"))

vamp = models["VampPrior"]
u = vamp.pseudo_inputs().T[:12]
rows = {"pseudo-images": u.reshape(shape), "decoded": vamp.reconstruct(u).reshape(shape)}
show("pseudo", image_rows(rows, title="Some of the images whose posteriors are the prior"))

codes = {name: model.encode(x) for name, model in models.items()}
planes = {name: z[:, np.sort(np.argsort(-z.var(axis=0))[:2])] for name, z in codes.items()}
title = f"Codes of held-out {many}, the two dimensions of most variance; circles: N(0, I)"
show("latent", latent_panels(planes, labels, prior=True, classes=grey.test.classes, title=title))


# %% The table: of a thousand held-out images, whose I is at most log 1000 = 6.9 nats
SOME = slice(1000)
warnings.simplefilter("ignore", LowEffectiveSampleSize)  # it is called the bound of 100 weights


def measured(model):
    """Return the bounds, the three parts of the KL from N(0, I), and the codes from own draws."""
    rng, z = np.random.default_rng(0), model.encode(x[SOME]).T.astype(np.float64)
    found = (None,) * 5
    if isinstance(model, VAE):
        bound = -float(model.log_prob(x, rng=rng).mean())
        tight = importance_nll(model, x, samples=100, rng=rng).mean
        mu, logvar = (a.T.astype(np.float64) for a in model.posterior(x[SOME]))
        z = mu + np.exp(logvar / 2) * rng.standard_normal(mu.shape)
        N = z.shape[1]
        split, _ = kl_decomposition(z, mu, logvar, np.full((N, N), -np.log(N)))
        information, correlation, dimensions = map(float, split)
        standard = model.exact_kl  # D compares with N(0, I)
        found = bound, tight, information, correlation, dimensions if standard else None
    draws = model.draw_codes(z.shape[1], rng=rng).T.astype(np.float64)
    return *found, imq_mmd(z, draws)[0]


table = [(n, bce(x, m.reconstruct(x).reshape(x.shape)), *measured(m)) for n, m in models.items()]
head = (f"held-out {many}", "BCE of the mean code", "bound", "importance, 100", "I", "TC", "D")
head += ("MMD² codes, prior",)
common.report(options, head, table)
