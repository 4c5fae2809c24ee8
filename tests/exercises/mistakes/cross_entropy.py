"""Wrong answers to softmax and cross-entropy."""

MEAN = "np.mean(np.log(np.sum(np.exp(s), axis=0)) - own)"
LABEL = "    da[labels, np.arange(n)] -= 1\n"
END = "return da / n"

WRONG = [
    ("sum over the batch", {MEAN: MEAN.replace("np.mean", "np.sum")}, "× N: a sum where a mean"),
    ("mean over classes, too", {MEAN: f"{MEAN} / len(a)"}, "/ K: a mean where a sum"),
    ("no label", {MEAN: "np.mean(np.log(np.sum(np.exp(a), axis=0)))"}, "is not subtracted"),
    ("no log", {MEAN: "np.mean(np.exp(own) / np.sum(np.exp(s), axis=0))"}, "the probability"),
    ("sign of the loss", {MEAN: f"-{MEAN}"}, "the sign is wrong"),
    ("log2", {MEAN: f"{MEAN} / np.log(2)"}, "natural logarithm"),
    ("overflow", {"s = a - np.max(a, axis=0)": "s = a"}, "an overflow"),
    ("overflow of the gradient", {"np.exp(a - np.max(a, axis=0))": "np.exp(a)"}, "an overflow"),
    ("one number for all", {"s = a - np.max(a, axis=0)": "s = a - 1000"}, "NaN or infinity"),
    ("no 1/N", {END: "return da"}, "× N: a sum where a mean"),
    ("label not subtracted", {LABEL: ""}, "1 is not subtracted at the label"),
    ("label added", {LABEL: LABEL.replace("-=", "+=")}, "1 is added at the label"),
    ("sign", {END: "return -da / n"}, "the sign is wrong"),
    ("only the label", {END: "return da / n * (da < 0)"}, "only the label's logit"),
    ("slope twice", {END: "p = e / e.sum(axis=0)\n    return da * p * (1 - p) / n"}, "once too"),
    (
        "axis",
        {"e / np.sum(e, axis=0)": "e / np.sum(e, axis=1, keepdims=True)"},
        "runs over the batch",
    ),
    ("not divided", {"da = e / np.sum(e, axis=0)": "da = np.exp(a)"}, "without the division"),
    ("logits in place", {"    e = ": "    a -= a.max(axis=0)\n    e = "}, "changes its argument a"),
]

ALSO_RIGHT = [
    {MEAN: "np.mean(np.logaddexp.reduce(s, axis=0) - own)"},
    {LABEL: "    da -= np.eye(len(a))[labels].T\n"},
]
