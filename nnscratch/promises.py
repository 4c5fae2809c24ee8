"""What a backward promises beside the right numbers."""

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np

from .core import Array
from .trial import Trial


def broken_promises(trial: Trial, rtol: float) -> Iterator[str]:
    """Yield, in words, what would trip a caller of backward.

    Forward and backward change no array they were lent. A gradient has the shape and dtype of what
    it belongs to. Backward adds into Parameter.grad, in place. It belongs to one call of forward:
    calling either of them again makes no difference. need_dx=False leaves out dx and nothing else.
    The order of the axes in memory does not matter.
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
    # Other numbers everywhere: a backward may add to what is there, and take it from elsewhere.
    draw = np.random.default_rng(trial.seed).standard_normal
    there = [draw(p.value.shape).astype(p.value.dtype) for p in trial.theta]
    added = trial.gradients(backward, start=there)[K:]
    for name, d, start, grad, rebound in zip(
        trial.theta_names, first[K:], there, added, trial.rebound, strict=True
    ):
        if rebound:
            yield f"{name}.grad is rebound: add in place, for it may be a view"
        elif not _close(start + d, grad, rtol):
            yield f"{name}.grad is not added to"

    yield from differs("when backward is called again", trial.gradients(backward))

    trial.seed += 1
    others = [0.9 * a.ravel()[::-1].reshape(a.shape) for a in trial.args[: trial.given]]
    trial.gradients(trial.forward(*others, *trial.args[trial.given :])[1])
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


def unrefused(trial: Trial) -> Iterator[str]:
    """Yield, in words, what backward takes for a gradient and had better refuse.

    In a model that was put together no such dy arises; called by hand, NumPy broadcasts it.
    """
    y, backward = trial.forward()
    for dy in _misfits(np.asarray(trial.dy)) if y.ndim else ():
        try:
            trial.gradients(backward, dy)
        except Exception:  # whatever it is, nothing is silent
            continue
        yield (
            f"backward takes a dy of {dy.shape} {dy.dtype} for a y of {y.shape} {y.dtype}; "
            "core.check would refuse it"
        )


def _close(a: Array, b: Array, rtol: float) -> bool:
    """Is every entry the same, to within rtol of the largest?"""
    largest = float(np.abs(a[np.isfinite(a)]).max(initial=0))
    return np.allclose(a, b, rtol, rtol * largest, equal_nan=True)


def _misfits(dy: Array) -> Iterator[Array]:
    """Yield what is not of dy's shape and dtype, though NumPy would broadcast most of it."""
    yield from (dy.take([0], axis) for axis, size in enumerate(dy.shape) if size > 1)
    yield np.concatenate([dy, dy], axis=-1)
    yield dy.astype(np.float32 if dy.dtype == np.float64 else np.float64)
