"""Wrong answers to the contractive penalty."""

L = "np.sum(np.sum(s**2, axis=1) * np.sum(w**2, axis=1)) / x.shape[1]"
DA = "2 / n * s**2 * (1 - 2 * h) * q"
DIRECT = "2 / n * w * np.sum(s**2, axis=1)[:, None]"
DW = "direct + da @ x.T"

WRONG = [
    ("root", {L: f"np.sqrt({L})"}, "the norm over the whole batch"),
    (
        "slope not squared",
        {"np.sum(s**2, axis=1) * np.sum": "np.sum(s, axis=1) * np.sum"},
        "is not squared",
    ),
    (
        "h for s",
        {"np.sum(s**2, axis=1) * np.sum": "np.sum(h**2, axis=1) * np.sum"},
        "h where its slope",
    ),
    (
        "tanh",
        {"np.sum(s**2, axis=1) * np.sum": "np.sum((1 - h**2)**2, axis=1) * np.sum"},
        "slope of tanh",
    ),
    ("no slope", {L: "np.sum(w**2)"}, "this is ‖w‖²"),
    ("no w", {L: "np.sum(s**2) / x.shape[1]"}, "w is missing"),
    ("|w|", {"np.sum(w**2, axis=1)) /": "np.sum(np.abs(w), axis=1)) /"}, "|w| where w² is meant"),
    ("no 1/N", {L: L.replace(" / x.shape[1]", "")}, "× N: a sum where a mean"),
    ("mean over everything", {L: f"{L} / len(w)"}, "/ M: a mean where a sum"),
    ("direct alone", {DW: "direct"}, "the way through h is missing"),
    ("through h alone", {DW: "da @ x.T"}, "the direct way is missing"),
    ("sign", {DW: "direct - da @ x.T"}, "the way through h has the wrong sign"),
    ("no 1 - 2h", {DA: "2 / n * s**2 * q"}, "1 - 2h of the slope's slope is missing"),
    ("∂L/∂h", {DA: "2 / n * s * (1 - 2 * h) * q"}, "this is ∂L/∂h xᵀ"),
    ("no 2, direct", {DIRECT: DIRECT.replace("2 / n", "1 / n")}, "the factor 2 of the direct way"),
    ("no 2, through h", {DA: DA.replace("2 / n", "1 / n")}, "the factor 2 of the way through h"),
    ("no 1/N, direct", {DIRECT: DIRECT.replace("2 / n", "2")}, "the direct way lacks 1/N"),
    ("gradients of a sum", {"    n = x.shape[1]": "    n = 1"}, "× N: a sum where a mean"),
    ("no q", {DA: DA.replace(" * q", "")}, "Σ_d w² is missing"),
]

EQUIVALENT = {
    "penalty: h = 1 / (1 + np.exp(w @ x + b[:, None]))": "σ(-a) is 1 - σ(a), and h (1 - h) the same",
}

ALSO_RIGHT = [
    {L: "np.mean(np.sum(s**2 * np.sum(w**2, axis=1)[:, None], axis=0))"},
    {DW: "direct + np.einsum('mn,dn->md', da, x)"},
]
