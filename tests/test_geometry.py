"""Sizes of windows and steps: which values say them, and which say nothing."""

from typing import Any

import numpy as np
import pytest

from nnscratch.layers import (
    Conv1d,
    Conv2d,
    ConvTranspose2d,
    MaxPool2d,
    UpsampleNearest2d,
    ZeroPad2d,
)
from nnscratch.layers.geometry import paddings, pair

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("value", [2, np.int64(2), (2, 2), [2, 2], np.array([2, 2])], ids=repr)
def test_ways_to_say_two_and_two(value: Any) -> None:
    assert pair("f", "stride", value) == (2, 2)
    assert all(type(side) is int for side in pair("f", "stride", value))
    assert paddings("f", value) == ((2, 2), (2, 2))
    assert all(type(side) is int for sides in paddings("f", value) for side in sides)


def test_ways_to_say_that_sides_differ() -> None:
    assert paddings("f", (1, 2)) == ((1, 1), (2, 2))
    assert paddings("f", ((1, 2), (3, 4))) == ((1, 2), (3, 4))
    assert paddings("f", np.array([[1, 2], [3, 4]])) == ((1, 2), (3, 4))


NO_SIZES = [1.5, float("nan"), float("inf"), "ab", None, (), (1,), (1, 2, 3), (1, 1.5), (1, None)]


@pytest.mark.parametrize("value", NO_SIZES, ids=repr)
@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda value: Conv2d(1, 1, value, rng=RNG), "Conv2d: expected kernel_size"),
        (lambda value: Conv2d(1, 1, 2, stride=value, rng=RNG), "Conv2d: expected stride"),
        (lambda value: Conv2d(1, 1, 2, padding=value, rng=RNG), "Conv2d: expected padding"),
        (lambda value: Conv2d(1, 1, 2, dilation=value, rng=RNG), "Conv2d: expected dilation"),
        (
            lambda value: ConvTranspose2d(1, 1, 2, output_padding=value, rng=RNG),
            "ConvTranspose2d: expected output_padding",
        ),
        (lambda value: MaxPool2d(value), "MaxPool2d: expected kernel_size"),
        (lambda value: UpsampleNearest2d(value), "UpsampleNearest2d: expected scale_factor"),
        (lambda value: ZeroPad2d(value), "ZeroPad2d: expected padding"),
        (lambda value: Conv1d(1, 1, value, rng=RNG), "Conv1d: expected kernel_size"),
        (lambda value: Conv1d(1, 1, 2, stride=value, rng=RNG), "Conv1d: expected stride"),
        (lambda value: Conv1d(1, 1, 2, dilation=value, rng=RNG), "Conv1d: expected dilation"),
        (lambda value: Conv1d(1, 1, 2, padding=value, rng=RNG), "Conv1d: expected padding"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_size_is_refused_by_name(make: Any, what: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{what}"):
        make(value)


def test_a_sample_is_as_large_as_memory_allows() -> None:
    """2⁴⁸ numbers are the most: channels count, as rows and columns do."""
    layer = UpsampleNearest2d(2**22)
    assert layer.output_shape((16, 1, 1)) == (16, 2**22, 2**22)
    with pytest.raises(ValueError, match="expected a sample of at most 2⁴⁸ numbers"):
        layer.output_shape((17, 1, 1))
