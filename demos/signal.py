"""A signal with something wrong in it: windows of usual beats are learned, and what else differs.

    python -m demos signal              a minute on two cores

The signal is generated: beats like those of a heart, whose length and heights vary, with noise and
a base line that swings. A thousand of them are usual, and windows of 96 steps, two beats long, are
cut from them wherever they begin. Then come 150 unusual ones of five kinds among usual ones:

    missing   there is no beat, and what is left is the base line
    early     a usual beat, 0.3 periods too early
    turned    one of its five waves is upside down
    spike     one step is off by 0.6
    drift     the base line bends for three beats

Four scores say how unusual a window is. A window belongs to its middle step, so that a score runs
along the signal:

    AE error        |x - x̂|² of a convolutional autoencoder, 16 numbers a window
    PCA error       the same of PCA with 16 components
    nearest window  the distance to the nearest one that was learned from (a matrix profile)
    mean beat       the distance to the mean of all windows with a beat in the middle, where the
                    window is moved by up to half a period to fit best

What to look at
    signal.png    a stretch with one of each kind; below it the scores, a dot at the five highest
    windows.png   a usual window and unusual ones, and what is there instead: the AE can say beats
                  wherever they begin, PCA cannot. It says no beat when there is one missing
    sizes.png     a code may be too long: from 64 numbers the AE paints missing beats, too. That 16
                  is right for it, and 32 for PCA, one knows only by anomalies
    beats.png     how many usual beats there must be to learn from: of a few hundred the AE makes
                  more than the nearest window can, which knows no beat that it has not seen
    the table     AUROC by kind and of all, average precision, and how many of the 150 are found if
                  one looks where the score is highest, 150 times
"""

from functools import partial
from math import ceil

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from demos import common
from demos._beats import KINDS, PERIOD, record
from nnscratch.evaluation import PCA, auroc, average_precision, nearest, squared_errors
from nnscratch.models import build
from nnscratch.optimizers import Adam
from nnscratch.plots import scored_signal, signal_rows, spread_curves
from nnscratch.schedules import Cosine
from nnscratch.training import Trainer

W, STRIDE, STEP, GAP = 96, 5, 2, 6  # steps: a window, from one to the next; beats between anomalies
L, CHANNELS, BATCH, RATE = 16, (16, 32), 128, 3e-3

own = {"--threads": {"type": common.between(1, 1024), "help": "default one a core"}}
options = common.begin("signal", own=own)
SEEDS, BEATS, EACH, STEPS = (2, 100, 2, 8) if options.smoke else (5, 1000, 30, 640)
SIZES, AMOUNTS = ((L,), (BEATS,)) if options.smoke else ((4, L, 32, 64), (100, 300, BEATS))
show = partial(common.picture, options)


# %% The scores: functions of windows (N, W), or of the signal
def windows(signal, stride):
    """Return the windows of a signal (T,), one every `stride` steps."""
    return sliding_window_view(signal, W)[::stride].astype(np.float32)


def along(values, stride, T):
    """Return what windows say as a score of each of T steps: a window's belongs to its middle."""
    return np.interp(np.arange(T), W // 2 + stride * np.arange(len(values)), values)


def autoencoder(usual, size, seed):
    """Return a convolutional autoencoder of windows that has learned for STEPS steps."""
    options_of = {"channels": CHANNELS, "rng": np.random.default_rng(seed)}
    model = build("conv_autoencoder", (W,), size, **options_of)
    epochs = ceil(STEPS / ceil(len(usual) / BATCH))
    rate = Cosine(RATE, epochs * ceil(len(usual) / BATCH))
    run = {"seed": seed, "batch_size": BATCH, "threads": options.threads}
    Trainer(model, Adam(rate), **run).fit(usual[:, :, None], epochs=epochs)
    return model


def painted(model, x):
    """Return what a model makes of windows (N, W)."""
    y = model.reconstruct(x if isinstance(model, PCA) else x[:, :, None])
    return y.reshape(x.shape)


def error(model, signal):
    """Return the squared error of a model along a signal."""
    x = windows(signal, STEP)
    return along(squared_errors(x, painted(model, x)), STEP, len(signal))


def to_nearest(usual, signal):
    """Return the distance to the nearest usual window along a signal."""
    return along(nearest(usual, windows(signal, STEP))[1][:, 0], STEP, len(signal))


def to_mean_beat(every, signal):
    """Return the distance to the mean beat where it fits best, half a period to either side."""
    beat = every[every.argmax(axis=1) == W // 2].mean(axis=0)
    distance = along(((windows(signal, 1) - beat) ** 2).sum(axis=1), 1, len(signal))
    half = PERIOD // 2
    return sliding_window_view(np.pad(distance, half, mode="edge"), 2 * half + 1).min(axis=1)


def highest(score, count):
    """Return the steps of the highest scores, no two of them within three beats of each other."""
    left, steps = score.copy(), []
    left[:W] = left[-W:] = -np.inf  # where there is no whole window
    for _ in range(count):
        steps.append(int(left.argmax()))
        left[max(0, steps[-1] - 3 * PERIOD) : steps[-1] + 3 * PERIOD] = -np.inf
    return steps


# %% The judgement: the largest score within half a beat of an anomaly, and midway between two
def judged(score, test):
    """Return AUROC by kind and of all, the average precision, and the share of places found."""
    middles = np.array([middle for _, middle in test.anomalies])
    kinds = np.array([kind for kind, _ in test.anomalies])
    usual = (middles[1:] + middles[:-1]) // 2
    near = sliding_window_view(np.pad(score, PERIOD // 2, mode="edge"), PERIOD + 1).max(axis=1)
    figures = {}
    for kind in (*KINDS, "all"):
        high = near[middles[(kinds == kind) | (kind == "all")]]
        values, flags = np.concatenate([high, near[usual]]), np.arange(len(high) + len(usual))
        figures[kind] = auroc(values, flags < len(high)).mean
    figures["precision"] = average_precision(values, flags < len(high))
    places = np.array(highest(score, len(middles)))
    figures["found"] = float((np.abs(middles[:, None] - places).min(axis=1) <= W // 2).mean())
    return figures


# %% Several runs, each with signals and first weights of its own
SCORES = (f"AE-{L} error", f"PCA-{L} error", "nearest window", "mean beat")
results = {name: [] for name in SCORES}
sizes, missing = {n: {k: [] for k in SIZES} for n in ("AE", "PCA")}, {k: [] for k in SIZES}
amounts = {name: {beats: [] for beats in AMOUNTS} for name in SCORES}
for seed in range(options.seed, options.seed + SEEDS):
    rng = np.random.default_rng(seed)
    signal = record(BEATS, {}, rng=rng).signal
    kinds = rng.permutation(np.repeat(KINDS, EACH))
    unusual = {GAP * (n + 1): str(kind) for n, kind in enumerate(kinds)}
    test = record(GAP * (len(kinds) + 2), unusual, rng=rng)
    for beats in AMOUNTS:
        usual, every = (windows(signal[: beats * PERIOD], stride) for stride in (STRIDE, 1))
        models = [autoencoder(usual, L, seed), PCA(L).fit(usual)]
        scores = [partial(error, model) for model in models]
        scores += [partial(to_nearest, usual), partial(to_mean_beat, every)]
        scores = dict(zip(SCORES, scores, strict=True))
        figures = {name: judged(score(test.signal), test) for name, score in scores.items()}
        for name in SCORES:
            amounts[name][beats].append(figures[name]["all"])
    for name in SCORES:  # of all beats
        results[name].append(figures[name])
    for size in SIZES:
        ae = models[0] if size == L else autoencoder(usual, size, seed)
        for name, model in (("AE", ae), ("PCA", models[1].first(size))):
            figures_of_size = judged(error(model, test.signal), test)
            sizes[name][size].append(figures_of_size["all"])
            if name == "AE":
                missing[size].append(figures_of_size["missing"])
    print(f"seed {seed}: AUROC", *(f"{n} {figures[n]['all']:.3f}" for n in SCORES), flush=True)

# %% Pictures: of the last run
print("\nPictures")
rng = np.random.default_rng(options.seed)
stretch = record(5 * len(KINDS) + 4, {5 * n + 4: k for n, k in enumerate(KINDS)}, rng=rng)
values = {name: score(stretch.signal) for name, score in scores.items()}
found = {name: highest(score, len(KINDS)) for name, score in values.items()}
places = {"marks": stretch.anomalies, "width": PERIOD, "found": found}
title = "One of each kind: which of the five highest places of a score are in the grey?"
show("signal", scored_signal(stretch.signal, values, title=title, **places))

middles = [stretch.anomalies[0][1] - 2 * PERIOD, *(middle for _, middle in stretch.anomalies)]
some = np.stack([stretch.signal[m - W // 2 : m + W // 2] for m in middles]).astype(np.float32)
rows = {f"AE-{L}": painted(models[0], some), f"PCA-{L}": painted(models[1], some)}
rows["nearest"] = usual[nearest(usual, some)[0][:, 0]]
title = f"A usual window, then {', '.join(KINDS)}: what is not said again (blue), that was there?"
show("windows", signal_rows(some, rows, title=title))

words = {"ylabel": "AUROC of all kinds"}
title = "Is a code too short for beats, or too long?"
panel = {f"{BEATS:,} beats, {SEEDS} runs": sizes}
show("sizes", spread_curves(panel, xlabel="numbers in a code", title=title, **words))
title = "How many beats does it take to know?"
panel = {f"{SEEDS} runs": amounts}
show("beats", spread_curves(panel, xlabel="usual beats", title=title, **words))

# %% The table: means and standard deviations over the runs
head = ("score", *KINDS, "all", "average precision", "places found")
rows = []
for name, runs in results.items():
    columns = {key: [figures[key] for figures in runs] for key in runs[0]}
    spread = (f"{np.mean(v):.3f} ± {np.std(v, ddof=1):.3f}" for v in columns.values())
    rows.append((name, *spread))
common.report(options, head, rows, runs=results, sizes=sizes, missing=missing, beats=amounts)
