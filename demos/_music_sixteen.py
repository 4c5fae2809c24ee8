"""Melodies of sixteen bars: a conductor above a decoder of bars, and a flat decoder."""

from argparse import Namespace

import numpy as np

from demos._music_models import SIXTEEN, trained
from demos._music_tables import Table, foreseen, redrawn
from nnscratch.core import IntArray
from nnscratch.data import Split
from nnscratch.evaluation.elbo import estimate
from nnscratch.evaluation.melody_baselines import MetreModel, copied_bar, next_step


def compared(
    data: Split[IntArray], options: Namespace, rng: np.random.Generator
) -> tuple[Table, list[tuple[str, IntArray]]]:
    """Return the table of both models, and a melody or two from the prior of each."""
    head = ("held-out windows of sixteen bars", "bound, nats", "KL, nats", "parameters")
    head += ("next event right", "redrawn")
    worth = next_step(MetreModel().fit(data.train, transposed=range(-2, 3)), data.test)
    rows = [
        ("metre and last notes", estimate(worth.nats), None, None, worth.accuracy, None),
        ("each bar = the bar before", None, None, None, copied_bar(data.test), None),
    ]
    drawn = []
    for name, plan in SIXTEEN.items():
        model = trained(name, plan, {}, data, options)
        bound = estimate(-model.log_prob(data.test, rng=rng))
        mu, logvar = model.posterior(data.test)
        kl = estimate((mu**2 + np.expm1(logvar) - logvar).sum(axis=1) / 2)
        size = sum(p.value.size for p in model.parameters().values())
        shares = foreseen(model, data.test, rng), redrawn(model, data.test, rng)
        rows.append((name, bound, kl, size, *shares))
        for i, melody in enumerate(model.sample(2, temperature=0.5, rng=rng)):
            drawn.append((f"{name} {i + 1}", melody.astype(np.uint8)))
    return (head, rows), drawn
