"""The gradient of a convolution's bias, alone or with that of the rectifier after it."""

from ..core import Array
from .machine.jit import kernel

BLOCK = 1024
"""Numbers of a row that are written and then added up."""


@kernel
def bias_gradient_kernel(dy: Array, db: Array) -> None:
    """db[f] += Σ_m dy[f, m].

    dy  (F, M)      db  (F,)
    """
    for f in range(db.size):
        s = db[f]
        row = dy[f]
        for m in range(row.size):
            s += row[m]
        db[f] = s


@kernel
def rectified_bias_gradient_kernel(dy: Array, y: Array, da: Array, db: Array) -> None:
    """da = dy [y > 0], the gradient before the rectifier, and db[f] += Σ_m da[f, m].

    One pass over memory: a block is added up while it is in L1, in a loop of its own (jit.py).

    dy, y, da  (F, M)      db  (F,)
    """
    nothing = dy.dtype.type(0)
    for f in range(db.size):
        s = db[f]
        for start in range(0, dy.shape[1], BLOCK):
            block = slice(start, min(start + BLOCK, dy.shape[1]))
            row, gate, out = dy[f, block], y[f, block], da[f, block]
            for m in range(row.size):
                out[m] = row[m] if gate[m] > nothing else nothing
            for m in range(row.size):
                s += out[m]
        db[f] = s
