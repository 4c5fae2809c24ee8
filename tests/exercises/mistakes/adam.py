"""Wrong answers to Adam."""

M = "beta1 * m + (1 - beta1) * grad"
V = "beta2 * v + (1 - beta2) * grad**2"
STEP = "theta - rate * m_hat / (np.sqrt(v_hat) + eps)"

WRONG = [
    ("m without 1 - β", {M: "beta1 * m + grad"}, "1 - β₁ is missing"),
    ("v without 1 - β", {V: "beta2 * v + grad**2"}, "1 - β₂ is missing"),
    ("g for g²", {V: "beta2 * v + (1 - beta2) * grad"}, "g where g² is meant"),
    ("|g| for g²", {V: "beta2 * v + (1 - beta2) * np.abs(grad)"}, "|g| where g² is meant"),
    ("β exchanged", {M: "(1 - beta1) * m + beta1 * grad"}, "β₁ and 1 - β₁ are exchanged"),
    ("β₂ for β₁", {M: "beta2 * m + (1 - beta2) * grad"}, "β₂ where β₁ is meant"),
    ("β₁ for β₂", {V: "beta1 * v + (1 - beta1) * grad**2"}, "β₁ where β₂ is meant"),
    (
        "no correction",
        {" / (1 - beta1**t)": "", " / (1 - beta2**t)": ""},
        "the bias correction is missing",
    ),
    ("m uncorrected", {" / (1 - beta1**t)": ""}, "the bias correction of m is missing"),
    ("v uncorrected", {" / (1 - beta2**t)": ""}, "the bias correction of v is missing"),
    ("t + 1", {"beta1**t": "beta1 ** (t + 1)", "beta2**t": "beta2 ** (t + 1)"}, "t + 1 where t"),
    (
        "t - 1",
        {"beta1**t": "beta1 ** (t - 1)", "beta2**t": "beta2 ** (t - 1)"},
        "ZeroDivision|NaN or infinity",
    ),
    ("ε inside", {"(np.sqrt(v_hat) + eps)": "np.sqrt(v_hat + eps)"}, "ε stands inside"),
    ("no ε", {" + eps)": ")"}, "ε is missing"),
    ("no root", {"(np.sqrt(v_hat) + eps)": "(v_hat + eps)"}, "the root of v̂ is missing"),
    ("uphill", {STEP: STEP.replace("theta -", "theta +")}, "uphill"),
    ("momentum", {STEP: "theta - rate * m_hat"}, "this is momentum"),
    ("g for m̂", {"rate * m_hat": "rate * grad"}, "g where m̂ is meant"),
    ("m̂ kept", {"eps), m, v": "eps), m_hat, v"}, "it belongs to m̂ alone"),
    ("v̂ kept", {"eps), m, v": "eps), m, v_hat"}, "it belongs to v̂ alone"),
    (
        "θ changed",
        {f"return {STEP}": "theta -= rate * m_hat / (np.sqrt(v_hat) + eps)\n    return theta"},
        "changes its argument theta",
    ),
]

ALSO_RIGHT = [
    {M: "m + (1 - beta1) * (grad - m)"},
    {V: "beta2 * v + (1 - beta2) * grad * grad"},
    {STEP: "theta - rate / (1 - beta1**t) * m / (np.sqrt(v / (1 - beta2**t)) + eps)"},
]
