"""Both ways to the gradient of the filters, of whatever shape: the choice must not matter."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nnscratch
from nnscratch.kernels import filter_products, filter_sums
from nnscratch.kernels.plain_images import Windows, add_filter_gradient

pytestmark = [pytest.mark.image_kernel, pytest.mark.fast("kernels do not run there")]


def pairs(least: int, most: int) -> Any:
    """Two numbers, of the rows and of the columns."""
    return st.tuples(st.integers(least, most), st.integers(least, most))


@given(
    channels=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    image=pairs(1, 6),
    outputs=pairs(1, 5),
    windows=st.builds(Windows, pairs(1, 4), pairs(1, 3), pairs(0, 3), pairs(1, 2)),
    N=st.integers(1, 35),
    way=st.sampled_from([filter_products.products, filter_sums.sums]),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 99),
)
def test_the_definition(
    channels: tuple[int, int],
    image: tuple[int, int],
    outputs: tuple[int, int],
    windows: Windows,
    N: int,
    way: Any,
    dtype: Any,
    seed: int,
) -> None:
    """Up to the rounding of a sum of so many products, in any order: see test_shipping.py."""
    (F, C), rng = channels, np.random.default_rng(seed)
    x = rng.standard_normal((C, *image, N)).astype(dtype)
    dy = rng.standard_normal((F, *outputs, N)).astype(dtype)
    want, size = np.zeros((2, F, C, *windows.size))
    with nnscratch.plain():
        add_filter_gradient(x.astype(np.float64), dy.astype(np.float64), windows, want)
        add_filter_gradient(
            np.abs(x).astype(np.float64), np.abs(dy).astype(np.float64), windows, size
        )
    got = way(x, dy, windows, want.shape)
    assert got.dtype == dtype
    assert got.shape == want.shape
    terms = outputs[0] * outputs[1] * N
    assert (np.abs(got - want) <= (terms + 2) * np.finfo(dtype).eps * size).all()
