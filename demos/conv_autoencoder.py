"""The lesson's convolutional autoencoder: 4,385 parameters, and codes that still are pictures.

    python -m demos conv_autoencoder                           less than a minute on two cores
    python -m demos conv_autoencoder --data DIR --epochs 25    as in the lesson; some minutes

Three convolutions with 3×3 filters, each with a pool after it, make 14, 7 and 4 pixels of 28; three
with an upsampling after each, and a last one, lead back. The code has 128 numbers, 8×4×4, so what
stands beside it is PCA with 128 components: 101,136 parameters, and the best linear ones.

What to look at
    reconstructions.png  the right strokes, a little soft; PCA-128 makes finer ones, on grey ripples
    codes.png            the code of a digit is eight maps of 4×4: ink where it has what the channel
                         looks for, at the place where it has it. Some channels may be dead
    nudged.png           noise on the code of a digit, in standard deviations of its entries: it
                         turns ragged, and then it is no digit, rather than another digit
    random.png           random codes: from 7·U(0, 1), which is what the lesson draws, come blots;
                         from a Gaussian like that of the codes comes a digit now and then
    losses.png           how the loss fell, and how far PCA-128 is below
    the table            what PCA pays on held-out digits for as many numbers, and how many of its
                         components do for the network's squared error
"""

from functools import partial
from math import ceil, prod

import numpy as np

from demos import common
from nnscratch.evaluation.baselines import PCA, mean_image
from nnscratch.evaluation.metrics import bce, bce_floor, mse, ssim
from nnscratch.models.lesson import conv_autoencoder
from nnscratch.optimizers import Adam
from nnscratch.plots import code_images, image_rows, loss_curves
from nnscratch.schedules import Cosine
from nnscratch.training import Trainer

BATCH, RATE = 128, 5e-3
LARGEST = 7  # of the lesson's random codes
NOISE = (0, 0.25, 0.5, 1, 2)  # in standard deviations

options = common.begin("conv_autoencoder", epochs=40)
rng = np.random.default_rng(options.seed)
show = partial(common.picture, options)

# %% The digits, the network, the training
train, test = data = common.load(options)
(one, many), (H, W) = train.nouns, train.images.shape[1:]
model = common.model_for(conv_autoencoder, image=(1, H, W), rng=rng)
rate = Cosine(RATE, options.epochs * ceil(len(train) / BATCH))
run = {"seed": options.seed, "batch_size": BATCH, "threads": options.threads}
trainer = Trainer(model, Adam(rate), **run)
common.fit(trainer, data, options)

# %% What comes back, from the network and from PCA with as long a code
x, codes = test.images, model.encode(test.images)
k = prod(model.code_shape)
pca = PCA(k).fit(train.images)
pictures = {
    "conv AE": model.decode(codes).reshape(x.shape),
    f"PCA-{k}": pca.reconstruct(x),
    "mean image": np.broadcast_to(mean_image(train.images), x.shape),
}
nats = {name: bce(x, y) for name, y in pictures.items()} | {"perfect pixels": bce_floor(x)}
nats["conv AE"] = trainer.history[-1]["validation"]["reconstruction"]  # from logits, not clipped

# %% Pictures
print("\nPictures")
some = common.one_of_each(test)
rows = {one: x[some]}
rows |= {name: y[some].clip(0, 1) for name, y in pictures.items() if name != "mean image"}
title = f"From {k} numbers: which strokes are soft, and where is a shadow on the paper?"
show("reconstructions", image_rows(rows, title=title))

C = model.code_shape[0]
dead = int((codes.max(axis=(0, 2, 3)) == 0).sum())
names = [test.class_name(label) for label in test.labels[some]]
title = (
    f"Codes of {len(some)} {many}, a map a channel; {dead} of {C} channels are 0 for every {one}"
)
show("codes", code_images(codes[some], names=names, title=title))

noise = codes.std(axis=0) * rng.standard_normal((len(some), *model.code_shape), np.float32)
rows = {f"code + {k:g} σ": model.decode(codes[some] + k * noise) for k in NOISE}
title = f"Noise on the code, more from row to row: how long is it this {one}, and what is it then?"
show("nudged", image_rows(rows, title=title))

uniform = LARGEST * rng.random((10, *model.code_shape), np.float32)
rows = {
    f"{LARGEST}·U(0, 1)": model.decode(uniform),
    "Gaussian": model.sample(10, like=train.images, rng=rng),
}
title = "Random codes, decoded: nobody asked of codes that they fill their space"
show("random", image_rows(rows, title=title))

title = f"How far above PCA-{k}, how far above the least that grey pixels cost?"
lines = {"reconstruction": {name: nats[name] for name in (f"PCA-{k}", "perfect pixels")}}
show("losses", loss_curves(trainer.history, baselines=lines, title=title))

# %% The table; PCA and the mean image are clipped to [0.001, 0.999] for their cross-entropy
figures = ("numbers", "parameters", "BCE a pixel", "MSE a pixel", "SSIM", "PCA needs")
size = sum(p.value.size for p in model.parameters().values())
sizes = {"conv AE": (k, size), f"PCA-{k}": (k, (k + 1) * H * W), "mean image": (0, H * W)}
pca_errors = pca.errors(x) / (H * W)  # with 0, 1, … components
rows = []
for name, y in pictures.items():
    error = mse(x, y)
    enough = int(np.argmax(pca_errors <= error + 1e-12))
    rows.append((name, *sizes[name], nats[name] / (H * W), error, ssim(x, y), enough))
floor = nats["perfect pixels"] / (H * W)
rows.append(("perfect pixels", H * W, None, floor, 0.0, 1.0, None))
facts = {"dead_channels": dead, "zeros": float((codes == 0).mean()), "largest": float(codes.max())}
common.report(options, (f"held-out {many}", *figures), rows, **facts)
