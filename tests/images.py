"""What Hypothesis draws for the layers on images."""

from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from numba import config

from nnscratch.core import Array
from nnscratch.kernels.machine.processor import BYTES

JIT = not config.DISABLE_JIT
FEW = 25 if JIT else 6
"""Examples of a test that runs kernels as Python too."""

BATCHES = st.integers(1, 3 * BYTES // 4)
"""From one sample to three vectors of float32."""

DTYPES = st.sampled_from([np.float32, np.float64])


def assert_close(got: Array, want: Array, dtype: Any) -> None:
    """Equal up to roundings of terms of size 1, of which there are up to a few hundred."""
    assert got.dtype == dtype
    eps = float(np.finfo(dtype).eps)
    np.testing.assert_allclose(got, want, rtol=100 * eps, atol=300 * eps)


class Drawn(NamedTuple):
    """A convolution that has at least one output; sizes, options, and a seed for the numbers."""

    x_shape: tuple[int, int, int, int]
    F: int
    K: tuple[int, int]
    options: dict[str, Any]
    seed: int


@st.composite
def convolutions(draw: Any, most: int = 2, side: int = 5, batch: Any = None) -> Drawn:
    """At most `most` channels of each kind a group; images of at most side × side, or a window."""
    G = draw(st.integers(1, 2))
    C, F = (G * draw(st.integers(1, most)) for _ in range(2))
    sizes, K, stride, padding, dilation = [], [], [], [], []
    for _ in range(2):
        k, d = draw(st.integers(1, 3)), draw(st.integers(1, 2))
        before, after = draw(st.integers(0, 2)), draw(st.integers(0, 2))
        reach = d * (k - 1) + 1
        least = max(1, reach - before - after)
        sizes.append(draw(st.integers(least, max(least, side))))
        stride.append(draw(st.integers(1, 3)))
        K.append(k)
        dilation.append(d)
        padding.append((before, after))
    options = {
        "stride": tuple(stride),
        "padding": tuple(padding),
        "dilation": tuple(dilation),
        "groups": G,
    }
    N = draw(st.integers(1, 3) if batch is None else batch)
    return Drawn((C, sizes[0], sizes[1], N), F, (K[0], K[1]), options, draw(st.integers(0, 99)))


def place(options: dict[str, Any]) -> tuple[Any, ...]:
    """The options in the order of reference.conv2d."""
    return tuple(options[name] for name in ("stride", "padding", "dilation", "groups"))
