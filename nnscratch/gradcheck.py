"""Does a backward compute the derivative of its forward, and does it keep its word?

    print(gradcheck(Dense(4, 3, rng=rng, dtype=np.float64), (4, 5), rng=rng))

trial.py explains how a derivative can be known without a backward.
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from .core import Array, Parameter, Shape
from .report import Report, Row
from .trial import Method, Trial

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
) -> Report:
    """Check every entry of every array against its derivative, and what backward promises.

        layer       has forward, and parameters if it has any; or is a function that returns
                    (y, backward) or, as a loss does, (value, gradients)
        inputs      what has a gradient: arrays, or shapes to draw from N(0, 1)
        constants   what forward takes after them: targets, labels, noise
        parameters  θ by name, where `layer` does not say
        method      "central" differences; the "complex" step; "auto" takes the first, and the
                    second as well if the layer is holomorphic
        h           step of the differences: 2⁻¹³, so that rounding (2e-12) and truncation (2e-16)
                    of what is of order 1 stay far below rtol, and a kink matters only within 2h
        rtol        1e-7 for differences, and rtol · 1e-5 for the complex step. An error is relative
                    to the larger derivative of its entry or, if larger, the root mean square of its
                    array. The rounding of y is forgiven, for a derivative may be zero.

    `_broken_promises` lists the promises.

    Raises
        ValueError if an array is empty, or not float64: differences need the digits. With
        allow_float32 the defaults for float32 are h = 2⁻⁵ and rtol = 1e-3.
    """
    trial = Trial(layer, inputs, constants, parameters, rng=rng)
    allowed = ("float64", "float32") if allow_float32 else ("float64",)
    for name, a in zip(trial.names, trial.arrays, strict=True):
        if a.dtype not in allowed or a.size == 0:
            want = " or ".join(allowed)
            raise ValueError(
                f"gradcheck {name}: expected entries in {want}, got {a.shape} {a.dtype}"
            )
    single = any(a.dtype == np.float32 for a in trial.arrays)
    h = h or (2**-5 if single else 2**-13)
    rtol = rtol or (1e-3 if single else 1e-7)
    broken = list(_broken_promises(trial, rtol))
    rows: list[Row] = []
    if method != "complex":
        rows += _compare(trial, "central", h, rtol)
    if method == "complex" or (method == "auto" and trial.holomorphic and not single):
        rows += _compare(trial, "complex", TINY, 1e-5 * rtol)
    return Report(trial.title, rows, broken)


def adjoint(layer: Any, x: Array | Shape, *, rng: np.random.Generator) -> Report:
    """Check ⟨f(x) - f(0), v⟩ = ⟨x, backward(v)⟩ for random v; exact if f is affine."""
    trial = Trial(layer, (x,), rng=rng)
    x, v = trial.args[0], trial.dy
    y, backward = trial.forward(x)
    y = y - trial.forward(np.zeros_like(x))[0]
    analytic, numeric = float(np.vdot(x, trial.gradients(backward)[0])), float(np.vdot(y, v))
    error = abs(analytic - numeric) / max(float(np.linalg.norm(y) * np.linalg.norm(v)), TINY)
    verdict = "ok" if error <= 1e-12 else "WRONG"
    row = Row(trial.names[0], x.shape, "adjoint", (), analytic, numeric, error, verdict)
    return Report(trial.title, [row], [])


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
    trial = Trial(layer, inputs, constants, rng=rng)
    exact = trial.gradients(trial.forward()[1])
    scale = max(float(np.abs(d).max()) for d in exact)
    steps = 10.0 ** -np.arange(1, 14)
    errors = [
        max(float(np.abs(d - n).max()) for d, n in zip(exact, numeric, strict=True)) / scale
        for numeric in (trial.derivatives(method, h) for h in steps)
    ]
    return steps, np.array(errors)


def without_kinks(shape: Shape, *, rng: np.random.Generator) -> Array:
    """Return values 0.1 apart and ≥ 0.05 from zero, in random order: no ties, no change of sign."""
    size = int(np.prod(shape))
    return 0.1 * (rng.permutation(size).reshape(shape) - size // 2 + 0.5)


def _compare(trial: Trial, method: Method, h: float, rtol: float) -> Iterator[Row]:
    """Yield a row for each of the arrays that got a gradient of its shape."""
    y, backward = trial.forward()
    # L is known to this much, and a difference divides it by h.
    rounding = 8 * float(np.finfo(y.dtype).eps * np.vdot(np.abs(trial.dy), np.abs(y)))
    floor = max(rounding / rtol / (1 if method == "complex" else h), TINY)
    analytic, numeric = trial.gradients(backward), trial.derivatives(method, h)
    for name, a, d, n in zip(trial.names, trial.arrays, analytic, numeric, strict=False):
        if np.shape(d) != a.shape:
            continue
        scale = max(float(np.sqrt((n * n).mean())), floor)
        with np.errstate(invalid="ignore"):
            errors = abs(d - n) / np.maximum(np.maximum(abs(d), abs(n)), scale)
        i = tuple(map(int, np.unravel_index(errors.argmax(), a.shape)))
        verdict = "ok" if errors[i] <= rtol else "WRONG"
        if verdict == "WRONG" and method == "central":
            wobble = trial.slope(a, i, "plain", h) - trial.slope(a, i, "plain", 2 * h)
            verdict = "kink?" if abs(wobble) > 1e-3 * max(abs(n[i]), scale) else "WRONG"
        yield Row(name, a.shape, method, i, float(d[i]), float(n[i]), float(errors[i]), verdict)


def _broken_promises(trial: Trial, rtol: float) -> Iterator[str]:
    """Yield, in words, what would trip a caller of backward.

    Forward and backward change no array they were lent. A gradient has the shape and dtype of what
    it belongs to. Backward adds into Parameter.grad, in place. It belongs to one call of forward:
    calling either of them again makes no difference. need_dx=False leaves out dx and nothing else.
    The order of the axes in memory does not matter. A dy that does not fit raises ValueError.
    """
    lent = dict(zip(trial.arg_names, trial.args, strict=True))
    lent |= {n: p.value for n, p in zip(trial.theta_names, trial.theta, strict=True)}
    before = {name: a.copy() for name, a in lent.items()}

    def changed(who: str) -> Iterator[str]:
        for name, a in lent.items():
            if not np.array_equal(a, before[name], equal_nan=True):
                yield f"{who} changes {name}"
                a[...] = before[name]

    y, backward = trial.forward()
    yield from changed("forward")
    lent |= {"dy": np.asarray(trial.dy), "y": y}
    before |= {"dy": np.copy(trial.dy), "y": y.copy()}
    first = trial.gradients(backward)
    yield from changed("backward")

    if len(first) != len(trial.names):
        count = len(first) - len(trial.theta)
        yield f"backward returns {count} gradients, there are {trial.inputs} inputs"
        return
    misfits = [
        f"d{name}: expected {a.shape} {a.dtype}, got {np.shape(d)} {getattr(d, 'dtype', type(d))}"
        for name, d, a in zip(trial.names, first, trial.arrays, strict=True)
        if np.shape(d) != a.shape or d.dtype != a.dtype
    ]
    yield from misfits
    if misfits:
        return

    def differs(when: str, gradients: list[Any]) -> Iterator[str]:
        for name, a, b in zip(trial.names, first, gradients, strict=True):
            if not _close(a, b, rtol):
                yield f"d{name} is another {when}"

    K = trial.inputs
    start_at_1 = trial.gradients(backward, start=1)
    for name, d, grad, rebound in zip(
        trial.theta_names, first[K:], start_at_1[K:], trial.rebound, strict=True
    ):
        if rebound:
            yield f"{name}.grad is rebound: add in place, for it may be a view"
        elif not _close(1 + d, grad, rtol):
            yield f"{name}.grad is not added to"

    yield from differs("when backward is called again", trial.gradients(backward))

    trial.seed += 1
    others = [0.9 * a.ravel()[::-1].reshape(a.shape) for a in trial.args[:K]]
    trial.gradients(trial.forward(*others, *trial.args[K:])[1])
    trial.seed -= 1
    yield from changed("another call of forward")
    yield from differs("after another call of forward", trial.gradients(backward))

    if "need_dx" in inspect.signature(backward).parameters:
        spared = trial.gradients(backward, need_dx=False)
        yield from ("need_dx=False returns a dx" for d in spared[:K] if d is not None)
        yield from differs("with need_dx=False", first[:K] + spared[K:])

    if y.ndim == 0:
        return
    y_too, backward_too = trial.forward(*map(np.asfortranarray, trial.args))
    if not _close(y, y_too, rtol):
        yield "y is another for inputs in Fortran order"
    fortran = trial.gradients(backward_too, np.asfortranarray(trial.dy))
    yield from differs("for arrays in Fortran order", fortran)

    for dy in _misfits(np.asarray(trial.dy)):
        try:
            trial.gradients(backward, dy)
        except ValueError:
            continue
        yield f"backward takes a dy of {dy.shape} {dy.dtype} for a y of {y.shape} {y.dtype}"


def _close(a: Array, b: Array, rtol: float) -> bool:
    """Is every entry the same, to within rtol of the largest?"""
    largest = float(np.abs(a[np.isfinite(a)]).max(initial=0))
    return np.allclose(a, b, rtol, rtol * largest, equal_nan=True)


def _misfits(dy: Array) -> Iterator[Array]:
    """Yield what is not of dy's shape and dtype, though NumPy would broadcast most of it."""
    yield from (dy.take([0], axis) for axis, size in enumerate(dy.shape) if size > 1)
    yield np.concatenate([dy, dy], axis=-1)
    yield dy.astype(np.float32 if dy.dtype == np.float64 else np.float64)
