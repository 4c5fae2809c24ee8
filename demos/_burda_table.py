"""What a trained cell is worth, and the table of all cells that have been trained."""

import json

import numpy as np

from demos import _burda_cells as cells
from nnscratch.evaluation import active_units, estimate, importance_nll
from nnscratch.files import write_whole

FIRST = 500
"""Training images whose posterior means say which units are in use, as in the authors' program."""


def write(out, run, model, test, train, samples, stage, threads):
    """Judge a model by the test images (N, D), black or white, and write what was found."""
    rng = np.random.default_rng(123)
    found = importance_nll(model, test, samples=samples, rng=rng, threads=threads)
    mu, logvar = model.posterior(train[:FIRST], threads=threads)
    layers = [mu]
    if hasattr(model, "upper_means"):  # of draws of the codes below, as they have it
        layers.append(model.upper_means(mu + np.exp(logvar / 2) * rng.standard_normal(mu.shape)))
    worth = {
        "stage": stage,
        "samples": samples,
        "active": "+".join(str(active_units(codes).sum()) for codes in layers),
        "effective": float(np.median(found.effective)),
        "nll": (-found.log_prob).round(4).tolist(),
    }
    text = json.dumps(worth)
    write_whole(out / f"{run}-stage{stage}.json", text.encode(), "table")


def table(out):
    """Return the head and the rows of all cells that were judged, in the order of the paper."""
    found = {}
    for path in out.glob("*-stage?.json"):
        run, _, stage = path.stem.rpartition("-stage")
        found[run, int(stage)] = json.loads(path.read_text("utf-8"))
    order = list(cells.CELLS)
    rows = []
    for run, stage in sorted(found, key=lambda key: (key[1], order.index(cell_of(key[0])), key)):
        worth, base = found[run, stage], found.get(("vae-1", stage))
        nll, alike = np.array(worth["nll"]), ("samples", "stage")
        gap = None
        if base and run != "vae-1" and all(base[name] == worth[name] for name in alike):
            gap = str(estimate(nll - np.array(base["nll"])))
        paper = cells.PAPER.get(run, (None, None))
        row = run, stage, worth["samples"], str(estimate(nll)), gap, worth["active"]
        rows.append((*row, worth["effective"], *paper))
    head = "cell", "stage", "weights", "NLL, nats", "vs vae-1, paired", "active units"
    return (*head, "ESS, median", "paper's NLL", "paper's units"), rows


def cell_of(run):
    """Return the cell that a run is of, which its first two words say."""
    return "-".join(run.split("-")[:2])
