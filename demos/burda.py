"""Importance weighting as published: the table of Burda, Grosse and Salakhutdinov, cell by cell.

    python -m demos burda                                  some minutes on the embedded digits
    python -m demos burda --cell iwae-5 --stages 6 --data DIR    a cell of the table, on full MNIST
    python -m demos burda --textbook adam                  the same with Adam as it is published
    python -m demos burda --cells vae-1,iwae-5,iwae-50     several cells, one after the other
    mpiexec -n 3 python -m mpi4py.futures -m demos burda --cells …    the same by two workers

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

from functools import partial

from demos import _burda_cells as cells
from demos import _burda_farm as farm
from demos import _burda_runs as runs
from demos import _burda_table as tables
from demos import common
from nnscratch.plots import curves, image_rows

words = [*cells.DEVIATIONS, "adam", "all"]
named = "; ".join(f"{name}: {what}" for name, what in cells.DEVIATIONS.items())
own = {
    "--cell": {"choices": list(cells.CELLS), "help": "default vae-1"},
    "--cells": {"metavar": "NAMES", "help": "several cells, with commas between them"},
    "--layers": {"type": int, "choices": (1, 2), "default": 1, "help": "stochastic layers"},
    "--stages": {"type": common.between(1, cells.STAGES), "help": "default 3, with --smoke 1"},
    "--textbook": {
        "choices": words,
        "metavar": "NAME",
        "help": f"leave out a deviation; adam: the first four; all: all. {named}",
    },
    "--data": {"metavar": "DIR", "help": "the four files of MNIST; default: embedded digits"},
    "--resume": {"action": "store_true", "help": "go on from the checkpoints under --out"},
    "--threads": {
        "type": common.between(1, 1024),
        "help": "of a cell; default one a core, or a worker's share of the cores",
    },
}
options = common.begin("burda", own=own)
show = partial(common.picture, options)
try:
    farm.workers()
    settings = runs.settings_of(options)
except ValueError as error:
    common.refuse(error)

# %% The images to learn from, and those to be judged by, whose pixels are black or white
data = common.load(options)
shape = data.test.images.shape[1:]
train, test = runs.black_and_white(data)

# %% Each cell is trained stage by stage, and judged
ended = farm.run_all(settings, train, test)
farm.end_if_stopped(ended, options.command)
problems = farm.problems(ended)
trained = {each.its.run: each.trained for each in ended if each.trained}
if not trained:
    common.refuse(ValueError(problems))

# %% Pictures
rows, lines = {}, {}
for run, found in trained.items():
    rows[run] = found.drawn.reshape(-1, *shape)
    epochs = [row["epoch"] for row in found.history]
    lines[run] = [row["train"]["total"] for row in found.history]
show("samples", image_rows(rows, title="Draws from the prior, as means of pixels"))
bound = "Bound on -log p(x) that was trained on"
show("bound", curves(epochs, lines, title=bound, xlabel="epoch", ylabel="nats an image"))

# %% What they are worth
head, rows = tables.table(options.out)
histories = {run: found.history for run, found in trained.items()}
common.report(options, head, rows, used=cells.used_without(options.textbook), history=histories)
if problems:
    common.refuse(ValueError(problems))
