"""All of the lesson's numbers in one table: ours, the lesson's, and what costs nothing.

    python -m demos results --data DIR --page docs/results.md     the full MNIST, an hour
    python -m demos results --only vae-2                          one of the rows
    python -m demos results --epochs 5                            none of them for longer

Every row is a network of the lesson, trained anew: on the digits to learn from, measured on the
held-out ones, in nats an image; a VAE's KL counts once, whatever β it was trained with. The lesson
prints means over pixels, here times 784. Three lines belong under each: perfect pixels (grey pixels
cost their entropy whatever one does), PCA with as many numbers a digit, and the mean image.

One seed may flatter: every figure is the median of three, with the lowest and the highest. What a
network and a seed gave is kept under --out; --resume does not train it again.

What to look at
    results.png   the distance of each bar from the floor, and on which side of PCA it ends
    the table     the same in numbers; with --page also a page of it, with seeds, data and versions
"""

import hashlib
import json
import subprocess
import time
from argparse import Namespace
from contextlib import suppress
from functools import cache
from math import ceil
from statistics import median
from typing import Any

import numpy as np

from demos import HERE, common
from demos._rows import ROWS, Row
from nnscratch.evaluation import elbo
from nnscratch.evaluation.baselines import PCA, mean_image
from nnscratch.evaluation.metrics import bce, bce_floor
from nnscratch.evaluation.probes import SoftmaxProbe, accuracy
from nnscratch.files import expanded, write_whole
from nnscratch.models import AdversarialAutoencoder, Autoencoder
from nnscratch.optimizers import Adam
from nnscratch.plots import score_bars
from nnscratch.schedules import Cosine
from nnscratch.training import Trainer
from nnscratch.training.adversarial import AdversarialTrainer

BATCH = 128

own = {
    "--only": {"choices": ROWS, "help": "train this one alone; default all, with --smoke vae-2"},
    "--page": {"metavar": "FILE", "type": expanded, "help": "write a page of Markdown, too"},
    "--seeds": {
        "metavar": "N",
        "type": common.between(1, 100),
        "default": 3,
        "help": "how many, from --seed on; default 3",
    },
    "--known": {"action": "store_true", "help": "train nothing, show what is known under --out"},
}
options = common.begin("results", epochs=1000, own=own)
chosen = [options.only] if options.only else ["vae-2"] if options.smoke else list(ROWS)
seeds = range(options.seed, options.seed + options.seeds)

# %% The digits, and what costs nothing
train, test = data = common.load(options)
x, many, image = test.images, train.nouns[1], (1, *train.images.shape[1:])
lessons = many == "digits"  # the lesson has no figures of other images
floor, mean = bce_floor(x), bce(x, np.broadcast_to(mean_image(train.images), x.shape))
sha = hashlib.sha256(train.images.tobytes() + x.tobytes()).hexdigest()[:16]


def epochs(row: Row) -> int:
    """Return how many epochs to train for."""
    return min(row.epochs, options.epochs)


def versions() -> dict[str, str]:
    """Return what a figure may depend on, with the commit where this is a checkout."""
    words = ["git", "-C", str(HERE), "describe", "--always", "--dirty"]
    found = common.versions()
    with suppress(OSError, subprocess.CalledProcessError):
        commit = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
        found["nnscratch"] += f" (commit {commit})"
    return found


def readable(coder: Autoencoder | PCA) -> float:
    """Return how often the class of a held-out digit is read off its code."""
    probe = SoftmaxProbe().fit(coder.encode(train.images), train.labels)
    return accuracy(probe.predict(coder.encode(x)), test.labels)


@cache
def linear(k: int) -> PCA:
    """Return PCA with k numbers a digit."""
    return PCA(k).fit(train.images)


def outcome(name: str, seed: int) -> dict[str, Any] | None:
    """Return what a network and a seed gave; train it if that is not known, or return None."""
    row = ROWS[name]
    recipe = {"row": name, "seed": seed, "epochs": epochs(row), "rate": row.rate, "data": sha}
    path = options.out / f"{name}-{seed}.json"
    if (options.resume or options.known) and path.exists():
        known: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if known["recipe"] == recipe:
            return known
    if options.known:
        return None
    made = {"recipe": recipe, "versions": versions()}
    made["figures"] = measured(*train_one(row, seed, f"{name}-{seed}"), seed)
    write_whole(path, f"{json.dumps(made, indent=2)}\n".encode(), "outcome")
    return made


def train_one(row: Row, seed: int, name: str) -> tuple[Autoencoder, list]:
    """Train one of the networks; return it with its history."""
    model = common.model_for(row.make, image=image, rng=np.random.default_rng(seed))
    rate = Cosine(row.rate, epochs(row) * ceil(len(train) / BATCH))
    run = {"seed": seed, "batch_size": BATCH, "threads": options.threads}
    if isinstance(model, AdversarialAutoencoder):
        trainer = AdversarialTrainer(model, Adam(rate), Adam(rate, beta1=0.5), **run)
    else:
        trainer = Trainer(model, Adam(rate), **run)
    common.fit(trainer, data, Namespace(**vars(options) | {"epochs": epochs(row)}), name)
    return model, trainer.history


def measured(model: Autoencoder, history: list, seed: int) -> dict[str, float]:
    """Return what a trained network costs on the held-out digits, and what else is known of it."""
    last = history[-1]["validation"]
    if "kl" in last:
        bound = elbo(model, x, rng=np.random.default_rng(seed))
        found = {"total": bound.total.mean, "error": bound.total.error, "kl": bound.kl.mean}
        return found | {"right": readable(model)}
    if "accuracy" in last:
        first, final = (history[i]["train"]["accuracy"] for i in (0, -1))
        return {"total": last["reconstruction"], "first": first, "final": final}
    return {"total": last["total"]}


# %% One after the other
head = (f"held-out {many}, nats", "epochs", "seeds", "ours", "lowest to highest", "± images")
head += ("lesson", "PCA, same size", "KL", "note")
rows, bars, made_with = [], {}, set()
for name in chosen:
    row, start, outcomes = ROWS[name], time.perf_counter(), []
    for seed in seeds:
        print(f"{name}, seed {seed}")
        outcomes.append(outcome(name, seed))
    outcomes = [made for made in outcomes if made]
    if not outcomes:
        continue
    made_with |= {", ".join(map(" ".join, made["versions"].items())) for made in outcomes}
    figures = [made["figures"] for made in outcomes]
    middle = {key: median(figure[key] for figure in figures) for key in figures[0]}
    totals = [figure["total"] for figure in figures]
    spread = f"{min(totals):.2f} to {max(totals):.2f}" if len(totals) > 1 else None
    pca = row.code and bce(x, linear(row.code).reconstruct(x))
    lesson, note = row.lesson * x[0].size if row.lesson and lessons else None, row.note
    if "right" in middle:
        right = f"{middle['right']:.1%} of classes right by a softmax probe of its codes"
        note = f"{right}, {readable(linear(row.code)):.1%} of PCA's"
    if "final" in middle:
        note = (
            f"D right: {middle['first']:.2f} in the first epoch, {middle['final']:.2f} in the last"
        )
    ours, error, kl = (middle.get(key) for key in ("total", "error", "kl"))
    rows.append((name, epochs(row), len(totals), ours, spread, error, lesson, pca, kl, note))
    bars[name] = {"ours": ours, "lesson": lesson, "PCA, same size": pca}
    print(f"    {ours:.2f} nats, {time.perf_counter() - start:.0f} s\n")
if not rows:
    common.refuse(ValueError(f"--known: nothing has been trained yet under {options.out}"))
for name, total in (("mean image", mean), ("perfect pixels", floor)):
    rows.append((name, None, None, total, *(None,) * 6))

# %% The picture, the table, the page
print("Pictures")
title = f"What a held-out {train.nouns[0]} costs; below the line nobody can go"
common.picture(options, "results", score_bars(bars, floor=floor, title=title))
if options.page:
    cells = [[common.cell(value) for value in row] for row in rows]
    lines = [f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *cells)]
    words = (
        "# The lesson's numbers, trained anew\n\n"
        f"Nats an image on held-out {many}: the mean over pixels, times {x[0].size}; lower is "
        "better.\n"
        "Ours are medians over seeds, with the lowest and the highest of their totals.\n"
        "The lesson's figures are what its notebooks print, where it has one that compares.\n\n"
        f"Made by `{options.command}`.\n"
        f"{train.name}: {len(train):,} {many} to learn from and {len(x):,} held out, the SHA-256\n"
        f"of their bytes begins with {sha}; "
        f"trained with {'; and with '.join(sorted(made_with))}.\n\n"
    )
    write_whole(options.page, f"{words}{chr(10).join(lines)}\n".encode(), "page")
    print(f"    {options.page}")
common.report(options, head, rows, data_sha256=sha)
