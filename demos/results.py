"""All of the lesson's numbers in one table: ours, the lesson's, and what costs nothing.

    python -m demos results --data DIR --page docs/results.md     the full MNIST, 20 minutes
    python -m demos results --only vae-2                          one of the rows
    python -m demos results --epochs 5                            none of them for longer

Every row is a network of the lesson, trained anew: on the digits to learn from, measured on the
held-out ones, in nats an image; a VAE's KL counts once, whatever β it was trained with. The lesson
prints means over pixels, here times 784. Three lines belong under each: perfect pixels (grey pixels
cost their entropy whatever one does), PCA with as many numbers a digit, and the mean image.

What to look at
    results.png   the distance of each bar from the floor, and on which side of PCA it ends
    the table     the same in numbers; with --page also a page of it, with seed, data and versions
"""

import hashlib
import time
from argparse import Namespace
from collections.abc import Callable
from functools import partial
from math import ceil
from pathlib import Path
from typing import NamedTuple

import numpy as np

from demos import common
from nnscratch.adversarial import AdversarialTrainer
from nnscratch.baselines import PCA, mean_image
from nnscratch.corruptions import Downsampling, GaussianNoise
from nnscratch.data import LESSON_NOISE
from nnscratch.evaluation import ledger
from nnscratch.files import write_whole
from nnscratch.layers import Conv2d, MaxPool2d, Sequential
from nnscratch.metrics import bce, bce_floor
from nnscratch.models import AdversarialAutoencoder, Autoencoder
from nnscratch.models import lesson as nets
from nnscratch.optimizers import Adam
from nnscratch.plots import score_bars
from nnscratch.probes import SoftmaxProbe, accuracy
from nnscratch.schedules import Cosine
from nnscratch.training import Trainer

BATCH = 128


class Row(NamedTuple):
    """A network to train: how, for how long, how many numbers a digit it keeps, what others have.

    lesson  the lesson's own figure on the same held-out digits, mean over pixels; None: it has none
    """

    make: Callable[..., Autoencoder]
    epochs: int
    rate: float
    code: int
    lesson: float | None


def denoiser(*, rng: np.random.Generator) -> Autoencoder:
    """The lesson's: its convolutional autoencoder with noise in front."""
    net, noise = nets.conv_autoencoder(rng=rng), GaussianNoise(*LESSON_NOISE["tensorflow"])
    return Autoencoder(net.encoder, net.decoder, input_shape=nets.IMAGE, corruption=noise)


def super_resolution(*, rng: np.random.Generator) -> Autoencoder:
    """The lesson's: half the side in, two pools to 8 channels of 4×4, the same decoder."""
    conv = partial(Conv2d, kernel_size=3, padding="same", rng=rng)
    pool = partial(MaxPool2d, 2, ceil_mode=True, relu=True)
    encoder, decoder = Sequential(conv(1, 16), pool(), conv(16, 8), pool()), nets.conv_autoencoder
    return Autoencoder(
        encoder, decoder(rng=rng).decoder, input_shape=nets.IMAGE, corruption=Downsampling(2)
    )


def adversarial(*, rng: np.random.Generator) -> AdversarialAutoencoder:
    """A smaller network than the lesson's, with a discriminator that learns."""
    model = AdversarialAutoencoder(
        nets.mlp((nets.PIXELS, 512, 64), rng=rng),
        nets.mlp((64, 512, nets.PIXELS), rng=rng),
        nets.mlp((64, 64, 64, 1), rng=rng),
        input_shape=(nets.PIXELS,),
        weight=10.0,
    )
    model.parameters()["discriminator.4.weight"].value[...] = 0  # it says nothing at first
    return model


ROWS = {
    "conv-ae": Row(nets.conv_autoencoder, 25, 3e-3, 128, 0.0953),
    "denoiser": Row(denoiser, 25, 3e-3, 128, 0.1398),
    "super-resolution": Row(super_resolution, 45, 3e-3, 128, 0.0955),
    "dense-ae-32": Row(nets.dense_autoencoder, 60, 1.5e-3, 32, None),
    "deep-ae-32": Row(partial(nets.dense_autoencoder, (128, 64)), 80, 3e-3, 32, None),
    "vae-2": Row(partial(nets.dense_vae, latent_dim=2), 60, 3e-3, 2, None),
    "vae-20": Row(partial(nets.dense_vae, latent_dim=20), 40, 2e-3, 20, None),
    "vae-32": Row(partial(nets.dense_vae, latent_dim=32), 40, 2e-3, 32, None),
    "conv-vae-32": Row(partial(nets.kvfrans_vae, 32), 30, 2e-3, 32, None),
    "adversarial-ae": Row(adversarial, 20, 1e-3, 64, 0.0945),
}

own = {
    "--only": {"choices": ROWS, "help": "train this one alone; default all, with --smoke vae-2"},
    "--page": {"metavar": "FILE", "type": Path, "help": "write the table as a page of Markdown"},
}
options = common.begin("results", __doc__, epochs=1000, own=own)
chosen = [options.only] if options.only else ["vae-2"] if options.smoke else list(ROWS)

# %% The digits, and what costs nothing
train, test = data = common.load(options)
x = test.images
floor, mean = bce_floor(x), bce(x, np.broadcast_to(mean_image(train.images), x.shape))


def train_one(name: str) -> tuple[Autoencoder, list, float]:
    """Train one of the networks; return it with its history and the seconds that it took."""
    row, rng = ROWS[name], np.random.default_rng(options.seed)
    epochs, start = min(row.epochs, options.epochs), time.perf_counter()
    model = row.make(rng=rng)
    rate = Cosine(row.rate, epochs * ceil(len(train) / BATCH))
    run = {"seed": options.seed, "batch_size": BATCH, "threads": options.threads}
    if isinstance(model, AdversarialAutoencoder):
        trainer = AdversarialTrainer(model, Adam(rate), Adam(rate, beta1=0.5), **run)
    else:
        trainer = Trainer(model, Adam(rate), **run)
    common.fit(trainer, data, Namespace(**vars(options) | {"epochs": epochs}), name)
    clock, seconds = options.out / f"{name}.seconds", time.perf_counter() - start
    if options.resume and clock.exists():
        seconds += float(clock.read_text())
    write_whole(clock, f"{seconds:.1f}\n".encode(), "clock")
    return model, trainer.history, seconds


def readable(coder: Autoencoder | PCA) -> float:
    """Return how often the class of a held-out digit is read off its code."""
    probe = SoftmaxProbe().fit(coder.encode(train.images), train.labels)
    return accuracy(probe.predict(coder.encode(x)), test.labels)


# %% One after the other
head = ("held-out digits, nats", "epochs", "seconds", "ours", "± images", "lesson")
head += ("PCA, same size", "KL", "note")
rows, bars = [], {}
for name in chosen:
    print(name)
    model, history, seconds = train_one(name)
    row, last = ROWS[name], history[-1]["validation"]
    linear = PCA(row.code).fit(train.images)
    total, error, kl, note = last["total"], None, last.get("kl"), ""
    if "kl" in last:
        book = ledger(model, x, rng=np.random.default_rng(options.seed))
        total, error, kl = book.total.mean, book.total.error, book.kl.mean
        right = f"{readable(model):.1%} of classes right by a softmax probe of its codes"
        note = f"{right}, {readable(linear):.1%} of PCA's"
    if "accuracy" in last:
        total, played = last["reconstruction"], [epoch["train"]["accuracy"] for epoch in history]
        note = f"D right: {played[0]:.2f} in the first epoch, {played[-1]:.2f} in the last"
    lesson = row.lesson and row.lesson * nets.PIXELS
    pca = None  # which can be asked for what it is shown, and no other picture
    if model.corruption is None:
        pca = bce(x, linear.reconstruct(x))
    rows.append((name, len(history), f"{seconds:.0f}", total, error, lesson, pca, kl, note))
    bars[name] = {"ours": total, "lesson": lesson, "PCA, same size": pca}
    print(f"    {total:.2f} nats, {seconds:.0f} s\n")
for name, total in (("mean image", mean), ("perfect pixels", floor)):
    rows.append((name, None, None, total, *(None,) * 5))

# %% The picture, the table, the page
print("Pictures")
title = "What a held-out digit costs; below the line nobody can go"
common.picture(options, "results", score_bars(bars, floor=floor, title=title))
sha = hashlib.sha256(train.images.tobytes() + x.tobytes()).hexdigest()[:16]
if options.page:
    cells = [[common.cell(value) for value in row] for row in rows]
    lines = [f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *cells)]
    with_versions = ", ".join(f"{name} {v}" for name, v in common.versions().items())
    words = (
        "# The lesson's numbers, trained anew\n\n"
        "Nats an image on held-out digits: the mean over pixels, times 784; lower is better.\n"
        "The lesson's figures are what its notebooks print, where it has one that compares.\n\n"
        f"Made by `{options.command}`.\n"
        f"{len(train):,} digits to learn from and {len(x):,} held out, the SHA-256 of their bytes\n"
        f"begins with {sha}; {with_versions}.\n\n"
    )
    write_whole(options.page, f"{words}{chr(10).join(lines)}\n".encode(), "page")
    print(f"    {options.page}")
common.report(options, head, rows, data_sha256=sha)
