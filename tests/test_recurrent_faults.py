"""A fault in every part of the kernels of recurrent layers, and a gradient check that notices.

checks/planting.py plants them, as in test_kernel_faults.py. Interpreted, all steps of a sequence
take long: .ci/run does this once.
"""

import pytest
from checks.shipping import convict
from numba import config

pytestmark = [pytest.mark.once, pytest.mark.fast("kernels do not run there")]

ENTRIES = 6
"""Of each array, drawn at random."""

WIDE = "RNN, more inputs than a panel"
"""Of which 30 entries are checked: few are in the second panel."""

FAULTS: dict[str, list[tuple[str, str, str]]] = {
    "kernels/recurrent.py": [
        (
            "load_up_to(a, p + V, left - V)",
            "load_up_to(a, p, left - V)",
            "LSTM, blocks and a remainder",
        ),
        ("p, left = k * PITCH + first", "p, left = k * PITCH", "LSTM, blocks and a remainder"),
        ("bias_tile(bias, m, rows)", "bias_tile(bias, 0, rows)", "GRU, several tiles"),
        (
            "read_tile(start, m * S_PITCH + j",
            "read_tile(start, m * S_PITCH",
            "LSTM, blocks and a remainder",
        ),
        ("read_tile(start, m * S_PITCH + j", "read_tile(start, j", "LSTM, several tiles"),
        ("w, m * PITCH, PITCH, panels", "w, 0, PITCH, panels", "LSTM, several tiles"),
        ("PITCH, panels, j * K, K)", "PITCH, panels, 0, K)", "LSTM, blocks and a remainder"),
        ("write_tile(out, m * O_PITCH + j", "write_tile(out, j", "LSTM, several tiles"),
    ],
    "kernels/steps.py": [
        ("flat_x[t * K * N + n :]", "flat_x[n:]", "LSTM, blocks and a remainder"),
        ("flat_y[t * M * N + n :]", "flat_y[t * M * N :]", "LSTM, blocks and a remainder"),
        ("pack(x[t], transposed", "pack(x[0], transposed", "LSTM, blocks and a remainder"),
        ("p * NR, NR, panels", "0, NR, panels", "RNN, more inputs than a panel"),
        ("at, columns = m * D + p * NR", "at, columns = m * D", "RNN, more inputs than a panel"),
        ("(t * M + m) * N, N, panels", "m * N, N, panels", "LSTM, blocks and a remainder"),
        ("q = (t * PANELS + p) * N", "q = t * PANELS * N", "RNN, more inputs than a panel"),
        (
            "(first * M + r) * N, M * N",
            "(first * M + m) * N, M * N",
            "LSTM, blocks and a remainder",
        ),
        ("at + t * STEP + n, N - n)", "at + n, N - n)", "LSTM, blocks and a remainder"),
    ],
    "kernels/lstm.py": [
        ("flat_c[at:],", "flat_c[n:],", "LSTM, blocks and a remainder"),
        ("tanh(after, e)", "after", "LSTM, blocks and a remainder"),
        (
            "f, before, fma(i, g, nothing)",
            "i, before, fma(f, g, nothing)",
            "LSTM, blocks and a remainder",
        ),
        ("k * 2 * V + j % (2 * V)", "k * 2 * V", "LSTM, blocks and a remainder"),
        ("sums, q + 3 * H * WIDTH", "sums, q + 1 * H * WIDTH", "LSTM, blocks and a remainder"),
    ],
    "kernels/lstm_backward.py": [
        (
            "fma(fma(y, minus, nothing), y, one), dc_old",
            "one, dc_old",
            "LSTM, blocks and a remainder",
        ),
        (
            "fma(dc, i, nothing), fma(dc, f, nothing)",
            "fma(dc, i, nothing), nothing",
            "LSTM, blocks and a remainder",
        ),
        ("fma(i, minus, one), nothing)", "one, nothing)", "LSTM, blocks and a remainder"),
        ("fma(fma(g, minus, nothing), g, one)", "one", "LSTM, blocks and a remainder"),
        (
            "fma(fma(dcf, before, nothing)",
            "fma(fma(dcf, dc, nothing)",
            "LSTM, blocks and a remainder",
        ),
        ("place + 3 * ROWS, do", "place + 3 * ROWS, nothing", "LSTM, blocks and a remainder"),
        ("at + 2 * PLANE, dg, left", "at + 2 * PLANE, di, left", "LSTM, blocks and a remainder"),
    ],
    "kernels/gru.py": [
        (
            "fma(z, fma(n, minus, before), n)",
            "fma(z, fma(before, minus, n), before)",
            "GRU, blocks and a remainder",
        ),
        ("tanh(fma(r, qn, load", "tanh(fma(z, qn, load", "GRU, blocks and a remainder"),
        ("un, at, qn, left", "un, at, n, left", "GRU, blocks and a remainder"),
    ],
    "kernels/gru_backward.py": [
        ("fma(d, z, nothing)", "nothing", "GRU, blocks and a remainder"),
        ("fma(dn, r, nothing)", "dn", "GRU, blocks and a remainder"),
        ("fma(dqn, qn, nothing)", "fma(dn, qn, nothing)", "GRU, blocks and a remainder"),
        (
            "load_up_to(h, at, left)",
            "load_up_to(h, at + PLANE, left)",
            "GRU, blocks and a remainder",
        ),
        ("dq, at + 2 * PLANE, dqn", "dq, at + 2 * PLANE, dn", "GRU, blocks and a remainder"),
    ],
    "kernels/rnn.py": [
        (
            "flat_h[(t + 1) * H * N + n :]",
            "flat_h[(t + 1) * H * N :]",
            "RNN, blocks and a remainder",
        ),
        (
            "(t * H + k) * N + n + j, columns",
            "(t * H + k) * N + j, columns",
            "RNN, blocks and a remainder",
        ),
        (
            "fma(fma(y, minus, nothing), y, one)",
            "fma(y, minus, one)",
            "RNN, blocks and a remainder",
        ),
        ("at + H * N, left), load", "at, left), load", "RNN, blocks and a remainder"),
    ],
}
CASES = [(file, *fault) for file, faults in FAULTS.items() for fault in faults]


@pytest.mark.skipif(bool(config.DISABLE_JIT), reason="once is enough")
@pytest.mark.parametrize(("file", "old", "new", "layer"), CASES)
def test_convicted(
    file: str, old: str, new: str, layer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    convict(file, {old: new}, layer, 30 if layer == WIDE else ENTRIES, monkeypatch)
