"""A folder of pictures: read as they are, learned from, decoded, and opened in a browser.

    python -m demos folder                        a minute on two cores
    python -m demos folder --pictures DIR         on pictures of your own; sub-folders are labels
    python -m demos folder --pictures DIR --side 96 --epochs 100

Without --pictures it makes a folder first: 2,000 scenes as such folders are, JPEG, PNG, BMP, WebP
and TIFF of many sizes, some of them turned by the camera, some with transparent parts, grey, with
palettes or with 16 bits; among them half a JPEG, and a text. What is done to which of them is said
before the training; what cannot be read is left out, and named.

A convolutional VAE of the size that is asked for, nn.models.build("conv_vae", (3, 64, 64), ...),
learns from nine tenths of them.

What to look at
    pictures.png         some of the folder, as the network is given them
    reconstructions.png  held-out pictures, decoded from their codes, and what PCA makes of as many
                         numbers: places and colours are right, small things are not. PCA's are
                         the better ones: 2,000 pictures are few for so many weights
    samples.png          codes drawn from the prior, decoded: pictures that nobody has made
    codes.png            the two numbers of the code that tell most, and the sub-folders
    losses.png           whether more epochs would help, or more pictures
    explorer.html        the model in a browser: drag a code and see its picture
    the table            the VAE and PCA, on held-out pictures and on those they have seen
"""

import time
from functools import partial
from itertools import pairwise
from math import ceil

import numpy as np

from demos import common
from demos._made_folder import write_folder
from nnscratch import explorer, save
from nnscratch.data import Reading, Split, folder, split
from nnscratch.evaluation import elbo
from nnscratch.evaluation.baselines import PCA, mean_image
from nnscratch.evaluation.metrics import bce_floor, mse, psnr
from nnscratch.models import build
from nnscratch.optimizers import Adam
from nnscratch.plots import image_grid, image_rows, latent_scatter, loss_curves
from nnscratch.schedules import Cosine
from nnscratch.training import Trainer

RATE, SHARE, COUNT, LEAST = 3e-3, 0.9, 2000, 20
CHANNELS = (16, 32, 64)

own = {
    "--pictures": {"metavar": "DIR", "help": "a folder of pictures; default: one is made"},
    "--side": {
        "type": common.between(8, 512),
        "default": 64,
        "help": "to so many rows and columns of pixels all are brought, default 64",
    },
}
options = common.begin("folder", epochs=25, latent=32, least=2, own=own, data="")
rng = np.random.default_rng(options.seed)
show = partial(common.picture, options)
clock = {"start": time.perf_counter()}

# %% The folder: made, if there is none, and read
place = options.pictures
if place is None:
    count = 160 if options.smoke else COUNT
    place = options.out / f"scenes-{count}-{options.seed}"
    write_folder(place, count, rng=np.random.default_rng(options.seed))
    print(f"{place} has been made\n")
clock["made"] = time.perf_counter()
size = (options.side, options.side)
try:
    data = folder(place, size=size, colour=True, reading=Reading(bad="skip"))
    if len(data) < LEAST:
        raise ValueError(f"{place}: expected {LEAST} pictures or more")
except (OSError, ValueError) as error:
    common.refuse(error)
clock["read"] = time.perf_counter()
rows = split(data, SHARE, rng=rng)
train, test = sets = Split(data[rows.train], data[rows.test])
print(f"\n{len(train):,} to learn from, {len(test):,} held out\n")

# %% The network, the training
shape, L = (3, *size), options.latent
model = build("conv_vae", shape, latent_dim=L, channels=CHANNELS, rng=rng)
batch = min(64, len(train))
rate = Cosine(RATE, options.epochs * ceil(len(train) / batch))
run = {"seed": options.seed, "batch_size": batch, "threads": options.threads}
trainer = Trainer(model, Adam(rate), **run)
common.fit(trainer, sets, options)
clock["trained"] = time.perf_counter()

# %% What it is worth
x = np.asarray(test.images)  # decoded, all of them
some_seen = np.asarray(train.images[: len(x)])
bound, seen = (elbo(model, images, draws=3, rng=rng) for images in (x, some_seen))
fitted = np.asarray(train.images[:1000])
pca = PCA(min(L, len(fitted) - 1)).fit(fitted)
decoded = {"VAE": model.reconstruct, f"PCA-{pca.k}": pca.reconstruct}
decoded["mean picture"] = lambda images: np.broadcast_to(mean_image(fitted), images.shape)

# %% Pictures
print("\nPictures")
title = f"{data.name}: what the network is given"
show("pictures", image_grid(np.asarray(train.images[:40]), title=title))

rows = {"held out": x[:10]}
rows |= {name: f(x[:10]).reshape(-1, *shape).clip(0, 1) for name, f in decoded.items()}
title = f"From {L} numbers each: what is kept of a picture?"
show("reconstructions", image_rows(rows, title=title))

title = "Codes from the prior, decoded: what could also have been in the folder?"
show("samples", image_grid(model.sample(40, rng=rng).reshape(-1, *shape), title=title))

used = np.sort(np.argsort(-bound.kl_per_dimension)[:2])
names = [f"$z_{{{d + 1}}}$" for d in used]
words = {"names": names, "prior": True, "classes": data.classes}
title = f"The two of {L} numbers that tell most, of pictures held out"
show("codes", latent_scatter(model.encode(x)[:, used], test.labels, title=title, **words))

title = "Where do training and validation part?"
lines = {"reconstruction": {"perfect pixels": bce_floor(x)}}
show("losses", loss_curves(trainer.history, baselines=lines, title=title))

# %% The model: as a file, and as a page that runs in a browser
save(options.out / "model.safetensors", model)
print(f"    {options.out / 'model.safetensors'}  nn.load gives the model back")
try:
    page = explorer.write(options.out / "explorer.html", model, test)
    print(f"    {page}  opens in a browser, which needs no network")
except ValueError as error:  # of large pictures there are too many weights for a page
    print(f"    no explorer: {error}")

# %% The table
head = ("pictures", "BCE + KL, nats", "KL, nats", "MSE a pixel", "PSNR, dB")
rows = []
for name, f in decoded.items():
    for which, images, nats in (("held out", x, bound), ("seen", some_seen, seen)):
        y = f(images).reshape(images.shape)
        terms = (nats.total.mean, nats.kl.mean) if name == "VAE" else (None, None)
        rows.append((f"{which}, {name}", *terms, mse(images, y), psnr(images, y.clip(0, 1))))
clock["shown"] = time.perf_counter()
seconds = {b: round(clock[b] - clock[a], 1) for a, b in pairwise(clock)}
print("\nSeconds until the folder was", ", ".join(f"{name} {s}" for name, s in seconds.items()))
common.report(options, head, rows, seconds_until=seconds, classes=list(data.classes))
