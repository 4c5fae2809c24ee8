"""Columns of a batch."""

from types import ModuleType

import numpy as np


def check_columns(module: ModuleType) -> None:
    """Two images of three bytes, in turn, nine in all: black is 0, white is 1, 51 is a fifth."""
    images = np.array([[0, 255, 51], [102, 0, 255]], np.uint8)
    x = module.columns(images, np.arange(9) % 2, np.float64)
    np.testing.assert_array_equal(x[:, 0::2], np.tile([[0], [1], [0.2]], 5))
    np.testing.assert_array_equal(x[:, 1::2], np.tile([[0.4], [0], [1]], 4))
