"""Wrong answers to the affine layer."""

WRONG = [
    ("w for wᵀ", {"w.T @ dy": "w @ dy"}, "w is taken where its transpose wᵀ is meant"),
    ("dw transposed", {"dy @ x.T": "x @ dy.T"}, "transposed"),
    ("dw: mean over the batch", {"dy @ x.T": "dy @ x.T / x.shape[1]"}, "/ N: a mean where a sum"),
    ("db: mean over the batch", {"np.sum(dy, axis=1)": "np.mean(dy, axis=1)"}, "/ N: a mean where"),
    ("db not summed", {"np.sum(dy, axis=1)": "dy"}, "the sum over the batch is missing"),
    ("db over the wrong axis", {"axis=1": "axis=0"}, "db has the shape"),
    ("db keeps an axis", {"axis=1": "axis=1, keepdims=True"}, "an axis of length 1"),
    ("db of everything", {"np.sum(dy, axis=1)": "np.sum(dy)"}, "summed over everything"),
    ("db of the last sample", {"np.sum(dy, axis=1)": "dy[:, -1]"}, "only the last sample"),
    ("sign of dx", {"w.T @ dy": "-w.T @ dy"}, "the sign is wrong"),
    ("dw doubled", {"dy @ x.T": "2 * dy @ x.T"}, "a factor of 2 too much"),
    ("no bias", {"w @ x + b[:, None]": "w @ x"}, "b is not added"),
    ("b along the batch", {"b[:, None]": "b"}, "two shapes do not fit"),
    ("gradients in another order", {"return dx, dw, db": "return dw, dx, db"}, "dx has the shape"),
    ("db forgotten", {"return dx, dw, db": "return dx, dw"}, "returns 2 values; expected dx"),
    ("nothing returned", {"    return dx, dw, db": "    pass"}, "a `return` is missing"),
    ("float32", {"w.T @ dy": "(w.T @ dy).astype(np.float32)"}, "right but for the last digits"),
    ("dy changed", {"    dx = ": "    dy *= 1.5\n    dx = "}, "changes its argument dy"),
]

ALSO_RIGHT = [
    {"dy @ x.T": "np.einsum('mn,dn->md', dy, x)"},
    {"b[:, None]": "b.reshape(-1, 1)"},
    {"return dx, dw, db": "return [dx, dw, db]"},
]
