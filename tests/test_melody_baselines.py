"""Models that count melodies, against a literal reading of their formula with dictionaries."""

from collections import Counter, defaultdict
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nnscratch as nn
from nnscratch.data import melodies, transpose
from nnscratch.data.melodies import Tokens
from nnscratch.evaluation import MetreModel, NGram, copied_bar, next_step
from nnscratch.evaluation.melody_baselines import CountingModel

Contexts = Callable[[list[int], int], list[tuple[int, ...]]]


def ngram(order: int) -> Contexts:
    """Return the contexts of step t of an n-gram, the smallest first; -1 is a mark."""

    def contexts(x: list[int], t: int) -> list[tuple[int, ...]]:
        before = [-1] * order + x[:t]
        return [tuple(before[len(before) - n :]) for n in range(order + 1)]

    return contexts


def metre(x: list[int], t: int) -> list[tuple[int, ...]]:
    """Return the place, and one note after the other: its pitch, and how long before the later."""
    context, later = (t % 16,), t
    all_of_them = [context]
    notes = [i for i in range(t) if x[i] >= 2][::-1]
    for n in range(3):
        context += (x[notes[n]], min(later - notes[n], 64)) if n < len(notes) else (0, 0)
        later = notes[n] if n < len(notes) else later
        all_of_them.append(context)
    return all_of_them


def by_hand(train: Tokens, contexts: Contexts, x: list[int], t: int) -> list[float]:
    """Return p(· | x_<t) by Witten and Bell's formula."""
    counts: defaultdict[tuple[int, tuple[int, ...]], Counter[int]] = defaultdict(Counter)
    for row in train.tolist():
        for s in range(len(row)):
            for n, context in enumerate(contexts(row, s)):
                counts[n, context][row[s]] += 1
    p = [1 / 90] * 90
    for n, context in enumerate(contexts(x, t)):
        if (n, context) in counts:
            seen = counts[n, context]
            below = sum(seen.values()) + len(seen)
            p = [(seen[token] + len(seen) * p[token]) / below for token in range(90)]
    return p


@given(
    model=st.sampled_from(
        [(NGram(n), ngram(n)) for n in (0, 1, 2, 8)] + [(MetreModel(), metre)] * 3
    ),
    seed=st.integers(0, 999),
)
def test_probabilities(model: tuple[CountingModel, Contexts], seed: int) -> None:
    rng = np.random.default_rng(seed)
    steps = int(rng.choice([3, 20, 80]))
    train, x = (
        rng.choice(np.array([0, 0, 0, 1, 40, 89], np.uint8), (int(rng.integers(1, 4)), steps))
        for _ in range(2)
    )
    counting, contexts = model
    counting.fit(train)
    p = counting.probabilities(x)
    n, t = int(rng.integers(len(x))), int(rng.integers(steps))
    np.testing.assert_allclose(p[n, t], by_hand(train, contexts, x[n].tolist(), t), rtol=1e-12)
    np.testing.assert_allclose(p.sum(axis=2), 1, rtol=1e-12)
    taken = np.take_along_axis(p, x[..., None].astype(int), axis=2)[..., 0]
    np.testing.assert_allclose(counting.log_prob(x), np.log(taken), rtol=1e-12)
    np.testing.assert_array_equal(counting.foreseen(x), p.argmax(axis=2))


def test_a_unigram_by_hand() -> None:
    """Of four tokens three are 0 and one is 40: (3 + 2/90)/6 and (1 + 2/90)/6."""
    model = NGram(0).fit(np.array([[0, 0], [40, 0]], np.uint8))
    p = model.probabilities(np.zeros((1, 1), np.uint8))[0, 0]
    assert p[0] == pytest.approx((3 + 2 / 90) / 6)
    assert p[40] == pytest.approx((1 + 2 / 90) / 6)
    assert p[7] == pytest.approx(1 / 90 / 3)
    found = next_step(model, np.array([[0, 0], [0, 40]], np.uint8))
    assert found.accuracy == 0.75
    np.testing.assert_allclose(found.nats, [-2 * np.log(p[0]), -np.log(p[0] * p[40])])
    assert str(found) == f"{found.nats.mean():.1f} nats a window, accuracy 0.750"


def test_counting_in_transpositions_is_counting_transposed_windows() -> None:
    x = melodies().test.windows(2).tokens[:40]
    one = MetreModel().fit(x, transposed=(-1, 0, 2)).log_prob(x)
    other = MetreModel().fit(np.concatenate([transpose(x, k) for k in (-1, 0, 2)])).log_prob(x)
    np.testing.assert_array_equal(one, other)


def test_blocks_make_no_difference() -> None:
    x = melodies().test.windows(2).tokens[:300]
    model = NGram(2).fit(x)
    np.testing.assert_array_equal(model.log_prob(x)[280:], model.log_prob(x[280:]))


def test_the_bar_before() -> None:
    x = np.array([[*range(16), *range(15), 89]], np.uint8)
    assert copied_bar(x) == 15 / 16
    with pytest.raises(ValueError, match="expected windows of more than a bar"):
        copied_bar(x[:, :16])


def test_all_baselines_are_in_one_place() -> None:
    assert nn.baselines.NGram is NGram
    assert set(nn.baselines.__all__) <= set(dir(nn.baselines))


@pytest.mark.parametrize("order", [-1, 9, 1.5, True])
def test_what_is_no_order(order: int) -> None:
    with pytest.raises(ValueError, match="NGram: expected order"):
        NGram(order)


def test_a_model_that_has_not_counted() -> None:
    x = np.zeros((1, 4), np.uint8)
    with pytest.raises(ValueError, match="MetreModel: expected a call of fit first"):
        MetreModel().log_prob(x)
    with pytest.raises(ValueError, match="NGram fit tokens: expected 0 to 89"):
        NGram(1).fit(np.full((1, 4), 90, np.uint8))
