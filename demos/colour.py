"""Colour: which likelihood, how much sharper than bicubic, and what is seen in noise.

    python -m demos colour                           two minutes on two cores
    python -m demos colour --data DIR                on CIFAR-10, from its binary files
    python -m demos colour --data DIR --images 50000 --epochs 30

Learns from pictures of 3×32×32: CIFAR-10 from --data or the directory that NNSCRATCH_DATA names,
or else scenes that are made on the spot, hills, houses, trees, boats, balloons and towers.

First the same convolutional VAE with three likelihoods. A Bernoulli's cross-entropy is what is
usually taken, but as a distribution over 256 levels it is all but uniform, whatever the decoder
says: so pixels weigh little beside the KL, and few nats of code are worth it. A Gaussian with a
learned variance and a discretised logistic know how far off their means are.

Then super-resolution, from 16×16 and from 8×8. The network adds to bilinear interpolation what it
has learned is missing. Bicubic interpolation, which learns nothing, is what it has to beat.

What to look at
    reconstructions.png  means of what the three decode: much alike, for means are
    draws.png            draws of pixels, from the same codes: a Bernoulli's are all on or all off
    samples.png          codes from the prior, decoded
    restored.png         pictures from 16×16 and 8×8: edges are sharp again, small things are lost
    noise.png            noise of 8×8, fed to the network for ×4: it paints edges where none were
    the tables           bits a number, which compare; PSNR and SSIM with standard errors over
                         held-out pictures, and the gain over bicubic; what is painted into noise
"""

import os
from functools import partial
from io import BytesIO
from math import ceil, log

import numpy as np
from PIL import Image

from demos import common
from demos._levels import BernoulliOfLevels, bits_of_perfect_pixels
from demos._superres import OnTopOf, bicubic, decibels, detail, similarity
from nnscratch.data import Split, cifar10, downsample, scenes, upsample_bilinear, upsample_nearest
from nnscratch.data.scenes import GRAIN_NATS
from nnscratch.evaluation import elbo
from nnscratch.evaluation.elbo import Estimate
from nnscratch.evaluation.metrics import mse, psnr
from nnscratch.layers import Conv2d, PixelShuffle, ReLU, Sequential, UpsampleBilinear2d
from nnscratch.learned_scale import DiscretisedLogistic, LearnedGaussian
from nnscratch.likelihoods import Bernoulli, SquaredError
from nnscratch.models import Autoencoder, build
from nnscratch.models.corruption import Downsampling
from nnscratch.optimizers import Adam
from nnscratch.plots import image_rows
from nnscratch.schedules import Cosine
from nnscratch.training import Trainer

BATCH, HELD_OUT = 128, 1000
CHANNELS, FILTERS = (16, 32, 64), 32
VAE_RATE, SUPERRES_RATE = 5e-3, 2e-3

own = {
    "--images": {
        "type": common.between(common.LEAST, 50_000),
        "default": 6000,
        "help": "how many to learn from, default 6000",
    }
}
where = "the six files of CIFAR-10's binary version; default: scenes made on the spot"
options = common.begin("colour", epochs=15, latent=64, least=2, own=own, data=where)
show = partial(common.picture, options)


# %% The pictures
def pictures():
    """Return CIFAR-10 if it is there, and scenes if not."""
    rng = np.random.default_rng(options.seed)
    if options.data or os.environ.get("NNSCRATCH_DATA"):
        try:
            return cifar10(options.data)
        except FileNotFoundError:
            if options.data:
                raise
    return Split(scenes(N, rng=rng), scenes(held, rng=rng))


N, held = (common.SMOKE, 24) if options.smoke else (options.images, HELD_OUT)
try:
    train, test = pictures()
except (OSError, ValueError) as error:
    common.refuse(error)
train, test = data = Split(train[:N], test[:held])
many, D = train.nouns[1], train.images[0].size
x = test.images / np.float32(255)
print(f"{len(train):,} {many} to learn from, {len(test):,} held out: {train.name}\n")


def learned(model, name, rate):
    """Return the model, trained."""
    rate = Cosine(rate, options.epochs * ceil(len(train) / BATCH))
    run = {"seed": options.seed, "batch_size": BATCH, "threads": options.threads}
    print(f"{name}: {sum(p.value.size for p in model.parameters().values()):,} parameters")
    common.fit(Trainer(model, Adam(rate), **run), data, options, name)
    print()
    return model


# %% The same VAE with three likelihoods
likelihoods = {
    "Bernoulli": Bernoulli(),
    "Gaussian": LearnedGaussian(),
    "logistic": DiscretisedLogistic(),
}
vaes = {}
for name, likelihood in likelihoods.items():
    new = {"latent_dim": options.latent, "channels": CHANNELS, "likelihood": likelihood}
    vae = build("conv_vae", (3, 32, 32), rng=np.random.default_rng(options.seed), **new)
    vaes[name] = learned(vae, f"vae-{name.lower()}", VAE_RATE)

# %% Bits a number, of whole levels: a density times the width of a level is a probability
rows = []
for name, vae in vaes.items():
    printed = nats = elbo(vae, test.images, draws=3, rng=np.random.default_rng(options.seed))
    if name == "Bernoulli":
        vae.likelihood = BernoulliOfLevels()
        nats = elbo(vae, test.images, draws=3, rng=np.random.default_rng(options.seed))
    total = nats.total.mean + (D * log(255) if name == "Gaussian" else 0)
    quality = psnr(test.images, vae.reconstruct(test.images).clip(0, 1))
    figures = (printed.total.mean, total / D / log(2), nats.total.error / D / log(2))
    rows.append((name, *figures, nats.kl.mean, quality))
mosaic = np.moveaxis(test.images, 1, -1).reshape(-1, 32, 3)
file = BytesIO()
Image.fromarray(mosaic).save(file, "PNG", optimize=True)
lines = {"Bernoulli, perfect pixels": bits_of_perfect_pixels(test.images)}
lines["one PNG of all"] = 8 * len(file.getvalue()) / test.images.size
if train.name == "scenes":
    lines["the grain alone"] = GRAIN_NATS / log(2)
rows += [(name, None, bits, None, None, None) for name, bits in lines.items()]
head = ("likelihood", "-ELBO as trained, nats", "bits a number", "±", "KL, nats", "PSNR, dB")
bits = [dict(zip(head, row, strict=True)) for row in rows]
print(common.table(head, rows))

# %% Pictures of the VAEs
print("\nPictures")
some, rng = test.images[:10], np.random.default_rng(options.seed)
means = {name: vae.reconstruct(some) for name, vae in vaes.items()}
title = f"Held-out {many}, and their codes of {options.latent} numbers decoded: which is which?"
show("reconstructions", image_rows({many: some} | means, title=title))


def drawn(vae):
    """Return draws of pixels, from the mean codes of some pictures."""
    a = vae.decoder.forward(vae.encode(some).T.copy())[0]
    return np.moveaxis(vae.likelihood.sample(a, rng=rng), -1, 0).clip(0, 1)


title = "What each takes for a picture: not the mean of its pixels, but a draw of them"
show("draws", image_rows({many: some} | {n: drawn(v) for n, v in vaes.items()}, title=title))

rows = {}
for name, vae in vaes.items():
    made = vae.sample(20, rng=np.random.default_rng(options.seed)).clip(0, 1)
    rows |= {name: made[:10], f"{name}, again": made[10:]}
show("samples", image_rows(rows, title=f"Codes from the prior, decoded: are these {many}?"))


# %% Super-resolution
def network(factor):
    """Return bilinear interpolation and three convolutions of what it lacks, shuffled to size."""
    conv = partial(Conv2d, kernel_size=3, padding="same", rng=np.random.default_rng(options.seed))
    last = conv(FILTERS, 3 * factor**2)
    last.w.value *= np.float32(0.1)  # what is added begins small
    convs = [layer for C in (3, FILTERS, FILTERS) for layer in (conv(C, FILTERS), ReLU())]
    net = OnTopOf(UpsampleBilinear2d(factor), Sequential(*convs, last, PixelShuffle(factor)))
    task = {"input_shape": (3, 32, 32), "corruption": Downsampling(factor)}
    return Autoencoder(net, Sequential(), SquaredError(), **task)


nets, rows, restored = {}, [], {many: x[:10]}
for K in (2, 4):
    nets[K] = learned(network(K), f"superres-{K}", SUPERRES_RATE)
    small = downsample(x, K)
    found = {"bilinear": upsample_bilinear(small, K), "bicubic": bicubic(small, K)}
    found["network"] = nets[K].reconstruct(small).clip(0, 1)
    for name, y in found.items():
        over = decibels(x, y, found["bicubic"]) if name != "bicubic" else Estimate(0.0, 0.0)
        figures = (decibels(x, y), similarity(x, y), over)
        rows.append((f"×{K}, {name}", *(number for e in figures for number in (e.mean, e.error))))
    restored[f"{32 // K}×{32 // K}"] = upsample_nearest(small, K)[:10]
    restored |= {f"×{K}, {name}": found[name][:10] for name in ("bicubic", "network")}
title = f"Held-out {many} from few pixels: what comes back, and what was guessed?"
show("restored", image_rows(restored, title=title))

# %% Noise, fed to the network for ×4
noise = np.random.default_rng(options.seed).random((len(x), 3, 8, 8), np.float32)
shown = {f"{many}": downsample(x, 4), "noise": noise}
painted, seen = {}, []
for name, small in shown.items():
    y, plain = nets[4].reconstruct(small).clip(0, 1), bicubic(small, 4)
    off = [255 * mse(small, downsample(z, 4)) ** 0.5 for z in (plain, y)]
    seen.append((name, detail(plain, 4), detail(y, 4), *off))
    painted |= {f"{name}, 8×8": upsample_nearest(small, 4)[:10]}
    painted |= {f"{name}, bicubic": plain[:10], f"{name}, network": y[:10]}
title = "Noise instead of a picture: what does the network for ×4 see in it?"
show("noise", image_rows(painted, title=title))

# %% The tables
noise_head = ("shown to ×4", "detail, levels: bicubic", "network")
noise_head += ("means of tiles off by, levels: bicubic", "network ")
print(f"\n{common.table(noise_head, seen)}")
head = (f"held-out {many}", "PSNR, dB", "±", "SSIM", "± ", "over bicubic, dB", "±  ")
noise_rows = [dict(zip(noise_head, row, strict=True)) for row in seen]
common.report(options, head, rows, data=train.name, likelihoods=bits, noise=noise_rows)
