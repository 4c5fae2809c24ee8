"""Wrong answers to the weights of an IWAE."""

E = "e = np.exp(log_w - np.max(log_w, axis=0))"
W = "return e / np.sum(e, axis=0)"
L = "np.mean(c + np.log(np.mean(np.exp(log_w - c), axis=0)))"
G = "weights(log_w) / log_w.shape[1]"

WRONG = [
    ("sign", {E: "e = np.exp(np.min(log_w, axis=0) - log_w)"}, "the best sample gets the smallest"),
    ("not normalised", {E: "e = np.exp(log_w)", W: "return e"}, "they are not normalised"),
    ("by the largest", {W: "return e"}, "divided by the largest"),
    (
        "over the batch",
        {W: "return np.exp(log_w) / np.sum(np.exp(log_w), axis=1, keepdims=True)"},
        "normalised over the batch",
    ),
    (
        "over everything",
        {W: "return np.exp(log_w) / np.sum(np.exp(log_w))"},
        "normalised over everything",
    ),
    ("logarithms", {W: "return np.log(e / np.sum(e, axis=0))"}, "the logarithms of the weights"),
    ("overflow", {E: "e = np.exp(log_w)"}, "an overflow"),
    (
        "log K forgotten",
        {"np.mean(np.exp(log_w - c), axis=0)": "np.sum(np.exp(log_w - c), axis=0)"},
        "log K is not subtracted",
    ),
    ("ELBO", {L: "np.mean(log_w)"}, "that is the ELBO"),
    ("Σ w log w", {L: "np.mean(np.sum(weights(log_w) * log_w, axis=0))"}, "that is not the bound"),
    ("one log for all", {L: "np.log(np.mean(np.exp(log_w)))"}, "each image has its own log"),
    ("sum over images", {L: L.replace("np.mean(c +", "np.sum(c +")}, "× N: a sum where a mean"),
    ("no maximum", {L: "np.mean(np.log(np.mean(np.exp(log_w), axis=0)))"}, "an overflow"),
    ("maximum not added", {"np.mean(c + np.log": "np.mean(np.log"}, "L is"),
    ("the best alone", {L: "np.mean(c)"}, "the largest log w alone"),
    ("ELBO's gradient", {G: "np.full(log_w.shape, 1 / log_w.size)"}, "the gradient of the ELBO"),
    ("no 1/N", {G: "weights(log_w)"}, "× N: a sum where a mean"),
    ("1/K, too", {G: "weights(log_w) / log_w.size"}, "have it already"),
    ("sign of the gradient", {G: f"-{G}"}, "the sign is wrong"),
    ("softmax's slope", {G: f"{G} * (1 - weights(log_w))"}, "the slope of a softmax"),
]

ALSO_RIGHT = [
    {L: "np.mean(np.logaddexp.reduce(log_w, axis=0) - np.log(len(log_w)))"},
    {E: "e = np.exp(log_w - np.logaddexp.reduce(log_w, axis=0))"},
]
