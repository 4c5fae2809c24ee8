"""Wrong answers to max-pooling."""

MAX = "np.max(window, axis=(1, 2))"
BEST = "np.unravel_index(np.argmax(window), window.shape)"
ADD = "dx[c, i * stride + k, j * stride + m, n] += dy[c, i, j, n]"
PLACE = "dx[c, i * stride : i * stride + size, j * stride : j * stride + size, n]"

WRONG = [
    ("minimum", {MAX: "np.min(window, axis=(1, 2))"}, "it is the minimum"),
    ("mean", {MAX: "np.mean(window, axis=(1, 2))"}, "it is the mean"),
    ("sum", {MAX: "np.sum(window, axis=(1, 2))"}, "it is the sum"),
    ("from 0", {MAX: "np.max(window, axis=(1, 2), initial=0)"}, "a maximum that starts from 0"),
    ("absolute", {MAX: "np.max(np.abs(window), axis=(1, 2))"}, "the largest absolute value"),
    ("side by side", {"    C, H, W, N": "    stride = size\n    C, H, W, N"}, "lie side by side"),
    ("rows only", {MAX: "np.max(window, axis=1)"}, "two shapes do not fit"),
    (
        "rounded up",
        {"(H - size) // stride + 1,": "-(-(H - size) // stride) + 1,"},
        "y has the shape",
    ),
    ("= for +=", {"n] += dy": "n] = dy"}, "a pixel may win in several windows"),
    ("all of a window", {ADD: f"{PLACE} += dy[c, i, j, n]"}, "dy goes to all pixels of a window"),
    ("shared", {ADD: f"{PLACE} += dy[c, i, j, n] / size**2"}, "that is mean-pooling"),
    ("the smallest", {"argmax": "argmin"}, "the smallest pixel of a window gets dy"),
    ("1 for dy", {"+= dy[c, i, j, n]": "+= 1"}, "1 where dy is meant"),
    (
        "dy x",
        {"+= dy[c, i, j, n]": "+= dy[c, i, j, n] * x[c, i * stride + k, j * stride + m, n]"},
        "the slope is 1",
    ),
    ("ties", {ADD: f"{PLACE} += dy[c, i, j, n] * (window == window.max())"}, "more than once"),
    (
        "ties shared",
        {
            ADD: f"{PLACE} += dy[c, i, j, n] * (window == window.max()) / np.sum(window == window.max())"
        },
        "equal pixels share dy",
    ),
    (
        "the last of equals",
        {BEST: "(np.array(np.where(window == window.max()))[:, -1])"},
        "the first of equal pixels gets nothing",
    ),
    ("rows and columns", {"k, m = np": "m, k = np"}, "entries are right|IndexError"),
    ("sign", {"return dx": "return -dx"}, "the sign is wrong"),
]

EQUIVALENT = {
    "forward: y = np.ones((C, I, J, N))": "every entry of y is written",
}

ALSO_RIGHT = [
    {MAX: "window.reshape(C, -1, N).max(axis=1)"},
    {BEST: "divmod(np.argmax(window), size)"},
]
