"""A table of numbers: from a CSV file to codes, errors in the columns' units, gaps, odd rows.

    python -m demos table                               a minute on two cores
    python -m demos table --csv FILE --labels COLUMN    your own; the column of classes, if any

Without a file it writes one: ten measurements of made-up leaves, in which three factors, size, form
and age, are hidden behind products, a square, a cosine and an exponential. Of the rows to learn
from, 2 cells in a hundred are empty. `nn.data.table` reads the file, fills these by means, and
scales the columns to mean 0 and variance 1; then there are

    PCA         the best linear code
    AE          "table_autoencoder": one hidden layer of 64 on either side
    VAE         "table_vae", whose decoder says a mean and a variance for each cell
    masking AE  the network of AE, which learned to say rows of which it was shown 70 % of the cells

and for gaps and odd rows, what one would take without a network:

    Gaussian    normal rows: the conditional mean given the cells that are there, and -log p(x)
    neighbours  the mean of the five nearest rows by the cells that are there; the nearest distance

What to look at
    columns.png  the share of each column's variance that a code of three numbers loses. PCA has
                 nothing to say of a column that rises and falls. A VAE sometimes leaves one out
    sizes.png    the same over the size of a code: an elbow at three, the number of factors, which
                 PCA does not have, as relations are bent
    codes.png    planes of two numbers, by class
    gaps.png     one cell in ten is hidden and filled again: what is the error, beside the column's
                 deviation? The neighbours, for which nothing is learned, are the best
    the tables   errors in the units of the columns; gaps; rows of which one cell was exchanged with
                 another row's, so that each cell by itself is as usual as any: which score finds
                 the row, and which the cell. Here the AE is ahead
"""

import csv
from functools import partial
from math import ceil

import numpy as np

from demos import common
from demos._gaps import conditional_means, from_neighbours, refilled
from demos._plants import leaves, write
from nnscratch.data import table
from nnscratch.evaluation import PCA, auroc, nearest
from nnscratch.files import expanded
from nnscratch.models import build
from nnscratch.models.corruption import Masking
from nnscratch.optimizers import Adam
from nnscratch.plots import latent_panels, score_dots, spread_curves
from nnscratch.schedules import Cosine
from nnscratch.training import Trainer

BATCH, RATE, HIDDEN, GAPS, DRAWS = 64, 3e-3, (64,), 0.1, 20

own = {
    "--csv": {"metavar": "FILE", "type": expanded, "help": "a table; its first line has names"},
    "--labels": {"metavar": "COLUMN", "help": "the column of the file that holds the class"},
    "--threads": {"type": common.between(1, 1024), "help": "default one a core"},
}
options = common.begin("table", latent=3, own=own)
L, show = options.latent, partial(common.picture, options)
SEEDS, ROWS, STEPS = (2, (128, 60), 20) if options.smoke else (5, (2000, 1000), 3000)


# %% The files: a fifth of the rows of one's own is held out
def files(rng):
    """Write train.csv and test.csv under --out; return their paths and the column of classes."""
    paths = options.out / "train.csv", options.out / "test.csv"
    if options.csv is None:
        for path, count, gaps in zip(paths, ROWS, (0.02, 0.0), strict=True):
            write(path, *leaves(count, rng=rng), gaps, rng)
        return paths, "kind"
    table(options.csv, labels=options.labels, missing="mean", report=lambda _: None)  # or refused
    with open(options.csv, newline="", encoding="utf-8-sig") as file:
        head, *lines = filter(None, csv.reader(file))
    column = [name.strip() for name in head].index(options.labels) if options.labels else 0
    order = rng.permutation(len(lines)).tolist()
    needed = {lines[n][column]: n for n in order} if options.labels else {}  # a row of each class
    held_out = [n for n in order if n not in set(needed.values())][: len(lines) // 5]
    learned = [n for n in order if n not in set(held_out)]
    for path, rows in zip(paths, (learned, held_out), strict=True):
        with open(path, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([head, *(lines[n] for n in rows)])
    return paths, options.labels


def read(paths, labels, say):
    """Return both tables; columns of the second are scaled like those of the first."""
    how = {"labels": labels, "report": say}
    first = table(paths[0], missing="mean", **how)
    return first, table(paths[1], missing="drop", like=first, **how)


# %% What learns, and what only counts
def trained(kind, x, size, seed, **others):
    """Return a network that has learned rows for STEPS steps."""
    rng = np.random.default_rng(seed)
    model = build(f"table_{kind}", x.shape[1:], size, hidden=HIDDEN, rng=rng, **others)
    epochs = ceil(STEPS / ceil(len(x) / BATCH))
    rate = Cosine(RATE, epochs * ceil(len(x) / BATCH))
    run = {"seed": seed, "batch_size": min(BATCH, len(x)), "threads": options.threads}
    Trainer(model, Adam(rate), **run).fit(x, epochs=epochs)
    return model


def lost(model, x):
    """Return the mean squared error of each column."""
    return ((model.reconstruct(x) - x) ** 2).mean(axis=0)


# %% Several runs: another table (or another part held out), other first weights
errors, filled, areas, cells = {}, {}, {}, {}
sizes, swaps = {"PCA": {}, "AE": {}}, {}
for seed in range(options.seed, options.seed + SEEDS):
    rng = np.random.default_rng(seed)
    try:
        first, second = read(*files(rng), print if seed == options.seed else lambda _: None)
    except (OSError, ValueError) as error:
        common.refuse(error)
    x, held, columns = first.data.images, second.data.images, first.columns
    D = len(columns)
    if not L < D or len(held) < 20:
        common.refuse(ValueError(f"expected more than {L} columns of numbers and 100 rows"))
    pca = PCA(D).fit(x)
    models = {"PCA": pca.first(L), "AE": trained("autoencoder", x, L, seed)}
    models["VAE"] = trained("vae", x, L, seed)
    for name, model in models.items():
        errors.setdefault(name, []).append(lost(model, held))
    most = min(L + 2, D)
    every = {"PCA": {k: pca.first(k) for k in range(1, most + 1)}, "AE": {L: models["AE"]}}
    for k in {1, 2, most} - {L}:
        every["AE"][k] = trained("autoencoder", x, k, seed)
    for name, by_size in every.items():
        for k in sorted(by_size):
            sizes[name].setdefault(k, []).append(float(lost(by_size[k], held).mean()))

    # Gaps: cells that are there, hidden
    gaps = rng.random(held.shape) < GAPS
    mean, covariance = x.mean(axis=0), np.cov(x.T) + 1e-6 * np.eye(D)
    masking = trained("autoencoder", x, L, seed, corruption=Masking(0.3))
    answers = {
        "mean": np.where(gaps, mean, held),
        "PCA": refilled(models["PCA"], held, gaps),
        "Gaussian": conditional_means(mean, covariance, held, gaps),
        "neighbours": from_neighbours(x, held, gaps),
        "AE": refilled(models["AE"], held, gaps),
        "VAE": refilled(models["VAE"], held, gaps),
        "masking AE": refilled(masking, held, gaps, rounds=1),
    }
    for name, y in answers.items():
        squares = np.where(gaps, (y - held) ** 2, 0).sum(axis=0) / np.maximum(gaps.sum(axis=0), 1)
        filled.setdefault(name, []).append(squares**0.5)

    # Odd rows: a tenth of them has a cell of another row
    odd = np.arange(len(held)) < len(held) // 10
    where = rng.integers(D, size=odd.sum())
    mixed = held.copy()
    mixed[np.flatnonzero(odd), where] = held[rng.permutation(len(held))[: odd.sum()], where]
    noise = np.random.default_rng(seed)
    squares = {name: (models[name].reconstruct(mixed) - mixed) ** 2 for name in ("PCA", "AE")}
    squares = {n: s / np.maximum(lost(models[n], x), 1e-9) for n, s in squares.items()}
    bound = [models["VAE"].log_prob(mixed, rng=noise) for _ in range(DRAWS)]
    away = np.linalg.solve(covariance, (mixed - mean).T).T
    scores = {
        "largest cell": np.abs(mixed).max(axis=1),
        "PCA": squares["PCA"].sum(axis=1),
        "Gaussian": ((mixed - mean) * away).sum(axis=1),
        "neighbours": nearest(x, mixed)[1][:, 0],
        "AE": squares["AE"].sum(axis=1),
        "VAE": -np.mean(bound, axis=0),
    }
    for name, score in scores.items():
        areas.setdefault(name, []).append(auroc(score, odd).mean)
    named = {n: s.argmax(axis=1) for n, s in squares.items()}
    named["Gaussian"] = (away**2 / np.diag(np.linalg.inv(covariance))).argmax(axis=1)
    named["largest cell"] = np.abs(mixed).argmax(axis=1)
    for name, guess in named.items():
        cells.setdefault(name, []).append(float((guess[odd] == where).mean()))
    print(f"seed {seed}: lost by PCA {sizes['PCA'][L][-1]:.4f}, by AE {sizes['AE'][L][-1]:.4f}")

# %% Pictures
print("\nPictures")


def spread(found):
    """Return the mean and the standard deviation over runs, as numbers."""
    return float(np.mean(found)), float(np.std(found, ddof=1))


unit = f"share of the variance lost by {L} numbers; bars: a deviation over {SEEDS} runs"
dots = {
    c: {n: spread([e[d] for e in its]) for n, its in errors.items()} for d, c in enumerate(columns)
}
title = "Which columns does a code tell, and which does it forget?"
show("columns", score_dots(dots, line=1.0, unit=unit, title=title))

words = {"xlabel": "numbers in a code", "ylabel": "share of the variance lost, held out"}
title = "How many factors are there?"
show("sizes", spread_curves({"all columns": sizes}, log=True, title=title, **words))

planes = {"PCA": pca.first(2), "AE": every["AE"][2]}
planes = {name: model.encode(held) for name, model in planes.items()}
title = "Two numbers a row: do the classes keep apart, which nobody has named?"
labels, classes = second.data.labels, second.data.classes
show("codes", latent_panels(planes, labels, classes=classes, title=title))

unit = "error of a cell that was hidden, in the column's deviations"
dots = {
    c: {n: spread([e[d] for e in its]) for n, its in filled.items()} for d, c in enumerate(columns)
}
title = "What is filled into a gap: who is nearest to what was there?"
show("gaps", score_dots(dots, line=1.0, unit=unit, title=title))

# %% An odd row as it is, and as the autoencoder says it is, in the units of the file
row = int(np.flatnonzero(odd)[scores["AE"][odd].argmax()])
pair = np.stack([mixed[row], models["AE"].reconstruct(mixed[row : row + 1])[0]])
unusual = squares["AE"][row]
is_, said = first.scaling.undo(pair)
head = ("the oddest row", *columns)
lines = [("cell", *map(float, is_)), ("as AE says", *map(float, said))]
lines.append(("squares", *map(float, unusual)))
print(f"\n{common.table(head, lines)}\nExchanged: {columns[int(where[row])]}")

# %% The tables; ± is one standard deviation over runs
scale = first.scaling.scale
head = ("error in the column's unit", *columns)
lines = [("deviation of the column", *(float(s) for s in scale))]
lines += [
    (n, *(float(s * np.mean([e[d] for e in its]) ** 0.5) for d, s in enumerate(scale)))
    for n, its in errors.items()
]
print(f"\n{common.table(head, lines)}")
details = {"columns": {n: np.mean(its, axis=0).tolist() for n, its in errors.items()}}

head = ("score", "gap: error", "odd row: AUROC", "odd cell: named")
names = list(dict.fromkeys([*filled, *areas]))
overall = {n: [float(np.mean(e**2)) ** 0.5 for e in its] for n, its in filled.items()}
rows = []
for name in names:
    found = (spread(d[name]) if name in d else None for d in (overall, areas, cells))
    rows.append((name, *(f and f"{f[0]:.3f} ± {f[1]:.3f}" for f in found)))
common.report(options, head, rows, sizes=sizes, gaps=overall, odd=areas, cells=cells, **details)
