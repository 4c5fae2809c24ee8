"""Importance weighting as published: the table of Burda, Grosse and Salakhutdinov, cell by cell.

    python -m demos burda                                  some minutes on the embedded digits
    python -m demos burda --cell iwae-5 --stages 6 --data DIR    a cell of the table, on full MNIST
    python -m demos burda --textbook adam                  the same with Adam as it is published

A VAE 784-200-200-50 with tanh learns from K samples of each code: vae-K from the mean of K bounds,
iwae-K from the tighter bound on K weights, dreg-K from the same with less noise in the encoder's
gradient. With --layers 2 there are 100 codes and, above them, 50 more. It is done as the authors'
program does it. What that does in another way than most has a name (--help lists them) and can be
left out.

Eight stages of 1, 3, 9 … 2,187 epochs make 3,280; a run may end after any of them and go on later
with --resume. Pixels are drawn black or white at every step, and once for the test images. What
counts is -log p(x) of these by 5,000 weights. The table has all cells that stand under --out.
Differences from vae-1 are of the same images, so that they are known better than either.

What to look at
    the table      NLL with its standard error, the difference from vae-1 at the same stage, units
                   in use, how many of the weights count (ESS), and the numbers of the paper
    samples.png    draws from the prior
    bound.png      the bound that was trained on, by epochs
"""

import sys
from functools import partial

import numpy as np

from demos import _burda_cells as cells
from demos import _burda_table as tables
from demos import common
from nnscratch.data import binarize
from nnscratch.plots import curves, image_rows
from nnscratch.training import load_model, save_model

words = [*cells.DEVIATIONS, "adam", "all"]
named = "; ".join(f"{name}: {what}" for name, what in cells.DEVIATIONS.items())
own = {
    "--cell": {"choices": list(cells.CELLS), "default": "vae-1", "help": "default vae-1"},
    "--layers": {"type": int, "choices": (1, 2), "default": 1, "help": "stochastic layers"},
    "--stages": {"type": common.between(1, cells.STAGES), "help": "default 3, with --smoke 1"},
    "--textbook": {
        "choices": words,
        "metavar": "NAME",
        "help": f"leave out a deviation; adam: the first four; all: all. {named}",
    },
    "--data": {"metavar": "DIR", "help": "the four files of MNIST; default: embedded digits"},
    "--resume": {"action": "store_true", "help": "go on from the checkpoint under --out"},
    "--threads": {"type": common.between(1, 1024), "help": "default one a core"},
}
options = common.begin("burda", own=own)
stages = options.stages or (1 if options.smoke else 3)
left_out = {"adam": cells.ADAM, "all": tuple(cells.DEVIATIONS)}.get(
    options.textbook, (options.textbook,)
)
used = [name for name in cells.DEVIATIONS if name not in left_out]
run = options.cell + ("-two" if options.layers == 2 else "")
run += f"-{options.textbook}" if options.textbook else ""
if options.layers == 2 and options.cell.startswith("dreg"):
    common.refuse(ValueError("--layers 2: expected a cell vae-K or iwae-K, got " + options.cell))
show = partial(common.picture, options)

# %% The images: the last 400 are left out, as theirs are for validation
data = common.load(options)
shape = data.test.images.shape[1:]
grey, held_out = (part.images.reshape(len(part), -1) for part in data)
train = grey[: len(grey) - min(400, len(grey) // 25)]
test = binarize(held_out, "dynamic", rng=np.random.default_rng(123))

# %% Training, stage by stage
make = cells.two_layers_of if options.layers == 2 else cells.model_of
model = make(options.cell, train, used, np.random.default_rng(options.seed))
trainer = cells.trainer_of(model, len(train), used, seed=options.seed, threads=options.threads)
checkpoint = options.out / f"{run}.safetensors"
if options.resume and checkpoint.exists():
    try:
        trainer.resume(checkpoint)
    except (OSError, ValueError) as error:
        common.refuse(error)
    print(f"{checkpoint} goes on after epoch {trainer.epoch}", flush=True)
for stage in range(1, stages + 1):
    epochs = cells.epochs_until(stage)
    if trainer.epoch > epochs:
        continue
    try:
        trainer.fit(train, epochs=epochs, checkpoint=checkpoint, progress=True)
    except KeyboardInterrupt:
        print(f"\nStopped; {checkpoint} is written. Go on:  {options.command} --resume")
        sys.exit(130)
    save_model(options.out / f"{run}-stage{stage}.safetensors", model)
    print(f"stage {stage} of {cells.STAGES} is done, after {trainer.epoch} epochs", flush=True)

try:
    load_model(options.out / f"{run}-stage{stages}.safetensors", model)  # this stage, or an earlier
except (OSError, ValueError) as error:
    common.refuse(error)

# %% Pictures
rng = np.random.default_rng(options.seed)
drawn = model.sample(60, rng=rng).reshape(3, 20, *shape)
rows = {f"draws {i + 1}": images for i, images in enumerate(drawn)}
show("samples", image_rows(rows, title="Draws from the prior, as means of pixels"))
epochs = [row["epoch"] for row in trainer.history]
bound = {"bound on -log p(x)": [row["train"]["total"] for row in trainer.history]}
show("bound", curves(epochs, bound, title=run, xlabel="epoch", ylabel="nats an image"))

# %% What it is worth
samples = 20 if options.smoke else 5000
tables.write(options.out, run, model, test, train, samples, stages, options.threads)
head, rows = tables.table(options.out)
common.report(options, head, rows, used=used, history=trainer.history)
