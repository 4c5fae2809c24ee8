"""Wrong answers to batch normalisation."""

R = "1 / np.sqrt(np.mean(c**2, axis=1, keepdims=True) + eps)"
Y = "gamma[:, None] * xhat + beta[:, None]"
DX = "r * (h - through_mean - through_variance)"
DG = "np.sum(dy * xhat, axis=1)"
TV = "xhat * np.mean(h * xhat, axis=1, keepdims=True)"

WRONG = [
    (
        "N - 1",
        {R: "1 / np.sqrt(np.var(x, axis=1, keepdims=True, ddof=1) + eps)"},
        "divided by N - 1",
    ),
    ("ε outside", {R: "1 / (np.std(x, axis=1, keepdims=True) + eps)"}, "ε stands outside"),
    ("no ε", {R: R.replace(" + eps", "")}, "ε is missing"),
    ("by the variance", {R: R.replace("np.sqrt", "")}, "divided by the variance"),
    ("Σ x²", {"np.mean(c**2": "np.mean(x**2"}, "around 0"),
    (
        "over features",
        {"np.mean(x, axis=1": "np.mean(x, axis=0", "np.mean(c**2, axis=1": "np.mean(c**2, axis=0"},
        "run over the features",
    ),
    ("no β", {Y: "gamma[:, None] * xhat"}, "β is not added"),
    ("no γ", {Y: "xhat + beta[:, None]"}, "γ is missing"),
    ("γ on β", {Y: "gamma[:, None] * (xhat + beta[:, None])"}, "γ multiplies β, too"),
    ("all constant", {DX: "r * h"}, "μ and σ are taken for constants"),
    ("σ constant", {DX: "r * (h - through_mean)"}, "σ is taken for a constant"),
    ("μ constant", {DX: "r * (h - through_variance)"}, "μ is taken for a constant"),
    ("no γ in dx", {"h = gamma[:, None] * dy": "h = dy"}, "γ is missing"),
    ("no r", {DX: "h - through_mean - through_variance"}, "1/√(σ² + ε) is missing"),
    ("no x̂", {TV: "np.mean(h * xhat, axis=1, keepdims=True)"}, "x̂ is missing where"),
    ("sign", {DX: DX.replace("- through_variance", "+ through_variance")}, "the wrong sign"),
    (
        "sums",
        {TV: TV.replace("mean", "sum"), "through_mean = np.mean": "through_mean = np.sum"},
        "means are meant",
    ),
    ("dγ with x", {DG: "np.sum(dy * x, axis=1)"}, "x where x̂ is meant"),
    ("dγ without x̂", {DG: "np.sum(dy, axis=1)"}, "x̂ is missing: this is dβ"),
    ("dγ: mean", {DG: "np.mean(dy * xhat, axis=1)"}, "/ N: a mean where a sum"),
    ("dβ with γ", {", np.sum(dy, axis=1)": ", np.sum(h, axis=1)"}, "β stands outside"),
]

ALSO_RIGHT = [
    {R: "(np.var(x, axis=1, keepdims=True) + eps) ** -0.5"},
    {DG: "np.einsum('dn,dn->d', dy, xhat)"},
]
