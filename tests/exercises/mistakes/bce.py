"""Wrong answers to binary cross-entropy from logits."""

SUM = "np.sum(softplus - t * a) / a.shape[1]"
PLUS = "np.maximum(a, 0) + np.log1p(np.exp(-np.abs(a)))"
SIGMA = "np.where(a > 0, 1, e) / (1 + e)"
BACK = "(sigma - t) / a.shape[1]"

WRONG = [
    ("mean over everything", {SUM: "np.mean(softplus - t * a)"}, "/ D: a mean where a sum"),
    ("sum over everything", {SUM: "np.sum(softplus - t * a)"}, "× N: a sum where a mean"),
    ("divided by D", {SUM: "np.sum(softplus - t * a) / a.shape[0]"}, "N / D"),
    ("t a forgotten", {SUM: "np.sum(softplus) / a.shape[1]"}, "t a is missing"),
    ("t a added", {SUM: "np.sum(softplus + t * a) / a.shape[1]"}, "must be subtracted"),
    ("white alone", {SUM: "np.sum(t * (softplus - a)) / a.shape[1]"}, "part of black pixels"),
    ("t exchanged", {SUM: "np.sum(softplus - (1 - t) * a) / a.shape[1]"}, "t and 1 - t are exch"),
    ("sign", {SUM: f"-{SUM}"}, "the sign is wrong"),
    ("overflow", {PLUS: "np.log(1 + np.exp(a))"}, "an overflow"),
    ("log 0", {PLUS: "-np.log(1 - 1 / (1 + np.exp(-a)))"}, "log of 0"),
    ("digits lost", {"np.log1p(np.exp": "np.log(1 + np.exp"}, "there is np.log1p"),
    (
        "1e-8 in the log",
        {PLUS: "a - np.log(1 / (1 + np.exp(-a)) + 1e-8)"},
        "the last digits|an overflow",
    ),
    ("gradient of a mean", {BACK: "(sigma - t) / a.size"}, "/ D: a mean where a sum"),
    ("gradient of a sum", {BACK: "sigma - t"}, "× N: a sum where a mean"),
    ("slope twice", {BACK: f"sigma * (1 - sigma) * {BACK}"}, "once too often"),
    ("∂L/∂σ", {BACK: f"{BACK} / (sigma * (1 - sigma))"}, "∂L/∂σ, and not"),
    ("a for σ(a)", {BACK: "(a - t) / a.shape[1]"}, "a where σ(a) is meant"),
    ("t - σ", {BACK: "(t - sigma) / a.shape[1]"}, "the sign is wrong"),
    ("no t", {BACK: "sigma / a.shape[1]"}, "t is not subtracted"),
    ("overflow of σ", {SIGMA: "1 / (1 + np.exp(-a))"}, "an overflow"),
]

EQUIVALENT = {
    "gradient: sigma = np.where(a >= 0, 1, e) / (1 + e)": "at a = 0 both formulas are ½",
}

ALSO_RIGHT = [
    {PLUS: "np.logaddexp(0, a)"},
    {SIGMA: "np.exp(-np.logaddexp(0, -a))"},
]
