"""A plane of codes: the plain autoencoder's against the VAE's, and what random codes decode to.

    python -m demos latent2d                  half a minute on two cores
    python -m demos latent2d --data DIR       the same on the full MNIST, some minutes
"""

from functools import partial
from math import ceil

import numpy as np

from demos import common
from nnscratch.baselines import PCA
from nnscratch.metrics import bce, mse
from nnscratch.models import Autoencoder
from nnscratch.models.lesson import PIXELS, dense_vae, mlp
from nnscratch.optimizers import Adam
from nnscratch.plots import image_rows
from nnscratch.schedules import Cosine
from nnscratch.threads import in_chunks
from nnscratch.training import Trainer

BATCH, RATE, HIDDEN, L, K = 128, 3e-3, 512, 2, 10
options = common.begin("latent2d", __doc__, epochs=25)
rng = np.random.default_rng(options.seed)
show = partial(common.picture, options)

train, test = data = common.load(options)
pixels = {part: getattr(data, part).images.reshape(-1, PIXELS) / np.float32(255) for part in ("train", "test")}
ae = Autoencoder(mlp((PIXELS, HIDDEN, L), rng=rng), mlp((L, HIDDEN, PIXELS), rng=rng), input_shape=(PIXELS,))
models = {"AE": ae, "VAE": dense_vae((HIDDEN,), L, rng=rng)}
for name, model in models.items():
    rate = Cosine(RATE, options.epochs * ceil(len(train) / BATCH))
    run = {"seed": options.seed, "batch_size": BATCH, "threads": options.threads}
    common.fit(Trainer(model, Adam(rate), **run), data, options, name)

def near(points, known, k):
    norms = (known * known).sum(axis=1)
    def on(z):
        d = norms - 2 * z @ known.T
        rows = np.argpartition(d, k - 1, axis=1)[:, :k]
        d = np.take_along_axis(d, rows, axis=1) + (z * z).sum(axis=1)[:, None]
        o = d.argsort(axis=1)
        return np.stack([np.take_along_axis(rows, o, 1), np.sqrt(np.take_along_axis(d, o, 1).clip(0))], -1)
    out = in_chunks(on, points, 250)
    return out[..., 0].astype(int), out[..., 1]

models["PCA"] = PCA(L).fit(train.images)
from nnscratch.probes import SoftmaxProbe, NearestNeighbours
probe = NearestNeighbours(3).fit(pixels["train"], train.labels)
print("pixel probe", (probe.predict(pixels["test"]) == test.labels).mean())
def eff(labels):
    p = np.bincount(labels, minlength=10)/len(labels); p=p[p>0]
    return np.exp(-(p*np.log(p)).sum())
M = len(test)
for name, m in models.items():
    seen, held = (np.asarray(m.encode(s.images), np.float64) for s in data)
    rows, d = near(held, seen, K)
    same = (train.labels[rows] == test.labels[:, None]).mean()
    limit = np.quantile(d[:, 0], 0.99)
    rec = m.decode(held.astype(np.float32)).reshape(M, -1).clip(0, 1)
    ref = near(rec, pixels["train"], 1)[1][:, 0]
    print(name, "same", same, "range", seen.min(0), seen.max(0), "std", seen.std(0), "mse", mse(test.images, rec), "bce", bce(test.images, rec), "limit", limit, "ref dist", np.median(ref), "q99", np.quantile(ref, .99), "eff", eff(probe.predict(rec)))
    draws = {"N(0,I)": rng.standard_normal((M, L)), "gauss": rng.multivariate_normal(seen.mean(0), np.cov(seen.T), M),
      "box": rng.uniform(seen.min(0), seen.max(0), (M, L)), "7U": 7*rng.random((M, L))}
    for dn, z in draws.items():
        dist = near(z, seen, 1)[1][:, 0]
        y = m.decode(z.astype(np.float32)).reshape(M, -1).clip(0, 1)
        dp = near(y, pixels["train"], 1)[1][:, 0]
        lab = probe.predict(y.astype(np.float32))
        # coverage: share of held-out codes nearer to some draw than
        cov = (near(held, z, 1)[1][:, 0] < limit).mean()
        print("   ", dn, "far", (dist > limit).mean(), "median dist ratio", np.median(dp)/np.median(ref), "far px", (dp > np.quantile(ref, .99)).mean(), "eff classes", eff(lab), "cover", cov, np.bincount(lab, minlength=10))
