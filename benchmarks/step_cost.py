"""What a step costs on several ranks, as a formula: bytes, latency and the number of ranks.

S ranks run the R replicas of a model of P parameters (nnscratch/training/ranks.py). Symbols and
what they leave out stand in docs/many_machines.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MEETINGS = 6
"""Calls of MPI in a step: one for the gradients and one for θ; two each for the terms of the loss
and for signals, since mpi4py says first how long a Python object is."""


@dataclass(frozen=True)
class Network:
    """What joins the ranks: seconds until a message is there, and bytes a second that a rank sends.

    latency is for each call of MPI and each other rank.
    """

    latency: float
    bandwidth: float


def bytes_sent(P: int, R: int, S: int, itemsize: int = 4) -> float:
    """Return how many bytes of gradients and of θ a rank sends to others in a step."""
    return itemsize * P * (R / S + 1) * (S - 1) / S


def communication(P: int, R: int, S: int, network: Network) -> float:
    """Return the seconds that a step's messages take: none for a rank by itself."""
    return MEETINGS * network.latency * (S - 1) + bytes_sent(P, R, S) / network.bandwidth


def step_time(own: float, P: int, S: int, network: Network, turns: float = 1) -> float:
    """Return the seconds of a step on S ranks with a replica each.

    own    seconds in which one rank by itself makes a step on its share of the batch
    turns  ranks to a core, where there are more of them than cores
    """
    return own * max(1, turns) + communication(P, S, S, network)


def fitted(points: Sequence[tuple[int, int, float]]) -> Network:
    """Return the network for which `communication` is nearest to (P, S, seconds), R = S.

    It makes the sum of squared relative errors least, neither time being below zero: where large
    messages take no longer than small ones the bandwidth is infinite.

    Raises
        ValueError if the points do not tell latency and bandwidth apart.
    """
    rows = [(MEETINGS * (S - 1), bytes_sent(P, S, S)) for P, S, _ in points]
    A = np.array(rows, float).reshape(-1, 2) / np.array([t for *_, t in points]).reshape(-1, 1)
    if np.linalg.matrix_rank(A) < 2:
        raise ValueError(f"fitted: expected points of two sizes or more, got {list(points)}")
    latency, per_byte = np.linalg.lstsq(A, np.ones(len(A)))[0]
    if latency < 0:
        latency, per_byte = 0.0, A[:, 1].sum() / (A[:, 1] ** 2).sum()
    elif per_byte <= 0:
        latency, per_byte = A[:, 0].sum() / (A[:, 0] ** 2).sum(), 0.0
    return Network(float(latency), 1 / float(per_byte) if per_byte else float("inf"))
