"""A small share of what `python -m tests.fuzz` tries, and that it would notice what is wrong."""

import numpy as np
import pytest
from fuzz import Case, Fault, run
from fuzz.families import FAMILIES, SHARES, family_of

from nnscratch.checks.arguments import integer

EACH = 60


@pytest.mark.parametrize("family", FAMILIES)
def test_whatever_comes_in_is_understood_or_refused(family: str) -> None:
    faults = []
    for i in range(EACH):
        try:
            run(FAMILIES[family](np.random.default_rng([1, i])))
        except Fault as fault:
            faults.append(str(fault))
    assert not faults, "\n".join(faults)


def test_every_family_gets_its_share() -> None:
    names = [family_of(i) for i in range(10 * sum(SHARES.values()))]
    assert {name: names.count(name) for name in SHARES} == {k: 10 * n for k, n in SHARES.items()}


def warns() -> float:
    """Divide by zero, of which NumPy warns."""
    return float(np.float64(1) / np.float64(0))


ONES = np.ones(3)


def writes() -> None:
    """Change what was lent."""
    ONES[0] += 1


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (Case("f", lambda: [][0], None), "IndexError"),
        (Case("f", lambda: int("x"), None), "ValueError"),  # Python's, not the library's
        (Case("f", warns, None), "RuntimeWarning"),
        (Case("f", lambda: 1.0, False), "accepted what cannot be meant"),
        (Case("f", lambda: integer("f", "n", 0), True), "refused what can only be meant"),
        (Case("f", lambda: {"total": np.nan}, None), "not finite"),
        (Case("f", lambda: ONES, None, lambda: ONES + 1), "silently another result"),
        (Case("f", lambda: ONES, None, lambda: ONES[:2]), r"expected a result \(2,\), got \(3,\)"),
        (Case("f", writes, None, lent=ONES), "the input was changed"),
    ],
)
def test_a_fault_is_noticed(case: Case, words: str) -> None:
    with pytest.raises(Fault, match=words):
        run(case)


def test_what_is_right_is_no_fault() -> None:
    assert run(Case("f", lambda: integer("f", "n", 0), False)) == "refused"
    assert run(Case("f", lambda: {"total": 1.0}, True, lambda: {"total": 1.0 + 1e-6})) == "accepted"
