"""Wrong answers to the transposed convolution."""

SPREAD = 'np.einsum("cfkl,cn->fkln", w, x[:, i, j])'
DX = 'np.einsum("cfkl,fkln->cn", w, window)'
DW = 'np.einsum("cn,fkln->cfkl", x[:, i, j], window)'
CUT = "y[:, p : H - p, p : W - p]"
PADDED = "np.pad(dy, ((0, 0), (p, p), (p, p), (0, 0)))"

WRONG = [
    ("filter turned", {SPREAD: SPREAD.replace("w,", "w[:, :, ::-1, ::-1],")}, "turned by 180°"),
    ("= for +=", {"y[place] +=": "y[place] ="}, "the images of two pixels overlap"),
    ("border left on", {CUT: "y"}, "the border of padding is not cut off"),
    ("one border cut", {CUT: "y[:, p:, p:]"}, "y has the shape"),
    ("exchanged", {SPREAD: SPREAD.replace("w,", "w.swapaxes(2, 3),")}, "are exchanged|two shapes"),
    (
        "first channel",
        {SPREAD: SPREAD.replace("w, x[:, i, j]", "w[:1], x[:1, i, j]")},
        "first channel",
    ),
    ("a mean over channels", {SPREAD: f"{SPREAD} / C"}, "/ C: a mean where a sum"),
    (
        "size of a convolution",
        {"H, W = (h - 1) * stride + K": "H, W = h + K - 1"},
        "two shapes|y has",
    ),
    ("dx turned", {DX: DX.replace("w,", "w[:, :, ::-1, ::-1],")}, "dx is the convolution"),
    ("dx added up", {"dx[:, i, j] =": "dx[:, i, j] -="}, "the sign is wrong"),
    ("dx halved", {DX: f"{DX} / 2"}, "half of what it should be"),
    ("no padding in backward", {PADDED: "dy"}, "two shapes|padding is ignored"),
    ("dw: =", {"dw += np": "dw = np"}, "only the last pixel is left"),
    ("dw turned", {DW: f"{DW}[:, :, ::-1, ::-1]"}, "the filter is turned"),
    ("dw: mean", {DW: f"{DW} / x.shape[3]"}, "/ N: a mean where a sum"),
    (
        "dw of the last sample",
        {DW: DW.replace("x[:, i, j], window", "x[:, i, j, -1:], window[..., -1:]")},
        "only the last sample",
    ),
    ("dw transposed", {"return dx, dw": "return dx, dw.swapaxes(0, 1)"}, "dw has the shape"),
    ("exchanged", {"return dx, dw": "return dw, dx"}, "dx has the shape"),
]

EQUIVALENT = {
    "backward: dx = np.ones_like(x)": "every entry of dx is written",
}

ALSO_RIGHT = [
    {SPREAD: "np.tensordot(w, x[:, i, j], (0, 0))"},
    {DX: "np.tensordot(w, window, 3)"},
]
