"""A variational autoencoder: every digit as two numbers, and new digits out of noise.

    python -m demos vae                          half a minute on two cores: 163 nats an image
    python -m demos vae --network conv           convolutions: better with a sixth of the weights
    python -m demos vae --likelihood gaussian    the lesson's squared error, with a scale
    python -m demos vae --data DIR --epochs 30   on the full MNIST, some minutes: 150

The lesson's network, 784-512-2-512-784. The encoder turns an image x into a little cloud of codes,
N(μ, σ²); a point z of it is drawn, and the decoder says how likely each pixel is to be ink. Trained
to lose few nats on two accounts: the cross-entropy of the pixels (BCE), and the KL, what the cloud
tells about x that the prior N(0, I) does not.

Squared error is nats as well, a Gaussian's, once it is divided by twice the variance of a pixel.
The lesson's sum over pixels takes that for ½ and a mean over pixels for 392, and so the KL weighs
too much; here it is what PCA leaves. Such nats are of a density and may be negative: they compare
with their floor and with PCA's, never with a BCE. The MSE compares with all.

What to look at
    reconstructions.png  what two numbers can hold: the kind of digit and its slant, not its style
    latent.png           the codes of a class lie together, and all of them around the origin
    manifold.png         the plane decoded: one digit turns into the next, with no gap between them
    traversals.png       one digit, while one of its numbers runs through the whole prior
    interpolation.png    on a line of codes one shape becomes another; a cross-fade shows both
    samples.png          what points drawn from the prior decode to: the VAE invents digits
    losses.png           the KL grows while the reconstruction improves: the code is put to use
    kl.png               how many nats each dimension of the code carries
    explorer.html        the model itself, in a browser: drag through its plane, draw for it
    the table            the VAE against PCA with as long a code, and the floor under both: pixels
                         are grey, and even a perfect picture pays the entropy of grey
"""

from functools import partial
from math import ceil, log, pi

import numpy as np

from demos import common
from nnscratch import explorer
from nnscratch.evaluation import elbo
from nnscratch.evaluation.baselines import PCA, mean_image
from nnscratch.evaluation.metrics import bce, bce_floor, mse, sse
from nnscratch.likelihoods import Bernoulli, Gaussian
from nnscratch.models.lesson import dense_vae, kvfrans_vae
from nnscratch.optimizers import Adam
from nnscratch.plots import (
    image_grid,
    image_rows,
    kl_bars,
    latent_scatter,
    loss_curves,
    manifold,
    traversals,
)
from nnscratch.schedules import Cosine
from nnscratch.training import Trainer

BATCH, RATE, STEPS = 128, 3e-3, 9

own = {
    "--network": {"choices": ["dense", "conv"], "default": "dense", "help": "default dense"},
    "--likelihood": {
        "choices": ["bernoulli", "gaussian"],
        "default": "bernoulli",
        "help": "what is lost on pixels, BCE or squared error; default bernoulli",
    },
}
options = common.begin("vae", epochs=25, latent=2, least=2, own=own)
rng = np.random.default_rng(options.seed)
L, grey = options.latent, options.likelihood == "bernoulli"

# %% The digits, the network, the training
train, test = data = common.load(options)
(one, many), (H, W) = train.nouns, train.images.shape[1:]
networks = {
    "dense": partial(dense_vae, pixels=H * W),
    "conv": partial(kvfrans_vae, image=(1, H, W)),
}
pca = PCA(L).fit(train.images)
variance = max(mse(train.images, pca.reconstruct(train.images)), 255**-2)  # no finer than grey is
likelihood = Bernoulli() if grey else Gaussian(variance)
make = networks[options.network]
model = common.model_for(make, latent_dim=L, likelihood=likelihood, rng=rng)
rate = Cosine(RATE, options.epochs * ceil(len(train) / BATCH))
run = {"seed": options.seed, "batch_size": BATCH, "threads": options.threads}
trainer = Trainer(model, Adam(rate), **run)
common.fit(trainer, data, options, f"{options.network}-{options.likelihood}")

# %% Where the nats go, on images it has not seen
x = test.images
bound = elbo(model, x, rng=rng)
seen = elbo(model, train.images[: len(x)], rng=rng)


def cost(picture):
    """Return what a picture of every x loses on its pixels, nats an image."""
    if grey:
        return bce(x, picture)
    return sse(x, picture) / (2 * variance) + H * W * log(2 * pi * variance) / 2


by_vae, by_pca = model.reconstruct(x).reshape(x.shape), pca.reconstruct(x)
by_mean = np.broadcast_to(mean_image(train.images), x.shape)
lines = {"mean image": cost(by_mean), f"PCA-{L}": cost(by_pca)}
lines["perfect pixels"] = bce_floor(x) if grey else cost(x)

# %% Pictures of images
print("\nPictures")
show = partial(common.picture, options)
some = common.one_of_each(test)
rows = {one: x[some], "VAE": by_vae[some], f"PCA-{L}": by_pca[some].clip(0, 1)}
title = f"From {L} numbers: which can be told, and which of them are the right ones?"
show("reconstructions", image_rows(rows, title=title))

rows, t = {}, np.linspace(0, 1, STEPS)[:, None, None]
for a, b in zip(some[::2], some[1::2], strict=False):
    [way] = model.interpolate(x[[a]], x[[b]], STEPS).reshape(1, STEPS, H, W)
    ends = x[[a, b]] / np.float32(255)
    for name, images in {"codes": way, "cross-fade": (1 - t) * ends[0] + t * ends[1]}.items():
        row = np.stack([ends[0], *images, ends[1]])
        rows[f"{test.class_name(test.labels[a])} → {test.class_name(test.labels[b])}, {name}"] = row
title = f"From one {one} to another: on a line of codes, and by fading one into the other"
show("interpolation", image_rows(rows, title=title))

title = f"Decoded draws from the prior: new {many}, some of them between two classes"
samples = model.sample(60, rng=rng).reshape(60, H, W)
show("samples", image_grid(samples, columns=12, title=title))

# %% Pictures of the code
by_use = np.argsort(-bound.kl_per_dimension)
used = np.sort(by_use[:2])  # of two dimensions both
names = [f"$z_{{{d + 1}}}$" for d in used]
codes = model.encode(x)
title = f"Mean codes of held-out {many}: which classes keep apart, which run into each other?"
words = {"names": names, "prior": True, "classes": test.classes, "title": title}
show("latent", latent_scatter(codes[:, used], test.labels, **words))


def decode(z):
    """Return the images of codes."""
    return model.decode(z).reshape(-1, H, W)


def decode_plane(points):
    """Decode points of the plane that these two dimensions span, the others being 0."""
    z = np.zeros((len(points), L), points.dtype)
    z[:, used] = points
    return decode(z)


which = "The whole prior" if L == 2 else f"A plane of the prior, the other {L - 2} numbers 0"
title = f"{which}, decoded: neighbours look alike, one {one} turns into the next"
show("manifold", manifold(decode_plane, names=names, title=title))

title = f"One {one}, while one number of its code runs through the prior: what does it stand for?"
show("traversals", traversals(decode, codes[some[0]], by_use[:10], title=title))

title = "What is paid for pixels, what for codes: where do training and validation part?"
show("losses", loss_curves(trainer.history, baselines={"reconstruction": lines}, title=title))

title = f"{bound.active_units} of {L} dimensions are in use"
show("kl", kl_bars(bound.kl_per_dimension, title=title))

# %% The model as a page that runs in a browser
try:
    page = explorer.write(options.out / "explorer.html", model, test)
    print(f"    {page}  opens in a browser, which needs no network")
except ValueError as error:  # of large images there are too many weights for a page
    print(f"    no explorer: {error}")

# %% The table: PCA and the mean image pay nothing for a code; for a BCE they are clipped to
# [0.001, 0.999]
loss = "BCE" if grey else "-log density"
head = (f"held-out {many}", f"{loss}, nats an image", "KL, nats an image", f"{loss} + KL")
head += ("MSE a pixel",)
rows = [
    ("VAE", bound.reconstruction, bound.kl, bound.total, mse(x, by_vae)),
    (f"VAE, {many} it has seen", seen.reconstruction, seen.kl, seen.total, None),
]
errors = (mse(x, by_mean), mse(x, by_pca), 0.0)
rows += [(name, nats, None, nats, e) for (name, nats), e in zip(lines.items(), errors, strict=True)]
details = {"kl_per_dimension": bound.kl_per_dimension.tolist(), "active_units": bound.active_units}
details |= {"network": options.network, "likelihood": options.likelihood, "variance": variance}
common.report(options, head, rows, **details)
