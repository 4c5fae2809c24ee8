"""Wrong answers to the reparameterised sample."""

Z = "mu + np.exp(logvar / 2) * noise"
D = "dz * noise * np.exp(logvar / 2) / 2"
VARIANCE = {Z: "mu + np.exp(logvar) * noise", D: "dz * noise * np.exp(logvar)"}

WRONG = [
    ("σ² for σ, forward and backward", VARIANCE, "σ² where σ is meant"),
    ("σ² for σ", {Z: "mu + np.exp(logvar) * noise"}, "e^logvar is the variance"),
    ("√σ", {Z: "mu + np.sqrt(np.exp(logvar / 2)) * noise"}, "the root is taken twice"),
    ("logvar for σ", {Z: "mu + logvar * noise"}, "logvar itself where σ is meant"),
    ("1/σ", {Z: "mu + np.exp(-logvar / 2) * noise"}, "1/σ where σ is meant"),
    ("no μ", {Z: "np.exp(logvar / 2) * noise"}, "μ is not added"),
    ("no σ", {Z: "mu + noise"}, "σ is missing: this is μ + ε"),
    ("no noise", {Z: "mu + 0 * noise"}, "there is no noise in it"),
    ("σ ε subtracted", {Z: "mu - np.exp(logvar / 2) * noise"}, "σ ε is subtracted"),
    ("own noise", {Z: "mu + np.exp(logvar / 2) * np.random.standard_normal(mu.shape)"}, "z["),
    ("no ½", {D: "dz * noise * np.exp(logvar / 2)"}, "the ½ is missing"),
    ("no σ in dlogvar", {D: "dz * noise / 2"}, "σ is missing: this is dz ε / 2"),
    ("∂L/∂σ", {D: "dz * noise"}, "∂L/∂σ, and not"),
    ("σ² in dlogvar", {D: "dz * noise * np.exp(logvar) / 2"}, "σ² where σ is meant"),
    ("no ε", {D: "dz * np.exp(logvar / 2) / 2"}, "ε is missing"),
    ("z for σ ε", {D: "dz * forward(mu, logvar, noise) / 2"}, "z where σ ε is meant"),
    ("dμ with σ", {"return dz,": "return dz * np.exp(logvar / 2),"}, "z grows with μ by 1"),
    ("sign", {D: f"-{D}"}, "the sign is wrong"),
]

ALSO_RIGHT = [
    {Z: "mu + np.sqrt(np.exp(logvar)) * noise"},
    {D: "(forward(mu, logvar, noise) - mu) * dz / 2"},
    {"return dz,": "return dz.copy(),"},
]
