"""Would a gradient check notice? A fault in every way through the kernels, and a layer that does.

checks/planting.py plants them: the changed source runs as plain Python, in place of the kernel.
"""

import pytest
from checks.shipping import convict
from numba import config

pytestmark = pytest.mark.fast("kernels do not run there")

ENTRIES = 6
"""Of each array, drawn at random, for interpreted kernels are slow."""

SMALL = "few numbers", "rows in one block"
"""Of which 30 entries are checked, all of the filters."""

FAULTS: dict[str, list[tuple[str, str, str]]] = {
    "kernels/product.py": [
        ("k * N + first + j))", "first + j))", "a net"),
        ("K + k, K, packed", "K, K, packed", "half a vector of columns"),
        ("flat[(first + j) * K + k]", "flat[(first + j) * K]", "tied"),
        ("k * N + first + j))", "k * N + j))", "strips of packed rows"),
        ("a, False, top, WIDTH", "a, False, 0, WIDTH", "strips of packed rows"),
        ("read_tile(flat_c, at, N", "read_tile(flat_c, at, 0", "tiles and panels with remainders"),
        ("bias_tile(bias, top + m", "bias_tile(bias, top", "many strips"),
        ("flat_a, top + m, M", "flat_a, top, M", "many strips of columns"),
        ("flat_a, (top + m) * K", "flat_a, top * K", "many strips"),
        ("packed, m, WIDTH, panels", "packed, 0, WIDTH, panels", "strips of packed rows"),
        ("top, top + ROWS, sums)", "0, ROWS, sums)", "tiles and panels with remainders"),
        ("(i // TILES, i % TILES)", "(i // TILES, 0)", "many strips"),
        ("(i % PANELS, i // PANELS)", "(0, i // PANELS)", "strips of packed rows"),
        ("N, 0, COLUMNS - n, tile)", "N, 1, COLUMNS - n, tile)", "a net"),
    ],
    "kernels/conv_wide.py": [
        ("F_STEP + c * C_STEP]", "F_STEP]", "wide"),
        ("load(source, p + V))", "load(source, p))", "wide"),
        (
            "load_part(source, p + V, count - V)",
            "load_part(source, p, count - V)",
            "few numbers",
        ),
        ("if 0 <= i < H else 0", "if 0 <= i else 0", "rows in one block"),
        ("i += below", "i += 0", "wide"),
        ("for m in order", "for m in range(W)", "dilation"),
        ("range(kept, ROWS)", "range(kept + 1, ROWS)", "wide"),
        ("order, (slot + k) % KH", "order, k", "stride"),
        ("p = slot * SLOT", "p = 0 * SLOT", "wide"),
        ("left * C", "0 * C", "wide"),
        ("p -= KH * SLOT", "p -= 0", "blocks of rows"),
        ("q = f * KH", "q = 0 * KH", "several tiles"),
        ("(first * KW + j)", "j", "wide"),
        ("(first * KW + j)", "first * KW", "wide"),
        ("COLUMNS * C)", "C)", "wide"),
        ("p += SLOT", "p += 0", "wide"),
        ("q += KW * C", "q += C", "wide"),
        ("bias_tile(b, f,", "bias_tile(b, 0,", "several tiles"),
        ("min(TILE, F - f)", "TILE", "several tiles"),
        ("write_tile(out, f * PLANE", "write_tile(out, 0 * PLANE", "several tiles"),
        ("+ n - a, PLANE", "+ n, PLANE", "rows in one block"),
    ],
    "kernels/conv_narrow.py": [
        ("fma(w7, load_up_to(x, p + 7 * X, n), t)", "t", "eight channels"),
        ("whole, rest), load_part(y, at", "whole, 0), load_part(y, at", "narrow"),
        ("load(x, p + c * X + n)", "load(x, p + n)", "narrow"),
        ("left + r * IN_STEP", "left + r", "stride, narrow"),
        ("top + k * ROW_STEP", "top", "narrow"),
        ("splat(b, f), ROW - n", "splat(b, 0), ROW - n", "narrow"),
    ],
    "kernels/filter_products.py": [
        ("(3, 2, 0, 1) if dy_is_wide", "(3, 2, 1, 0) if dy_is_wide", "many filters, stride"),
        ("columns[:, [1, 0, 2, 4, 3]]", "columns[:, [1, 0, 2, 3, 4]]", "many filters, stride"),
        ("range(0, COLUMNS, V)", "range(0, COLUMNS - V, V)", "many channels"),
        ("= source[p + m]", "= source[p]", "many channels, one sample"),
        ("m = min(at, COLUMNS - V)", "m = 0", "many channels"),
        ("range(i_packed, i + 1)", "range(i_packed, i)", "many channels"),
        ("start = i % SPAN * (ring.size // SPAN)", "start = 0", "many channels"),
        ("0, 2 * V, 0, 2 * V, t", "0, 2 * V, 0, V, t", "many channels"),
        ("at = s + r * PITCH + n", "at = s + r * PITCH", "many channels"),
        ("RUN, COUNT = N * COUNT, min", "RUN, COUNT = N, min", "many channels"),
        ("p + n * TALL_STEP", "p + n * WIDE_STEP", "many filters, stride"),
        ("f * TALL_W + m * NR", "m * NR", "many channels"),
        ("c * WIDE_W + o * NR", "c * WIDE_W", "many channels, dilation"),
        ("(k * KW + j) * R + f + r", "(k * KW + j) * R + r", "many channels"),
        ("min(NR, R - f), HEIGHT", "min(NR, R), HEIGHT", "many channels"),
    ],
    "kernels/filter_sums.py": [
        ("found[..., ::-1, ::-1]", "found", "narrow, shifts of dy"),
        ("<= i - top < H and", "<= i - top and", "wide"),
        ("- left + COLUMNS * SW, SW)", "- left + COLUMNS * SW, 1)", "stride"),
        ("rows_of_lanes(min(HEIGHT, F - f))", "rows_of_lanes(HEIGHT)", "more filters than a tile"),
        ("range(0, T, TAPS)", "range(0, TAPS, TAPS)", "stride"),
        ("// ROWS * PIECES)", "// OH * PIECES)", "blocks of rows"),
        ("block % PIECES * PIECE", "0", "pieces of a row"),
        ("min(PIECE, ROW - m)", "PIECE", "pieces of a row"),
        (
            "(t - first) // 3 * TILE\n                    tile",
            "0\n                    tile",
            "wide",
        ),
        ("min(top + ROWS, OH)", "top + 1", "wide"),
        ("h * ROW_STEP + m", "m", "wide"),
        ("q + offsets[t + 2]", "q + offsets[t]", "few numbers"),
        ("f * T + t, T, tile", "t, T, tile", "more filters than a tile"),
    ],
    "kernels/conv_bias.py": [
        ("s += row[m]", "s -= row[m]", "wide"),
    ],
}
CASES = [(file, *fault) for file, faults in FAULTS.items() for fault in faults]


@pytest.mark.skipif(bool(config.DISABLE_JIT), reason="once is enough")
@pytest.mark.parametrize(("file", "old", "new", "layer"), CASES)
def test_convicted(
    file: str, old: str, new: str, layer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    convict(file, {old: new}, layer, 30 if layer in SMALL else ENTRIES, monkeypatch)
