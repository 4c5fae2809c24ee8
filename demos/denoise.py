"""Denoising: the network learns to see strokes in noise, and sees them where there are none.

    python -m demos denoise                     a minute and a half on two cores
    python -m demos denoise --noise tensorflow  or pytorch: noise that brightens, too
    python -m demos denoise --fashion DIR       shows it clothes, too
    python -m demos denoise --network lesson --noise tensorflow --data DIR      as in the lesson

The Keras blog's network, 28 -(32)- 14 -(32)- 7 and back, is shown a digit with Gaussian noise on it
and has to paint the digit without. The noise is drawn afresh for every batch (the lesson draws it
once, so some of it is learned by heart), that of the held-out digits is fixed. The code has twice
as many numbers as the image: no bottleneck keeps the noise out, the clean target does. The lesson's
network has a code of 128, and of 10,000 digits it learns less than the linear map below.

What to look at
    denoised.png  clean strokes, where a median of 3×3 pixels leaves grain; "linear" is the best
                  linear map from noisy to clean images, hard to beat in decibels, easily in looks
    noises.png    the lesson's other noises, which it has not learned: what it takes for paper and
                  what for ink is made to the measure of one noise
    unseen.png    images of other kinds. Digits turned or thickened are strokes too, and fare well;
                  on black paper it fails: what it knows is its data, and no more
    iterated.png  from noise without any image in it, its output fed back as its input: blots if it
                  is fed back as it is, signs that one can almost read if it is made noisy again
    losses.png    validation is no worse than training: with fresh noise nothing repeats itself
    the table     PSNR and SSIM, on held-out digits, with other noises, and on other kinds of image
"""

from functools import partial
from math import ceil

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from demos import common
from demos._centred import Centred
from nnscratch.data import LESSON_NOISE, fashion_mnist
from nnscratch.evaluation.metrics import bce_floor, psnr, ssim
from nnscratch.layers import Sequential
from nnscratch.models import Autoencoder
from nnscratch.models.corruption import GaussianNoise
from nnscratch.models.lesson import conv_autoencoder, conv_denoiser
from nnscratch.optimizers import Adam
from nnscratch.plots import image_rows, loss_curves
from nnscratch.schedules import Cosine
from nnscratch.training import Trainer

BATCH, RATE, STEPS = 128, 3e-3, 10
NETWORKS = {"keras": conv_denoiser, "lesson": conv_autoencoder}

own = {
    "--network": {"choices": [*NETWORKS], "default": "keras", "help": "default keras"},
    "--noise": {"choices": sorted(LESSON_NOISE), "default": "keras", "help": "default keras"},
    "--fashion": {"metavar": "DIR", "help": "the four files of Fashion-MNIST are here"},
}
options = common.begin("denoise", epochs=25, own=own)
rng = np.random.default_rng(options.seed)
show = partial(common.picture, options)


def windows(x):
    """Return the 3×3 pixels around each of x (N, H, W), the edge continued: (N, H, W, 3, 3)."""
    return sliding_window_view(np.pad(x, ((0, 0), (1, 1), (1, 1)), "edge"), (3, 3), axis=(1, 2))


# %% The digits, the noise, and the best linear map from noisy to clean ones
try:
    clothes = fashion_mnist(options.fashion).test.images if options.fashion else None
except (OSError, ValueError) as error:
    common.refuse(error)
train, test = data = common.load(options)
(one, many), (H, W) = train.nouns, train.images.shape[1:]
if clothes is not None and clothes.shape[1:] != (H, W):
    common.refuse(ValueError(f"--fashion shows images of 28×28, and --data has them of {H}×{W}"))
noise = GaussianNoise(*LESSON_NOISE[options.noise])
clean = train.images.reshape(-1, H * W) / np.float32(255)
A = np.pad(noise(clean, rng=rng), ((0, 0), (0, 1)), constant_values=1)  # a last column for b
w = np.linalg.solve(A.T @ A + np.eye(H * W + 1, dtype=A.dtype), A.T @ clean)

# %% The denoiser
net = common.model_for(NETWORKS[options.network], image=(1, H, W), rng=rng)
encoder = Sequential(Centred(noise.mean), *net.encoder.layers)  # or channels die of brightness
model = Autoencoder(encoder, net.decoder, input_shape=(1, H, W), corruption=noise)
rate = Cosine(RATE, options.epochs * ceil(len(train) / BATCH))
run = {"seed": options.seed, "batch_size": BATCH, "threads": options.threads}
trainer = Trainer(model, Adam(rate), **run)
common.fit(trainer, data, options, f"{options.network}-{options.noise}")

# %% Held-out digits, with noises and of kinds that it has never seen
x = test.images / np.float32(255)
noises = {many: noise}
noises |= {f"{k} noise": GaussianNoise(*v) for k, v in LESSON_NOISE.items() if k != options.noise}
kinds = {name: x for name in noises}
kinds |= {"inverted": 1 - x, "rotated": np.rot90(x, 1 if H == W else 2, axes=(1, 2))}
kinds["thickened"] = windows(x).max(axis=(-2, -1))
if clothes is not None:
    kinds["clothes"] = clothes[: len(x)] / np.float32(255)
filters = {
    "noisy": np.asarray,
    "median 3×3": lambda y: np.median(windows(y), axis=(-2, -1)),
    "linear": lambda y: (y.reshape(-1, H * W) @ w[:-1] + w[-1]).reshape(y.shape).clip(0, 1),
    "denoiser": lambda y: model.reconstruct(y).reshape(y.shape),
}
noisy = {
    k: noises.get(k, noise)(images, rng=np.random.default_rng(options.seed))
    for k, images in kinds.items()
}
found = {k: {name: f(noisy[k]) for name, f in filters.items()} for k in kinds}

# %% Pictures
print("\nPictures")
some = common.one_of_each(test)
rows = {one: x[some]} | {name: y[some] for name, y in found[many].items()}
title = f"Noise as in {options.noise}: what is a line, what is grain, and which {one} is it now?"
show("denoised", image_rows(rows, title=title))

rows = {one: x[some]}
for name in [name for name in noises if name != many]:
    rows |= {name: noisy[name][some], f"{name}, denoised": found[name]["denoiser"][some]}
title = f"It learned {options.noise}'s noise; of others, what does it take for ink?"
show("noises", image_rows(rows, title=title))

rows = {}
for kind in [kind for kind in kinds if kind not in noises]:
    rows |= {kind: kinds[kind][some], f"{kind}, noisy": noisy[kind][some]}
    rows[f"{kind}, denoised"] = found[kind]["denoiser"][some]
title = "Images of other kinds: what does it add that was not there, what does it take away?"
show("unseen", image_rows(rows, title=title))

steps = [rng.random((12, *x.shape[1:]), np.float32)]
for _ in range(STEPS):
    again, fresh = np.split(steps[-1], 2)
    steps.append(filters["denoiser"](np.concatenate([again, noise(fresh, rng=rng)])))
rows = {f"step {i}": y for i, y in enumerate(steps)}
title = "Noise denoised again and again: six as they are, six with fresh noise at each step"
show("iterated", image_rows(rows, title=title))

title = "Fresh noise in every batch: is there anything that was learned by heart?"
lines = {"reconstruction": {"perfect pixels": bce_floor(x)}}
show("losses", loss_curves(trainer.history, baselines=lines, title=title))

# %% The table
head = ("noise removed from", *(f"{name}, {unit}" for unit in ("dB", "SSIM") for name in filters))
rows = [
    (kind, *(measure(kinds[kind], y) for measure in (psnr, ssim) for y in found[kind].values()))
    for kind in kinds
]
loss = trainer.history[-1]["validation"]["reconstruction"] / (H * W)
details = {"network": options.network, "noise": options.noise, "bce_a_pixel": loss}
common.report(options, head, rows, **details)
