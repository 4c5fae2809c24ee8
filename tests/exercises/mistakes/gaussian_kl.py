"""Wrong answers to the divergence of two Gaussians."""

SUM = "np.sum(mu**2 + np.exp(logvar) - 1 - logvar)"
END = " / (2 * mu.shape[1])"
D = "(np.exp(logvar) - 1) / (2 * n)"
TWICE = {
    SUM: "np.sum(mu**2 + np.exp(2 * logvar) - 1 - 2 * logvar)",
    D: "(np.exp(2 * logvar) - 1) / n",
}

WRONG = [
    ("log σ for log σ², value and gradient", TWICE, "logvar is taken for log σ"),
    ("σ for σ²", {SUM: SUM.replace("exp(logvar)", "exp(logvar / 2)")}, "σ where σ² is meant"),
    (
        "mean over everything",
        {SUM + END: "np.mean(mu**2 + np.exp(logvar) - 1 - logvar) / 2"},
        "/ L: a",
    ),
    ("sum over everything", {END: " / 2"}, "× N: a sum where a mean"),
    ("no ½", {END: " / mu.shape[1]"}, "a factor of 2 too much"),
    ("sign", {SUM: f"-{SUM}"}, "the sign is wrong"),
    ("no -1", {" - 1 - logvar": " - logvar"}, "-1 is missing: at μ = 0"),
    ("sign of log σ²", {"- 1 - logvar": "- 1 + logvar"}, "+ log σ² where - log σ²"),
    ("no log σ²", {"- 1 - logvar": "- 1"}, "- log σ² is missing"),
    ("no μ²", {"mu**2 + ": ""}, "μ² is missing"),
    ("μ", {"mu**2 + ": "mu + "}, "μ where μ² is meant"),
    (
        "the other way round",
        {SUM: "np.sum((mu**2 + 1) / np.exp(logvar) - 1 + logvar)"},
        "the other way round",
    ),
    ("dlogvar without -1", {D: "np.exp(logvar) / (2 * n)"}, "-1 is missing: at σ = 1"),
    ("by log σ", {D: "(np.exp(logvar) - 1) / n"}, "the gradient by log σ"),
    ("by σ²", {D: "(1 - np.exp(-logvar)) / (2 * n)"}, "∂KL/∂σ² and not"),
    ("by σ", {D: "(np.exp(logvar / 2) - np.exp(-logvar / 2)) / n"}, "∂KL/∂σ and not"),
    ("gradients of a sum", {"    n = mu.shape[1]": "    n = 1"}, "× N: a sum where a mean"),
    ("2 μ", {"mu / n": "2 * mu / n"}, "a factor of 2 too much"),
    ("exchanged", {"return mu / n, " + D: f"return {D}, mu / n"}, "dmu["),
]

ALSO_RIGHT = [
    {SUM + END: "-0.5 * np.mean(np.sum(1 + logvar - mu**2 - np.exp(logvar), axis=0))"},
    {D: "np.expm1(logvar) / (2 * n)"},
]
