"""Wrong answers to ReLU and the sigmoid."""

STABLE = "np.where(x > 0, 1, e) / (1 + e)"

WRONG = [
    ("|x|", {"np.maximum(x, 0)": "np.abs(x)"}, "absolute value"),
    ("min", {"np.maximum(x, 0)": "np.minimum(x, 0)"}, "min(x, 0)"),
    ("the slope for ReLU", {"np.maximum(x, 0)": "1.0 * (x > 0)"}, "the slope of ReLU and not"),
    ("mask from dy", {"np.where(x > 0, dy, 0)": "np.where(dy > 0, dy, 0)"}, "taken from dy"),
    ("dy left out", {"np.where(x > 0, dy, 0)": "1.0 * (x > 0)"}, "dy is left out"),
    ("mask turned", {"np.where(x > 0, dy, 0)": "np.where(x < 0, dy, 0)"}, "wrong way round"),
    ("no mask", {"np.where(x > 0, dy, 0)": "dy"}, "the mask [x > 0] is missing"),
    ("dy y", {"np.where(x > 0, dy, 0)": "dy * np.maximum(x, 0)"}, "the slope is 1, and not x"),
    ("passes at 0", {"np.where(x > 0, dy, 0)": "np.where(x >= 0, dy, 0)"}, "x = 0 lets dy pass"),
    ("overflow", {STABLE: "1 / (1 + np.exp(-x))"}, "an overflow"),
    ("digits lost", {STABLE: "np.where(x > 0, 1 / (1 + e), 1 - 1 / (1 + e))"}, "few digits left"),
    ("σ(-x)", {STABLE: "np.where(x > 0, e, 1) / (1 + e)"}, "it is σ(-x)"),
    ("tanh", {STABLE: "np.tanh(x)"}, "it is tanh"),
    ("x (1 - x)", {"dy * y * (1 - y)": "dy * x * (1 - x)"}, "with x in its place"),
    ("σ alone", {"dy * y * (1 - y)": "dy * y"}, "the factor 1 - σ is missing"),
    ("1 - σ²", {"dy * y * (1 - y)": "dy * (1 - y**2)"}, "slope of tanh"),
    ("σ (1 + σ)", {"dy * y * (1 - y)": "dy * y * (1 + y)"}, "a sign"),
    ("no dy", {"dy * y * (1 - y)": "y * (1 - y)"}, "dy is left out"),
    ("sign", {"dy * y * (1 - y)": "-dy * y * (1 - y)"}, "the sign is wrong"),
]

EQUIVALENT = {
    "sigmoid: return np.where(x >= 0, 1, e) / (1 + e)": "at x = 0 both formulas are ½",
}

ALSO_RIGHT = [
    {STABLE: "np.exp(-np.logaddexp(0, -x))"},
    {"np.maximum(x, 0)": "x * (x > 0)"},
    {"np.where(x > 0, dy, 0)": "dy * (x > 0)"},
]
