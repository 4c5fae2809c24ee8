"""Posterior collapse, live: codes that fall silent while a VAE learns, and two cures.

    python -m demos collapse      a minute or two on two cores

A code costs KL from the first step on, and pays only once the decoder has learned to read it. A
deep decoder learns that late. By then most dimensions have withdrawn to the prior, N(0, 1) whatever
the image is; a decoder that hears only noise from them learns to ignore them, and few come back.

Here 784-256-256-256-32 and back learns four times: as it is; with a β that rises from 0 to 1 during
the first half of the training (warm-up); and with the first 16 nats of every code's KL free (free
bits), then 40. A network with one hidden layer on either side never was ill, and stands beside.

KL is no merit in itself. All are judged by BCE + KL at β = 1, the negative ELBO: a cure that lowers
it has freed a network that was stuck; one that only raises the KL has bought codes that do not pay.
Dimensions that would not pay are silent rightly, and no illness (demos rate_distortion). Warm-up is
from Bowman et al. and Sønderby et al. (both 2016), free bits from Kingma et al. (2016).

What to look at
    each epoch's line    ends with a bar for each dimension, full at two nats, and with how many
                         are active: whose mean code differs, be it little, from image to image
    kl.png               KL by dimension and epoch: which go dark, and do any come back?
    units.png            how many dimensions say something, a tenth of a nat or more
    bound.png            BCE + KL over the epochs, whatever β and allowance the training is at
    reconstructions.png  what is lost on images when dimensions are silent
    the table            what each cure does to the KL, and what to the bound
"""

from functools import partial
from math import ceil

import numpy as np

from demos import common
from nnscratch.evaluation import active_units, elbo
from nnscratch.evaluation.metrics import bce_floor
from nnscratch.losses import gaussian_kl_per_dimension
from nnscratch.models.lesson import dense_vae
from nnscratch.optimizers import Adam
from nnscratch.plots import curves, image_rows, kl_panels
from nnscratch.schedules import Cosine, Linear
from nnscratch.training import Trainer

BATCH, RATE, DEEP, SHALLOW = 128, 3e-3, (256, 256, 256), (256,)
SAYS = 0.1  # nats

options = common.begin("collapse", epochs=15, latent=32)
L, show = options.latent, partial(common.picture, options)
train, test = data = common.load(options)
x, (one, many) = test.images, train.nouns


# %% A trainer that looks at every dimension after every epoch
class Watch(Trainer):
    """Enters into its history what each dimension carries, and shows it."""

    def close_epoch(self, *ended):
        """Look at the held-out images as well."""
        super().close_epoch(*ended)
        mu, logvar = self.model.posterior(x)
        kl = gaussian_kl_per_dimension(mu.T, logvar.T)
        self.history[-1] |= {"each": kl.tolist(), "active": int(active_units(mu).sum())}

    def line(self, epochs):
        """Append a bar a dimension, in the order of what they carry."""
        row = self.history[-1]
        bars = "".join(" ▁▂▃▄▅▆▇█"[min(int(4 * kl), 8)] for kl in sorted(row["each"])[::-1])
        terms = row["validation"]
        nats = f"BCE {terms['reconstruction']:.1f} + KL {terms['kl']:4.1f}"
        return f"epoch {row['epoch']:>2}/{epochs}  {nats}  |{bars}| {row['active']} of {L} active"


# %% The network, as it is and cured, and a shallow one
steps = options.epochs * ceil(len(train) / BATCH)
warm_up = {"beta": Linear(0, 1, ceil(steps / 2))}
cases = {  # hidden layers, free nats, what changes by the step
    "three layers": (DEEP, 0.0, None),
    "warm-up": (DEEP, 0.0, warm_up),
    "16 nats free": (DEEP, 16.0, None),
    "40 nats free": (DEEP, 40.0, None),
    "one layer": (SHALLOW, 0.0, None),
}
models, history = {}, {}
for name, (hidden, free, anneal) in cases.items():
    print(name)
    models[name] = dense_vae(hidden, L, pixels=x[0].size, rng=np.random.default_rng(options.seed))
    models[name].free_bits = free
    run = {"seed": options.seed, "batch_size": BATCH, "threads": options.threads}
    trainer = Watch(models[name], Adam(Cosine(RATE, steps)), anneal=anneal, **run)
    common.fit(trainer, data, options, name.replace(" ", "-"))
    history[name] = trainer.history
    print()

# %% Pictures
epochs = [row["epoch"] for row in history["warm-up"]]
each = {name: np.array([row["each"] for row in rows]) for name, rows in history.items()}
show("kl", kl_panels(each, title="KL of every dimension by epoch: which say something, and when?"))

says = {name: (kl > SAYS).sum(axis=1) for name, kl in each.items()}
words = {"xlabel": "epoch", "ylabel": f"dimensions of {SAYS} nats and more"}
title = f"How many of the {L} dimensions say something about the image?"
show("units", curves(epochs, says, title=title, **words))

bound = {
    name: [row["validation"]["reconstruction"] + row["validation"]["kl"] for row in rows]
    for name, rows in history.items()
}
words = {"xlabel": "epoch", "ylabel": "BCE + KL, nats an image"}
title = "The bound at β = 1: does a cure pay, or does it only raise the KL?"
show("bound", curves(epochs, bound, title=title, **words))

some = common.one_of_each(test)
rows = {one: x[some]}
rows |= {name: m.reconstruct(x[some]).reshape(x[some].shape) for name, m in models.items()}
title = f"Held-out {many}: what do the dimensions say that were silent before?"
show("reconstructions", image_rows(rows, title=title))

# %% The table
head = (
    f"held-out {many}",
    "BCE, nats an image",
    "KL, nats an image",
    "BCE + KL",
    "vs three layers",
)
head += ("active units", f"of {SAYS} nats and more")
table = []
for name, model in models.items():
    worth = elbo(model, x, rng=np.random.default_rng(options.seed))
    nats = (worth.reconstruction, worth.kl, worth.total)
    better = worth.total.mean - table[0][3].mean if table else None
    table.append((name, *nats, better, worth.active_units, int(says[name][-1])))
table.append(("perfect pixels", bce_floor(x), None, None, None, None, None))
common.report(options, head, table, history=history)
