"""The graders on trial: they pass what is right, and say what is wrong with what is wrong."""

import pytest
from exercises import Mistake, changed, equivalent, failures, mistakes, other_ways, right
from exercises.mutants import mutants
from exercises.table import REPORT, RUNS, TRIAL, example, parts, runs, table

from nnscratch.exercises.catalogue import EXERCISES

NAMES = [exercise.name for exercise in EXERCISES]
WRONG = [
    pytest.param(name, mistake, id=f"{name}: {mistake.name}")
    for name in NAMES
    for mistake in mistakes(name)
]


@pytest.mark.parametrize("name", NAMES)
def test_the_right_answer_passes(name: str) -> None:
    for seed in range(2):
        assert not failures(name, right(name), seed), seed


@pytest.mark.parametrize("name", NAMES)
def test_another_way_to_write_the_right_answer_passes(name: str) -> None:
    for changes in other_ways(name):
        for seed in range(2):
            assert not failures(name, changed(right(name), changes), seed), changes


@pytest.mark.once
@pytest.mark.parametrize("name", NAMES)
def test_the_right_answer_passes_on_twenty_seeds(name: str) -> None:
    for seed in range(20):
        assert not failures(name, right(name), seed), seed


@pytest.mark.parametrize(("name", "mistake"), WRONG)
def test_a_wrong_answer_fails_with_the_right_diagnosis(name: str, mistake: Mistake) -> None:
    found = failures(name, changed(right(name), mistake.changes))
    assert mistake.told(found), found


@pytest.mark.once
@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_answer_is_named_whatever_is_drawn(name: str) -> None:
    for mistake in mistakes(name):
        for seed in range(1, 6):
            found = failures(name, changed(right(name), mistake.changes), seed)
            assert mistake.told(found), (mistake.name, seed, found)


@pytest.mark.parametrize("name", NAMES)
def test_there_are_eight_wrong_answers_or_more(name: str) -> None:
    assert len({mistake.words for mistake in mistakes(name)}) >= 8


@pytest.mark.once
@pytest.mark.parametrize("name", NAMES)
def test_every_mutant_of_the_right_answer_fails(name: str) -> None:
    left = [words for words, source in mutants(right(name)) if not failures(name, source)]
    assert sorted(left) == sorted(equivalent(name))


@pytest.mark.once
def test_the_table_of_the_page_is_up_to_date() -> None:
    assert parts(TRIAL)[1] == table()


def test_the_page_has_every_exercise() -> None:
    for exercise in EXERCISES:
        assert f"| {exercise.number} | `{exercise.name}` |" in parts(TRIAL)[1]


def test_the_table_of_our_own_runs_is_up_to_date() -> None:
    assert parts(RUNS)[1] == runs()


def test_the_report_of_the_page_is_what_is_printed() -> None:
    assert parts(REPORT)[1] == example()
