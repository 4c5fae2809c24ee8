"""The cost of a step on several ranks: the formula, its fit, and machines that are namespaces."""

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import namespaces, ranks
from benchmarks.step_cost import Network, bytes_sent, communication, fitted, step_time

NETWORKS = st.builds(Network, st.floats(1e-6, 1e-3), st.floats(1e6, 1e10))
SIZES = st.lists(st.integers(1, 10**7), min_size=2, max_size=6, unique=True)


@given(NETWORKS, SIZES, st.integers(2, 64))
def test_times_by_the_formula_are_fitted_by_its_network(
    network: Network, sizes: list[int], S: int
) -> None:
    points = [(P, S, communication(P, S, S, network)) for P in sizes]
    found = fitted(points)
    for P, _, seconds in points:
        assert communication(P, S, S, found) == pytest.approx(seconds, rel=1e-6)


@given(SIZES, st.lists(st.floats(1e-6, 1), min_size=6, max_size=6))
def test_no_other_network_is_nearer(sizes: list[int], times: list[float]) -> None:
    points = [(P, 2, t) for P, t in zip(sizes, times, strict=False)]
    found = fitted(points)
    assert found.latency >= 0
    assert found.bandwidth > 0

    def error(network: Network) -> float:
        return sum((communication(P, S, S, network) / t - 1) ** 2 for P, S, t in points)

    for latency, bandwidth in [(1.01, 1), (0.99, 1), (1, 1.01), (1, 0.99)]:
        near = Network(found.latency * latency, found.bandwidth * bandwidth)
        assert error(found) <= error(near) * (1 + 1e-9) + 1e-12


def test_no_more_time_for_more_bytes_is_latency_alone() -> None:
    found = fitted([(1_000, 2, 2e-3), (1_000_000, 2, 1e-3)])
    assert math.isinf(found.bandwidth)
    assert found.latency > 0


def test_one_size_does_not_tell_latency_and_bandwidth_apart() -> None:
    with pytest.raises(ValueError, match="expected points of two sizes or more"):
        fitted([(1_000, 2, 1e-3), (1_000, 2, 2e-3)])


def test_an_example_by_hand() -> None:
    """A million parameters, four ranks with a replica each, 100 MB a second, 10 µs a message."""
    network = Network(10e-6, 1e8)
    assert bytes_sent(1_000_000, 4, 4) == 6_000_000
    assert communication(1_000_000, 4, 4, network) == pytest.approx(6 * 3 * 10e-6 + 0.06)
    assert step_time(0.1, 1_000_000, 4, network) == pytest.approx(0.1 + 0.06018)
    assert step_time(0.1, 1_000_000, 4, network, turns=2) == pytest.approx(0.2 + 0.06018)


def test_one_rank_sends_nothing() -> None:
    assert step_time(0.1, 1_000_000, 1, Network(1, 1)) == 0.1


def test_without_the_rights_a_sentence_says_what_was_not_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ranks, "MISSING", "")
    monkeypatch.setattr(namespaces, "missing", lambda: "network namespaces need root")
    options: Any = type("Options", (), {"smoke": False})
    assert all(not place.gigabits for place in ranks.places(options))
    said = capsys.readouterr().out
    assert said == "NOT MEASURED: ranks on several machines: network namespaces need root\n"


def test_without_mpi_a_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ranks, "MISSING", 'needs pip install "nnscratch[cluster]"')
    options: Any = type("Options", (), {"smoke": False})
    assert ranks.places(options) == []
    said = capsys.readouterr().out
    assert (
        said == 'NOT MEASURED: more than one rank, which needs pip install "nnscratch[cluster]"\n'
    )


def test_a_command_that_fails_is_an_error_that_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And the namespaces that were made before it are removed."""
    ip = tmp_path / "ip"
    ip.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n[ "$1" != -n ] || exit 1\n')
    ip.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with (
        pytest.raises(OSError, match="link set lo up"),
        namespaces.machines(2, 1, tmp_path),
    ):
        raise AssertionError("machines were made without ip")
    calls = (tmp_path / "calls").read_text().splitlines()
    added = [call.split()[-1] for call in calls if "netns add" in call]
    assert added
    assert added == [call.split()[-1] for call in calls if "netns del" in call]
