"""Wrong answers to the assembly of the ELBO."""

REC = "np.sum(np.logaddexp(0, a) - t * a) / n"
KL = "np.sum(mu**2 + np.exp(logvar) - 1 - logvar) / (2 * n)"
END = "return reconstruction + beta * kl, reconstruction, kl"

WRONG = [
    ("mean over pixels", {REC: "np.mean(np.logaddexp(0, a) - t * a)"}, "/ D: a mean where a sum"),
    ("KL: mean", {KL: KL.replace("np.sum", "np.mean").replace("2 * n", "2")}, "/ L: a mean where"),
    ("no 1/N", {REC: "np.sum(np.logaddexp(0, a) - t * a)"}, "× N: a sum where a mean"),
    ("KL without 1/N", {KL: KL.replace("2 * n", "2")}, "× N: a sum where a mean"),
    ("β forgotten", {END: END.replace("beta * ", "")}, "β is forgotten"),
    ("KL subtracted", {END: END.replace("+ beta", "- beta")}, "the KL is subtracted"),
    (
        "the ELBO",
        {END: "return -(reconstruction + beta * kl), reconstruction, kl"},
        "this is the ELBO",
    ),
    ("β on both", {END: END.replace("n + beta * kl,", "n * beta + beta * kl,")}, "multiplies both"),
    (
        "β on the other",
        {END: END.replace("n + beta * kl,", "n * beta + kl,")},
        "β multiplies the rec",
    ),
    ("β in the KL returned", {KL: f"beta * {KL}"}, "belongs to the total alone"),
    (
        "terms exchanged",
        {END: "return reconstruction + beta * kl, kl, reconstruction"},
        "exchanged",
    ),
    (
        "means in the total only",
        {END: "return reconstruction / len(a) + beta * kl, reconstruction, kl"},
        "the reconstruction is a mean over pixels, the KL a sum",
    ),
    ("total alone", {END: "return reconstruction + beta * kl"}, "expected total, reconstruction"),
    ("β on da", {"return (sigma - t) / n": "return beta * (sigma - t) / n"}, "β belongs to the KL"),
    ("no β on dμ", {"beta * mu / n": "mu / n"}, "β is forgotten"),
    ("no β on dlogvar", {"beta * (np.exp": "(np.exp"}, "β is forgotten"),
    ("da of a mean", {"(sigma - t) / n": "(sigma - t) / a.size"}, "the sum over pixels is no mean"),
    ("gradients of a sum", {"    n = a.shape[1]\n    sigma": "    n = 1\n    sigma"}, "× N: a sum"),
    (
        "log σ",
        {
            "(2 * n)\n    return": "(2 * n)\n    kl = kl + np.sum(np.exp(2 * logvar) - np.exp(logvar) - logvar) / (2 * n)\n    return"
        },
        "logvar is taken for log σ",
    ),
]

ALSO_RIGHT = [
    {REC: "np.mean(np.sum(np.logaddexp(0, a) - t * a, axis=0))"},
    {KL: "-0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar)) / n"},
]
