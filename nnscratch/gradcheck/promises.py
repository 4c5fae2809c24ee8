"""What a backward promises beside the right numbers."""

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core import Array
from .numerical import Subject


def broken_promises(subject: Subject, rtol: float) -> Iterator[str]:
    """Yield, in words, what would trip a caller of backward.

    Forward and backward change no array they were lent. A gradient has the shape and dtype of what
    it belongs to. Backward adds into Parameter.grad, in place. It belongs to one call of forward:
    calling either of them again makes no difference. need_dx=False leaves out dx and nothing else.
    The order of the axes in memory does not matter.
    """
    lent = dict(zip(subject.arg_names, subject.args, strict=True))
    lent |= {n: p.value for n, p in zip(subject.theta_names, subject.theta, strict=True)}
    before = {name: a.copy() for name, a in lent.items()}

    def changed(who: str) -> Iterator[str]:
        for name, a in lent.items():
            if not np.array_equal(a, before[name], equal_nan=True):
                yield f"{who} changes {name}"
                a[...] = before[name]

    y, backward = subject.forward()
    yield from changed("forward")
    lent |= {"dy": np.asarray(subject.dy), "y": y}
    before |= {"dy": np.copy(subject.dy), "y": y.copy()}
    first = subject.gradients(backward)
    yield from changed("backward")

    if len(first) != len(subject.names):
        count = len(first) - len(subject.theta)
        yield f"backward returns {count} gradients, there are {subject.inputs} inputs"
        return
    misfits = [
        f"d{name}: expected {a.shape} {a.dtype}, got {np.shape(d)} {getattr(d, 'dtype', type(d))}"
        for name, d, a in zip(subject.names, first, subject.arrays, strict=True)
        if np.shape(d) != a.shape or d.dtype != a.dtype
    ]
    yield from misfits
    if misfits:
        return

    def differs(when: str, gradients: list[Any]) -> Iterator[str]:
        for name, a, b in zip(subject.names, first, gradients, strict=True):
            if not _close(a, b, rtol):
                yield f"d{name} is another {when}"

    K = subject.inputs
    # Other numbers everywhere: a backward may add to what is there, and take it from elsewhere.
    draw = np.random.default_rng(subject.seed).standard_normal
    there = [draw(p.value.shape).astype(p.value.dtype) for p in subject.theta]
    added = subject.gradients(backward, start=there)[K:]
    for name, d, start, grad, rebound in zip(
        subject.theta_names, first[K:], there, added, subject.rebound, strict=True
    ):
        if rebound:
            yield f"{name}.grad is rebound: add in place, for it may be a view"
        elif not _close(start + d, grad, rtol):
            yield f"{name}.grad is not added to"

    yield from differs("when backward is called again", subject.gradients(backward))

    subject.seed += 1
    others = [0.9 * a.ravel()[::-1].reshape(a.shape) for a in subject.args[: subject.given]]
    subject.gradients(subject.forward(*others, *subject.args[subject.given :])[1])
    subject.seed -= 1
    yield from changed("another call of forward")
    yield from differs("after another call of forward", subject.gradients(backward))

    if "need_dx" in inspect.signature(backward).parameters:
        spared = subject.gradients(backward, need_dx=False)
        yield from ("need_dx=False returns a dx" for d in spared[:K] if d is not None)
        yield from differs("with need_dx=False", first[:K] + spared[K:])

    if y.ndim == 0:
        return
    y_too, backward_too = subject.forward(*map(np.asfortranarray, subject.args))
    if not _close(y, y_too, rtol):
        yield "y is another for inputs in Fortran order"
    fortran = subject.gradients(backward_too, np.asfortranarray(subject.dy))
    yield from differs("for arrays in Fortran order", fortran)


def unrefused(subject: Subject) -> Iterator[str]:
    """Yield, in words, what backward takes for a gradient and had better refuse.

    In a model that was put together no such dy arises; called by hand, NumPy broadcasts it.
    """
    y, backward = subject.forward()
    for dy in _misfits(np.asarray(subject.dy)) if y.ndim else ():
        try:
            subject.gradients(backward, dy)
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
