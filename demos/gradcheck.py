"""Is every gradient right? Differences, what they can tell, and the certificate of each layer.

    python -m demos gradcheck       some seconds; a minute the first time, to compile the kernels

Backward computes a derivative; forward alone gives it away too, if slowly. Move one number a by h
and see how the loss moves:

    plain      D(h) = (L(a + h) - L(a - h)) / 2h        wrong by h² (truncation), and by 2⁻⁵²/h,
                                                        for neighbours lose the digits they share
    central    (4 D(h) - D(2h)) / 3                     wrong by h⁴, and by 2⁻⁵²/h
    complex    Im L(a + ih) / h                         wrong by h²; nothing is subtracted

What to look at
    convergence.png      as h shrinks (to the right) the error falls, and then rises again: a V;
                         that of the complex step falls and stays down
    the faulty layer     a backward that forgot a factor of 2, and takes any dy that broadcasts
    the certificates     what is proved of every layer and loss of this library; the columns are
                         explained in nnscratch/gradcheck/proofs.py
"""

import sys

import numpy as np

from demos import common
from nnscratch.gradcheck import convergence, gradcheck
from nnscratch.gradcheck.proofs import LIMITS, proofs
from nnscratch.layers import Dense, Sequential, Tanh
from nnscratch.plots import error_curves

METHODS = ("plain", "central", "complex")

options = common.begin("gradcheck")
rng = np.random.default_rng(options.seed)

# %% The V
net = Sequential(
    Dense(4, 3, rng=rng, dtype=np.float64), Tanh(), Dense(3, 2, rng=rng, dtype=np.float64)
)
x = rng.standard_normal((4, 5))
errors = {}
for method in METHODS:
    steps, errors[method] = convergence(net, x, rng=rng, method=method)
numbers = np.stack([steps, *errors.values()], axis=1)
rows = [[f"{number:.0e}" for number in row] for row in numbers]
print(common.table(("h", *(f"error of {name}" for name in METHODS)), rows), "\n")
title = "Truncation falls as h shrinks, rounding rises: the best step lies in between"
common.picture(options, "convergence", error_curves(steps, errors, title=title))


# %% A backward that is wrong
def square(x):
    """Return y = x², and a backward that forgot the 2."""
    return x * x, lambda dy: x * dy


print(f"\n{gradcheck(square, (2, 3), rng=rng)}\n")

# %% The certificates
rows, failed = [], False
for proof in proofs(options.seed):
    errors = (f"{proof.errors[name]:.0e}" if name in proof.errors else None for name in LIMITS)
    rows.append((proof.name, proof.entries, *errors, "ok" if proof.ok else "FAILED"))
    failed |= not proof.ok
common.report(options, ("layer or loss", "entries", *LIMITS, "verdict"), rows)
if failed:
    sys.exit(1)
