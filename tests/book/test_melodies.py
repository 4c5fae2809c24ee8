"""The equations and numbers of docs/melodies.md."""

from functools import cache
from itertools import pairwise

import numpy as np

import nnscratch as nn
from book.ids import equation, number
from nnscratch.data import Melodies
from nnscratch.data.melodies import Tokens, relative
from nnscratch.evaluation import MetreModel, NextStep, NGram, attributes

TRAIN, TEST = nn.data.melodies()
ALL = Melodies(TRAIN.tunes + TEST.tunes)
TRANSPOSED = range(-2, 3)


@equation("witten-bell")
def test_witten_bell() -> None:
    """The probabilities of order 1 from counts by hand and the library's own of order 0."""
    rng = np.random.default_rng(0)
    train = rng.choice(np.array([0, 0, 1, 40, 50], np.uint8), (6, 9))
    smaller = NGram(0).fit(train).probabilities(train)
    found = NGram(1).fit(train).probabilities(train)
    pairs = [(a, b) for row in train for a, b in pairwise(row.tolist())]
    for c in (0, 1, 40, 50):
        after = [b for a, b in pairs if a == c]
        n, u = len(after), len(set(after))
        for x in (0, 1, 40, 50, 89):
            right = (after.count(x) + u * smaller[0, 0, x]) / (n + u)
            left = {found[i, t, x] for i in range(6) for t in range(1, 9) if train[i, t - 1] == c}
            np.testing.assert_allclose(sorted(left), right, rtol=1e-12)


@equation("nats")
def test_nats() -> None:
    """The probabilities of all windows of two tokens add up to 1, with log p(x) as a sum."""
    x = TEST.windows(2).tokens[:30]
    model = MetreModel().fit(x)
    every = np.array([(a, b) for a in range(90) for b in range(90)], np.uint8)
    np.testing.assert_allclose(np.exp(model.log_prob(every).sum(axis=1)).sum(), 1, rtol=1e-10)
    nats = nn.baselines.next_step(model, x).nats
    p = model.probabilities(x)
    by_hand = [-sum(np.log(p[n, t, x[n, t]]) for t in range(32)) for n in range(30)]
    np.testing.assert_allclose(nats, by_hand, rtol=1e-12)


@equation("interval")
def test_interval() -> None:
    x = TEST.windows(2).tokens[:50]
    for row, found in zip(x, attributes.mean_interval(x), strict=True):
        p = [int(token) + 19 for token in row if token >= 2]
        np.testing.assert_allclose(
            found, sum(abs(p[k] - p[k - 1]) for k in range(1, len(p))) / (len(p) - 1)
        )


def as_set(windows: Tokens) -> set[bytes]:
    return {window.tobytes() for window in windows}


@cache
def leaks() -> tuple[float, float]:
    """Return how many percent of the windows of a tenth of the tunes occur in the others, twice.

    As they are, and in any transposition; means of ten draws.
    """
    found = []
    for seed in range(10):
        order = np.random.default_rng(seed).permutation(len(ALL))
        out, rest = (
            Melodies(tuple(ALL.tunes[i] for i in rows)).windows(2).tokens
            for rows in np.split(order, [len(ALL) // 10])
        )
        pairs = ((as_set(out), as_set(rest)), (as_set(relative(out)), as_set(relative(rest))))
        found.append([100 * len(a & b) / len(a) for a, b in pairs])
    one, other = np.mean(found, axis=0)
    return float(one), float(other)


@number("leak")
def leak() -> str:
    return f"{leaks()[0]:.1f}"


@number("leak-relative")
def leak_relative() -> str:
    return f"{leaks()[1]:.1f}"


SIZES = np.bincount([tune.family for tune in ALL.tunes])


@number("families")
def families() -> str:
    return f"{len(SIZES):,}"


@number("largest")
def largest() -> str:
    return f"{SIZES.max()}"


def _count(name: str, part: Melodies, bars: int) -> None:
    @number(f"{name}-{bars}")
    def count() -> str:
        return f"{len(part.windows(bars)):,}"


for bars in (2, 4, 16):
    _count("train", TRAIN, bars)
    _count("test", TEST, bars)


@cache
def foreseen(name: str) -> NextStep:
    """Return how well a model foresees held-out windows: an order, metre or transposed."""
    model = NGram(int(name)) if name.isdigit() else MetreModel()
    model.fit(TRAIN.windows(2).tokens, transposed=TRANSPOSED if name == "transposed" else (0,))
    return nn.baselines.next_step(model, TEST.windows(2).tokens)


def _row(name: str) -> None:
    @number(f"nats-{name}")
    def nats() -> str:
        return f"{foreseen(name).nats.mean():.1f}"

    @number(f"hits-{name}")
    def hits() -> str:
        return f"{foreseen(name).accuracy:.3f}"


for name in ("0", "2", "4", "8", "metre", "transposed"):
    _row(name)


@number("copied")
def copied() -> str:
    return f"{nn.baselines.copied_bar(TEST.windows(2).tokens):.3f}"


@cache
def difficulties() -> list[float]:
    """Return the nats a window of the best model if other families are held out, in order."""
    found = []
    for seed in range(11):
        out = np.random.default_rng(seed).permutation(len(SIZES))[: round(len(SIZES) / 10)]
        train, test = (
            Melodies(tuple(t for t in ALL.tunes if (t.family in set(out.tolist())) == held))
            for held in (False, True)
        )
        model = MetreModel().fit(train.windows(2).tokens, transposed=TRANSPOSED)
        found.append(float(nn.baselines.next_step(model, test.windows(2).tokens).nats.mean()))
    return sorted(found)


@number("easiest", long=True)
def easiest() -> str:
    return f"{difficulties()[0]:.1f}"


@number("hardest", long=True)
def hardest() -> str:
    return f"{difficulties()[-1]:.1f}"
