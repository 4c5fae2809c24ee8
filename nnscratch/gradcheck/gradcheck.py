"""Does a backward compute the derivative of its forward, and does it keep its word?

    print(gradcheck(Dense(4, 3, rng=rng, dtype=np.float64), (4, 5), rng=rng))

subject.py explains how a derivative can be known without a backward.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from ..core import Array, Parameter, Shape
from ..layers.held import unmoved
from .numerical import Method, Subject, place
from .promises import broken_promises, unrefused
from .report import Report, Row

TINY = 1e-30
"""The step into the complex plane; and a divisor in place of zero."""


def gradcheck(
    layer: Any,
    *inputs: Array | Shape,
    rng: np.random.Generator,
    constants: Sequence[Any] = (),
    parameters: Mapping[str, Parameter] | None = None,
    method: Literal["auto", "central", "complex"] = "auto",
    h: float | None = None,
    rtol: float | None = None,
    allow_float32: bool = False,
    entries: int | None = None,
) -> Report:
    """Check every entry of every array against its derivative, and what backward promises.

        layer       has forward, and parameters if it has any; or is a function that returns
                    (y, backward) or, as a loss does, (value, gradients); or is a model or its loss,
                    which returns (terms, backward): the total, or else the first term, is checked
        inputs      what has a gradient: arrays, or shapes to draw from N(0, 1). To a model they
                    are data without a gradient, in [0, 1]
        constants   what forward takes after them: targets, labels, noise
        parameters  θ by name, where `layer` does not say
        method      "central" differences; the "complex" step; "auto" takes the first, and the
                    second as well if the layer is holomorphic
        h           step of the differences: 2⁻¹³, so that rounding (2e-12) and truncation (2e-16)
                    of what is of order 1 stay far below rtol, and a kink matters only within 2h
        rtol        1e-7 for differences, and rtol · 1e-5 for the complex step. An error is relative
                    to the larger derivative of its entry or, if larger, the root mean square of its
                    array. The rounding of y is forgiven, for a derivative may be zero.

        entries     if not None, at most so many entries of an array are checked, drawn at random

    `broken_promises` lists the promises; a dy that is not refused is a note, and no failure.

    Raises
        ValueError if there is nothing to check, forward cannot be called so, or an array is empty
        or not float64: differences need the digits. With allow_float32 the defaults for float32
        are h = 2⁻⁵ and rtol = 1e-3.
    """
    subject = Subject(layer, inputs, constants, parameters, rng=rng, entries=entries)
    if not subject.arrays or (entries is not None and entries < 1):
        raise ValueError(
            f"gradcheck {subject.title}: expected an input or a parameter and entries ≥ 1, "
            f"got {len(subject.arrays)} arrays and entries={entries}"
        )
    allowed = ("float64", "float32") if allow_float32 else ("float64",)
    for name, a in zip(subject.names, subject.arrays, strict=True):
        if a.dtype not in allowed or a.size == 0:
            want = " or ".join(allowed)
            raise ValueError(
                f"gradcheck {name}: expected entries in {want}, got {a.shape} {a.dtype}"
            )
    single = any(a.dtype == np.float32 for a in subject.arrays)
    h = h or (2**-5 if single else 2**-13)
    rtol = rtol or (1e-3 if single else 1e-7)
    rows: list[Row] = []
    with unmoved(subject.sources):
        subject.begin()
        broken = list(broken_promises(subject, rtol))
        notes = [] if broken else list(unrefused(subject))
        if method != "complex":
            rows += _compare(subject, "central", h, rtol)
        if method == "complex" or (method == "auto" and subject.holomorphic and not single):
            rows += _compare(subject, "complex", TINY, 1e-5 * rtol)
    return Report(subject.title, rows, broken, notes)


def adjoint(layer: Any, x: Array | Shape, *, rng: np.random.Generator) -> Report:
    """Check ⟨f(x) - f(0), v⟩ = ⟨x, backward(v)⟩ for random v; exact if f is affine."""
    subject = Subject(layer, (x,), rng=rng)
    x, v = subject.args[0], subject.dy
    y, backward = subject.forward(x)
    y = y - subject.forward(np.zeros_like(x))[0]
    analytic, numeric = float(np.vdot(x, subject.gradients(backward)[0])), float(np.vdot(y, v))
    error = abs(analytic - numeric) / max(float(np.linalg.norm(y) * np.linalg.norm(v)), TINY)
    verdict = "ok" if error <= 1e-12 else "WRONG"
    row = Row(subject.names[0], x.shape, "adjoint", (), analytic, numeric, error, verdict)
    return Report(subject.title, [row], [])


def convergence(
    layer: Any,
    *inputs: Array | Shape,
    rng: np.random.Generator,
    constants: Sequence[Any] = (),
    method: Method = "plain",
) -> tuple[Array, Array]:
    """Return h = 1e-1 … 1e-13 and for each the largest error, relative to the largest gradient.

    It falls as h² for "plain" differences and as h⁴ for "central" ones, until rounding takes over
    and it rises as 1/h: a V. That of the "complex" step falls as h² and stays down.
    """
    subject = Subject(layer, inputs, constants, rng=rng)
    exact = [np.ravel(d) for d in subject.gradients(subject.forward()[1])]
    scale = max(float(np.abs(d).max()) for d in exact)
    steps = 10.0 ** -np.arange(1, 14)
    errors = [
        max(float(np.abs(d - n).max()) for d, n in zip(exact, numeric, strict=True)) / scale
        for numeric in (subject.derivatives(method, h) for h in steps)
    ]
    return steps, np.array(errors)


def without_kinks(shape: Shape, *, rng: np.random.Generator) -> Array:
    """Return values 0.1 apart and ≥ 0.05 from zero, in random order: no ties, no change of sign."""
    size = int(np.prod(shape))
    return 0.1 * (rng.permutation(size).reshape(shape) - size // 2 + 0.5)


def _compare(subject: Subject, method: Method, h: float, rtol: float) -> Iterator[Row]:
    """Yield a row for each of the arrays that got a gradient of its shape."""
    y, backward = subject.forward()
    # L is known to this much, and a difference divides it by h.
    rounding = 8 * float(np.finfo(y.dtype).eps * np.vdot(np.abs(subject.dy), np.abs(y)))
    floor = max(rounding / rtol / (1 if method == "complex" else h), TINY)
    analytic, numeric = subject.gradients(backward), subject.derivatives(method, h)
    arrays = zip(subject.names, subject.arrays, subject.entries, analytic, numeric, strict=False)
    for name, a, chosen, da, n in arrays:
        if np.shape(da) != a.shape:
            continue
        d = np.ravel(da)[chosen]
        scale = max(float(np.sqrt((n * n).mean())), floor)
        with np.errstate(invalid="ignore"):
            errors = abs(d - n) / np.maximum(np.maximum(abs(d), abs(n)), scale)
        k = int(errors.argmax())
        i, verdict = place(a, chosen[k]), "ok" if errors[k] <= rtol else "WRONG"
        if verdict == "WRONG" and method == "central":
            wobble = subject.slope(a, i, "plain", h) - subject.slope(a, i, "plain", 2 * h)
            verdict = "kink?" if abs(wobble) > 1e-3 * max(abs(n[k]), scale) else "WRONG"
        found = float(d[k]), float(n[k]), float(errors[k])
        yield Row(name, a.shape, method, i, *found, verdict, len(chosen))
