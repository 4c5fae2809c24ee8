"""Super-resolution: from 14×14 pixels, or 7×7, to 28×28; is it more than interpolation?

    python -m demos superres                           a minute and a half on two cores
    python -m demos superres --factor 4                from 7×7
    python -m demos superres --data DIR --epochs 25    on the full MNIST, as in the lesson

Large images are learned from, of which the network sees the means of tiles of 2×2 pixels. Two
networks: the lesson's autoencoder, which squeezes what it sees through 4×4×8 = 128 numbers first,
and one without a bottleneck, four convolutions on top of bilinear interpolation.

What to look at
    restored.png    the lesson's network paints some such digit, the other one this very digit, far
                    sharper than interpolation does; from 7×7 pixels both have to guess
    unseen.png      images of other kinds. Digits turned around are no trouble without bottleneck,
                    for it knows edges, not digits. Noise: one makes a blot of it, always the same,
                    the other strokes; but from 7×7 grey, for no digit has such an edge
    bottleneck.png  how the loss fell, beside what interpolation costs without any learning: at ×2
                    it was not worth the trouble
    direct.png      the same without bottleneck: better than interpolation after one epoch
    the table       PSNR, SSIM and cross-entropy (BCE) beside nearest and bilinear interpolation, on
                    held-out digits and on images of other kinds
"""

from functools import partial
from math import ceil

import numpy as np

from demos import common
from nnscratch.data import downsample, upsample_bilinear, upsample_nearest
from nnscratch.evaluation.metrics import bce, bce_floor, psnr, ssim
from nnscratch.layers import Conv2d, MaxPool2d, ReLU, Sequential, UpsampleBilinear2d
from nnscratch.models import Autoencoder
from nnscratch.models.corruption import Downsampling
from nnscratch.models.lesson import conv_autoencoder
from nnscratch.optimizers import Adam
from nnscratch.plots import image_rows, loss_curves
from nnscratch.schedules import Cosine
from nnscratch.training import Trainer

BATCH, RATE = 128, 3e-3

own = {"--factor": {"type": int, "choices": (2, 4), "default": 2, "help": "default 2"}}
options = common.begin("superres", epochs=20, own=own)
rng = np.random.default_rng(options.seed)
show = partial(common.picture, options)
train, test = data = common.load(options)
(one, many), (H, W) = train.nouns, train.images.shape[1:]
K, image = options.factor, (1, H, W)
large, few = f"{H}×{W}", f"{H // options.factor}×{W // options.factor}"

# %% Two networks
conv = partial(Conv2d, kernel_size=3, padding="same", rng=rng)
pool = partial(MaxPool2d, 2, ceil_mode=True)
lesson = {
    2: (conv(1, 16), ReLU(), pool(), conv(16, 8), ReLU(), pool()),
    4: (conv(1, 16), ReLU(), conv(16, 8), ReLU(), pool()),
}
convs = (conv(1, 16), ReLU(), conv(16, 16), ReLU(), conv(16, 16), ReLU())
decoder = partial(common.model_for, conv_autoencoder, image=image, rng=rng)
task = {"input_shape": image, "corruption": Downsampling(K)}
models = {
    "bottleneck": Autoencoder(Sequential(*lesson[K]), decoder().decoder, **task),
    "direct": Autoencoder(Sequential(UpsampleBilinear2d(K), *convs), conv(16, 1), **task),
}

# %% Held-out digits, images of kinds they have never seen, and interpolation of both
x = test.images / np.float32(255)
kinds = {many: x, "inverted": 1 - x, "rotated": np.rot90(x, 1 if H == W else 2, axes=(1, 2))}
kinds["noise"] = rng.random(x.shape, np.float32)
small = {kind: downsample(images, K) for kind, images in kinds.items()}
methods = {"nearest": partial(upsample_nearest, factor=K)}
methods["bilinear"] = partial(upsample_bilinear, factor=K)
lines = {name: bce(x, f(small[many])) for name, f in methods.items()}
lines["perfect pixels"] = bce_floor(x)

# %% Training
for name, model in models.items():
    size = sum(p.value.size for p in model.parameters().values())
    print(f"{name}: {size:,} parameters, codes of {np.prod(model.code_shape):,} numbers")
    rate = Cosine(RATE, options.epochs * ceil(len(train) / BATCH))
    run = {"seed": options.seed, "batch_size": BATCH, "threads": options.threads}
    trainer = Trainer(model, Adam(rate), **run)
    common.fit(trainer, data, options, f"{name}-{K}")
    title = f"×{K}, {name}: is it worth more than interpolation, and when?"
    show(name, loss_curves(trainer.history, baselines={"reconstruction": lines}, title=title))
    print()
    methods[name] = lambda y, model=model: model.reconstruct(y).reshape(-1, H, W)
found = {kind: {name: f(small[kind]) for name, f in methods.items()} for kind in kinds}

# %% Pictures
some = common.one_of_each(test)
rows = {large: x[some]} | {name: y[some] for name, y in found[many].items()}
rows[few] = rows.pop("nearest")
order = (large, few, "bilinear", *models)
title = f"From {few} pixels: which of the rows is the same {one}, and which one is sharp?"
show("restored", image_rows({name: rows[name] for name in order}, title=title))

rows = {}
for kind in [kind for kind in kinds if kind != many]:
    rows[f"{kind}, {few}"] = found[kind]["nearest"][some]
    rows |= {f"{kind}, {name}": found[kind][name][some] for name in models}
title = "Images of other kinds: what is painted there that nobody has seen?"
show("unseen", image_rows(rows, title=title))

# %% The table; of all pictures clipped to [0.001, 0.999]
head = (f"×{K}", "PSNR, dB", "SSIM", "BCE a pixel")
rows = [
    (f"{kind}, {name}", psnr(kinds[kind], y), ssim(kinds[kind], y), bce(kinds[kind], y) / (H * W))
    for kind in kinds
    for name, y in found[kind].items()
]
rows.append((f"{many}, perfect pixels", None, 1.0, bce_floor(x) / (H * W)))
common.report(options, head, rows, factor=K)
