"""A variational autoencoder: every digit as two numbers, and new digits out of noise.

    python -m demos vae                          half a minute on two cores: 163 nats an image
    python -m demos vae --data DIR --epochs 30   on the full MNIST, some minutes: 150

The lesson's network, 784-512-2-512-784. The encoder turns an image x into a little cloud of codes,
N(μ, σ²); a point z of it is drawn, and the decoder says how likely each pixel is to be ink. Trained
to lose few nats on two accounts: the cross-entropy of the pixels (BCE), and the KL, what the cloud
tells about x that the prior N(0, I) does not.

What to look at
    reconstructions.png  what two numbers can hold: the kind of digit and its slant, not its style
    latent.png           the codes of a class lie together, and all of them around the origin
    manifold.png         the plane decoded: one digit turns into the next, with no gap between them
    samples.png          what points drawn from the prior decode to: the VAE invents digits
    losses.png           the KL grows while the BCE falls: the code is being put to use
    kl.png               how many nats each dimension of the code carries
    the table            the VAE against PCA with as long a code, and the floor under both: pixels
                         are grey, and even a perfect picture pays the entropy of grey
"""

from functools import partial
from math import ceil

import numpy as np

from demos import common
from nnscratch.baselines import PCA, mean_image
from nnscratch.evaluation import ledger
from nnscratch.metrics import bce, bce_floor, mse
from nnscratch.models.lesson import dense_vae
from nnscratch.optimizers import Adam
from nnscratch.plots import image_grid, image_rows, kl_bars, latent_scatter, loss_curves, manifold
from nnscratch.schedules import Cosine
from nnscratch.training import Trainer

BATCH, RATE = 128, 3e-3

options = common.begin("vae", __doc__, epochs=25, latent=2, least=2)
rng = np.random.default_rng(options.seed)
L = options.latent

# %% The digits, the network, the training
train, test = data = common.load(options)
model = dense_vae(latent_dim=L, rng=rng)
rate = Cosine(RATE, options.epochs * ceil(len(train) / BATCH))
run = {"seed": options.seed, "batch_size": BATCH, "threads": options.threads}
trainer = Trainer(model, Adam(rate), **run)
common.fit(trainer, data, options)

# %% Where the nats go, on digits it has not seen
x = test.images
book = ledger(model, x, rng=rng)
seen = ledger(model, train.images[: len(x)], rng=rng)
pca = PCA(L).fit(train.images)
by_vae, by_pca = model.reconstruct(x), pca.reconstruct(x)
by_mean = np.broadcast_to(mean_image(train.images), x.shape)
lines = {"mean image": bce(x, by_mean), f"PCA-{L}": bce(x, by_pca), "perfect pixels": bce_floor(x)}

# %% Pictures
print("\nPictures")
show = partial(common.picture, options)
some = common.one_of_each(test)
rows = {"digit": x[some], "VAE": by_vae[some], f"PCA-{L}": by_pca[some].clip(0, 1)}
title = f"From {L} numbers: the VAE's digit is clear, if not always the right one; PCA's is a blur"
show("reconstructions", image_rows(rows, title=title))

used = np.sort(np.argsort(-book.kl_per_dimension)[:2])  # of two dimensions both
names = [f"$z_{{{d + 1}}}$" for d in used]
codes = model.encode(x)[:, used]
title = "Mean codes of held-out digits: which classes keep apart, which run into each other?"
show("latent", latent_scatter(codes, test.labels, names=names, prior=True, title=title))


def decode_plane(points):
    """Decode points of the plane that these two dimensions span, the others being 0."""
    z = np.zeros((len(points), L), points.dtype)
    z[:, used] = points
    return model.decode(z)


title = "The whole prior, decoded: neighbours look alike, one digit turns into the next"
show("manifold", manifold(decode_plane, names=names, title=title))

title = "Decoded draws from the prior: new digits, some of them between two classes"
show("samples", image_grid(model.sample(60, rng=rng), columns=12, title=title))

title = "The KL rises while the reconstruction falls; where do training and validation part?"
show("losses", loss_curves(trainer.history, baselines={"reconstruction": lines}, title=title))

title = f"{book.active_units} of {L} dimensions are in use"
show("kl", kl_bars(book.kl_per_dimension, title=title))

# %% The table: PCA and the mean image are clipped to [0.001, 0.999], and pay nothing for their code
head = ("held-out digits", "BCE, nats an image", "KL, nats an image", "BCE + KL", "MSE a pixel")
rows = [
    ("VAE", book.reconstruction, book.kl, book.total, mse(x, by_vae)),
    ("VAE, digits it has seen", seen.reconstruction, seen.kl, seen.total, None),
]
errors = (mse(x, by_mean), mse(x, by_pca), 0.0)
rows += [(name, nats, None, nats, e) for (name, nats), e in zip(lines.items(), errors, strict=True)]
details = {"kl_per_dimension": book.kl_per_dimension.tolist(), "active_units": book.active_units}
common.report(options, head, rows, **details)
