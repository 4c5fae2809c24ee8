"""Wrong answers to the convolution of images."""

READ = 'np.einsum("fckl,ckln->fn", w, window) + b[:, None]'
TURNED = {READ: READ.replace("w,", "w[:, :, ::-1, ::-1],")}
DX = 'np.einsum("fckl,fn->ckln", w, dy[:, i, j])'
DW = 'np.einsum("fn,ckln->fckl", dy[:, i, j], xp[place])'
SUM = "np.sum(dy, axis=(1, 2, 3))"
PAD = "    K, L = w.shape[2:]\n    xp = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))\n    I"

WRONG = [
    ("filter turned", TURNED, "the filter is turned by 180°: x[i·s"),
    ("exchanged", {READ: READ.replace("w,", "w.swapaxes(2, 3),")}, "exchanged|two shapes"),
    ("no bias", {READ: READ.replace(" + b[:, None]", "")}, "b is not added"),
    ("no padding", {PAD: "    K, L = w.shape[2:]\n    xp = x\n    I"}, "padding is ignored"),
    (
        "wrapped",
        {PAD: PAD.replace("(0, 0)))\n    I", "(0, 0)), mode='wrap')\n    I")},
        "wrapped around",
    ),
    ("no stride", {PAD: f"    stride = 1\n{PAD}"}, "stride is ignored"),
    ("bias along the batch", {"b[:, None]": "b"}, "two shapes do not fit"),
    ("= for += in dx", {"dxp[place] +=": "dxp[place] ="}, "windows overlap"),
    ("= for += in dw", {"dw += np": "dw = np"}, "only the last window is left"),
    (
        "border left on",
        {"dxp[:, p : p + H, p : p + W]": "dxp"},
        "the border of padding is not cut off",
    ),
    (
        "border cut by p:-p, stride 2",
        {"p : p + H, p : p + W": "p : H - p, p : W - p"},
        "dx has the shape",
    ),
    ("dx turned", {DX: DX.replace("w,", "w[:, :, ::-1, ::-1],")}, "the filter is turned"),
    ("dw turned", {DW: f"{DW}[:, :, ::-1, ::-1]"}, "the filter is turned"),
    ("dw: mean", {DW: f"{DW} / x.shape[3]"}, "/ N: a mean where a sum"),
    ("db: mean over pixels", {SUM: "dy.mean(axis=(1, 2)).sum(axis=1)"}, "a mean over pixels"),
    ("db: mean", {SUM: "np.mean(dy, axis=(1, 2, 3))"}, "a mean over everything"),
    ("db: batch only", {SUM: "np.sum(dy, axis=3)"}, "but not over pixels"),
    ("db: pixels only", {SUM: "np.sum(dy, axis=(1, 2))"}, "but not over the batch"),
    ("sign", {"return dxp[": "return -dxp["}, "the sign is wrong"),
]

EQUIVALENT = {
    "forward: y = np.ones((len(w), I, J, x.shape[3]))": "every entry of y is written",
}

ALSO_RIGHT = [
    {READ: "np.tensordot(w, window, 3) + b[:, None]"},
    {SUM: "dy.sum(axis=3).sum(axis=2).sum(axis=1)"},
]
