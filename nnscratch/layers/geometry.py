"""What the layers on images have in common: pairs of numbers, paddings, sizes of outputs."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..checks.arguments import LARGEST, integer, is_integer
from ..core import Pair, Shape

Padding = int | Pair | tuple[Pair, Pair] | str


def pair(name: str, what: str, value: int | Pair, least: int = 1) -> Pair:
    """Return (rows, columns): value itself if it is a pair, twice the value if it is a number."""
    rows, columns = _two(name, what, value)
    return integers(name, what, value, (rows, columns), least)


def paddings(
    name: str, padding: int | Pair | tuple[Pair, Pair], what: str = "padding"
) -> tuple[Pair, Pair]:
    """Return ((top, bottom), (left, right)), given that, or (rows, columns), or one number."""
    sides = [_two(name, what, side) for side in _two(name, what, padding)]
    rows, columns = (integers(name, what, padding, side, 0) for side in sides)
    return rows, columns


def integers(name: str, what: str, given: Any, sizes: tuple[Any, Any], least: int) -> Pair:
    """Return both sizes; ValueError unless they are integers, and so large."""
    if not all(map(is_integer, sizes)):
        raise ValueError(f"{name}: expected {what} in integers, got {given!r}")
    if min(sizes) < least:
        raise ValueError(f"{name}: expected {what} ≥ {least}, got {given}")
    if max(sizes) > LARGEST:
        raise ValueError(f"{name}: expected {what} ≤ 2⁴⁸, got {given}")
    return int(sizes[0]), int(sizes[1])


def sample_of(name: str, C: int, H: int, W: int) -> Shape:
    """Return (C, H, W), the shape of an output; ValueError if no memory holds such a sample."""
    if C * H * W > LARGEST:
        raise ValueError(f"{name}: expected a sample of at most 2⁴⁸ numbers, got ({C}, {H}, {W})")
    return C, H, W


def check_groups(name: str, C: int, F: int, groups: int) -> None:
    """Raise ValueError unless both numbers of channels can be cut into `groups` parts."""
    integers(name, "channels", (C, F), (C, F), 1)
    if integer(name, "groups", groups) and (C % groups or F % groups):
        raise ValueError(
            f"{name}: expected channels ≥ 1 that groups divide, "
            f"got in {C}, out {F}, groups {groups}"
        )


def same_padding(I: int, K: int, stride: int, dilation: int) -> Pair:  # noqa: E741
    """Return the padding (before, after) that makes ⌈I/stride⌉ outputs of I inputs."""
    reach = (-(-I // stride) - 1) * stride + dilation * (K - 1) + 1
    missing = max(0, reach - I)
    return missing // 2, missing - missing // 2


def windows_along(name: str, I: int, K: int, stride: int, padding: Pair, dilation: int) -> int:  # noqa: E741
    """Return how many windows fit along one axis."""
    reach, room = dilation * (K - 1) + 1, I + sum(padding)
    if min(I, room - reach + 1) < 1:
        raise ValueError(
            f"{name}: a window of {reach} does not fit in {I} + {sum(padding)} padding"
        )
    return (room - reach) // stride + 1


def _two(name: str, what: str, value: Any) -> Any:
    """Return value if it is two of a kind, twice the value if it is one."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, str) or not isinstance(value, Sequence):
        return value, value
    if len(value) != 2:
        raise ValueError(f"{name}: expected {what}, one number or two, got {value!r}")
    return value
