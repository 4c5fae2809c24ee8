"""Max pooling: the largest of each window, and which of its pixels that was.

A window is a list of pixels, the same for every channel and sample: window r of the output holds
pixels[t] for starts[r] ≤ t < starts[r + 1], in row-major order. Padding is what no list has.
"""

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from ..core import Array, IntArray, Pair
from .machine.jit import kernel
from .machine.simd import (
    add,
    load_up_to,
    relu,
    size_of_vector,
    splat,
    store_up_to,
    where_equal,
    where_larger,
    zero,
)
from .plain_images import Windows


class Lists(NamedTuple):
    """Every window as a list of pixels.

    starts  (R + 1,)  where the list of each of the R windows begins, and where the last one ends
    pixels  (T,)      all lists, one after the other; a pixel's number is row · W + column
    places  (T,)      which tap of its window a pixel lies under: 1, 2, …, in the dtype of the image
    """

    starts: IntArray
    pixels: IntArray
    places: Array


@cache
def lists(windows: Windows, image: Pair, outputs: Pair, dtype: "np.dtype[Any]") -> Lists:
    """Return the lists of all windows (h, m), row by row."""
    (KH, KW), (SH, SW), (PH, PW), (DH, DW) = windows
    h, m, k, j = np.indices((*outputs, KH, KW))
    i, l = h * SH - PH + k * DH, m * SW - PW + j * DW  # noqa: E741
    inside = (i >= 0) & (i < image[0]) & (l >= 0) & (l < image[1])
    starts = np.concatenate([[0], inside.sum(axis=(2, 3)).cumsum()])
    pixels = (i * image[1] + l)[inside]
    return Lists(starts, pixels, (1 + k * KW + j)[inside].astype(dtype))


def max_pool(x: Array, windows: Windows, outputs: Pair, relu: bool = False) -> tuple[Array, Array]:
    """Return the largest pixel of every window, and which tap's it was: see plain_images.py."""
    C, H, W, N = x.shape
    starts, pixels, places = lists(windows, (H, W), outputs, x.dtype)
    y = np.empty((C, *outputs, N), x.dtype)
    winner = np.empty_like(y)
    flat = (C, starts.size - 1, N)
    max_pool_kernel(
        np.ascontiguousarray(x).reshape(C, H * W, N),
        starts,
        pixels,
        places,
        relu,
        y.reshape(flat),
        winner.reshape(flat),
    )
    return y, winner


def max_pool_backward(dy: Array, winner: Array, windows: Windows, image: Pair) -> Array:
    """Return dx, in which every window's dy is added to the pixel that has won it."""
    C, OH, OW, N = dy.shape
    tables = lists(windows, image, (OH, OW), dy.dtype)
    dx = np.empty((C, *image, N), dy.dtype)
    flat = (C, OH * OW, N)
    max_pool_backward_kernel(
        np.ascontiguousarray(dy).reshape(flat),
        winner.reshape(flat),
        *tables,
        dx.reshape(C, image[0] * image[1], N),
    )
    return dx


@kernel
def max_pool_kernel(
    x: Array,
    starts: IntArray,
    pixels: IntArray,
    places: Array,
    rectify: bool,
    y: Array,
    winner: Array,
) -> None:
    """y[c, r, n] = max_t x[c, pixels[t], n], and winner[c, r, n] = places[t] of the largest.

    Of equal values the first wins; a NaN beats every number, and an earlier NaN. With `rectify`
    y = max(0, ·), and where that is 0 the winner is 0, which is nobody's place.

        x  (C, P, N)      places  numbers > 0, different in a window
        y, winner  (C, R, N)
    """
    (C, P, N), R = x.shape, y.shape[1]
    V = size_of_vector(x)
    source, out, which = x.reshape(x.size), y.reshape(y.size), winner.reshape(winner.size)
    for c in range(C):
        for r in range(R):
            at = (c * R + r) * N
            # Two vectors of samples at a time; `left` lanes of them are samples, the rest is empty.
            for n in range(0, N, 2 * V):
                p, left = (c * P + pixels[starts[r]]) * N + n, N - n
                best0, best1 = load_up_to(source, p, left), load_up_to(source, p + V, left - V)
                place0 = place1 = splat(places, starts[r])
                for t in range(starts[r] + 1, starts[r + 1]):
                    p, place = (c * P + pixels[t]) * N + n, splat(places, t)
                    u, v = load_up_to(source, p, left), load_up_to(source, p + V, left - V)
                    place0 = where_larger(u, best0, place, place0)
                    place1 = where_larger(v, best1, place, place1)
                    best0 = where_larger(u, best0, u, best0)
                    best1 = where_larger(v, best1, v, best1)
                if rectify:  # a pixel has won only if it is larger than 0
                    nobody = zero(out)
                    place0 = where_larger(best0, nobody, place0, nobody)
                    place1 = where_larger(best1, nobody, place1, nobody)
                    best0, best1 = relu(best0), relu(best1)
                store_up_to(out, at + n, best0, left)
                store_up_to(out, at + n + V, best1, left - V)
                store_up_to(which, at + n, place0, left)
                store_up_to(which, at + n + V, place1, left - V)


@kernel
def max_pool_backward_kernel(
    dy: Array, winner: Array, starts: IntArray, pixels: IntArray, places: Array, dx: Array
) -> None:
    """dx[c, p, n] = Σ_r dy[c, r, n] over the windows that x[c, p, n] has won; shapes as above."""
    (C, P, N), R = dx.shape, dy.shape[1]
    V = size_of_vector(dy)
    source, out, which = dy.reshape(dy.size), dx.reshape(dx.size), winner.reshape(winner.size)
    for c in range(C):
        # dx starts at 0; then each window adds its dy to the pixel that has won it. Its other
        # pixels get 0 added, lane by lane: which one has won differs from sample to sample.
        for p in range(0, P * N, V):
            store_up_to(out, c * P * N + p, zero(out), P * N - p)
        for r in range(R):
            at = (c * R + r) * N
            for n in range(0, N, V):
                left = N - n
                v, winner_n = load_up_to(source, at + n, left), load_up_to(which, at + n, left)
                for t in range(starts[r], starts[r + 1]):
                    p = (c * P + pixels[t]) * N + n
                    won = where_equal(splat(places, t), winner_n, v)
                    store_up_to(out, p, add(load_up_to(out, p, left), won), left)
