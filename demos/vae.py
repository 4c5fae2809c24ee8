"""A variational autoencoder: every digit as two numbers, and new digits out of noise.

    python -m demos vae                          half a minute on two cores: 163 nats an image
    python -m demos vae --data DIR --epochs 30   on the full MNIST, some minutes: below 150

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

# %% The digits, the network, the training
data = common.load(options)
test = data.test
model = dense_vae(latent_dim=options.latent, rng=rng)
rate = Cosine(RATE, options.epochs * ceil(len(data.train) / BATCH))
run = {"seed": options.seed, "batch_size": BATCH, "threads": options.threads}
trainer = Trainer(model, Adam(rate), **run)
common.fit(trainer, data, options)

# %% Where the nats go, on digits it has not seen
book = ledger(model, test.images, rng=rng)
seen = ledger(model, data.train[: len(test)].images, rng=rng)
pca = PCA(options.latent).fit(data.train.images)
by_pca, by_vae = pca.reconstruct(test.images), model.reconstruct(test.images)
by_mean = np.broadcast_to(mean_image(data.train.images), test.images.shape)
floor, pca_bce, mean_bce = (
    bce_floor(test.images),
    bce(test.images, by_pca),
    bce(test.images, by_mean),
)

# %% Pictures
print("\nPictures")
one_of_each = np.array([np.flatnonzero(test.labels == k)[0] for k in np.unique(test.labels)])
rows = {
    "digit": test.images[one_of_each],
    "VAE": by_vae[one_of_each],
    f"PCA-{pca.k}": by_pca[one_of_each].clip(0, 1),
}
title = (
    f"{options.latent} numbers each: the VAE gives a sharp, typical digit, PCA a blurred average"
)
common.picture(image_rows(rows, title=title), options, "reconstructions")

used = np.sort(np.argsort(-book.kl_per_dimension)[:2])  # of two dimensions both
names = [f"$z_{{{d + 1}}}$" for d in used]
title = "Mean codes of held-out digits: which classes keep apart, which run into each other?"
codes = model.encode(test.images)[:, used]
figure = latent_scatter(codes, test.labels, names=names, prior=True, title=title)
common.picture(figure, options, "latent")


def decode_plane(points):
    """Decode points of the plane that the two dimensions span, the others being 0."""
    z = np.zeros((len(points), options.latent), points.dtype)
    z[:, used] = points
    return model.decode(z)


title = "The whole prior, decoded: neighbours look alike, one digit turns into the next"
common.picture(manifold(decode_plane, names=names, title=title), options, "manifold")

title = "Decoded draws from the prior: new digits, some of them between two classes"
common.picture(image_grid(model.sample(60, rng=rng), columns=12, title=title), options, "samples")

title = "The KL rises while the reconstruction falls; training and validation should not part"
lines = {f"PCA-{pca.k}": pca_bce, "mean image": mean_bce, "perfect pixels": floor}
common.picture(
    loss_curves(trainer.history, baselines={"reconstruction": lines}, title=title),
    options,
    "losses",
)

title = f"{book.active_units} of {options.latent} dimensions are in use"
common.picture(kl_bars(book.kl_per_dimension, title=title), options, "kl")

# %% The table: PCA and the mean image are clipped to [0.001, 0.999], and pay nothing for their code
head = ("held-out digits", "BCE, nats an image", "KL, nats an image", "BCE + KL", "MSE a pixel")
rows = [
    ("VAE", book.reconstruction, book.kl, book.total, mse(test.images, by_vae)),
    ("VAE, digits it has seen", seen.reconstruction, seen.kl, seen.total, None),
    (f"PCA-{pca.k}", pca_bce, None, pca_bce, mse(test.images, by_pca)),
    ("mean image", mean_bce, None, mean_bce, mse(test.images, by_mean)),
    ("perfect pixels", floor, None, floor, 0.0),
]
common.report(
    head,
    rows,
    options,
    kl_per_dimension=book.kl_per_dimension.tolist(),
    active_units=book.active_units,
)
