"""One example of a layer or loss, computed in the open."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core import Array, Shape
from ..gradcheck.numerical import Subject, place
from .trace import HERE, Step, Tracer, Value

SOURCES = (
    "layers",
    "losses.py",
    "kernels/plain.py",
    "kernels/plain_images.py",
    "kernels/plain_recurrent.py",
)
"""What is shown line by line, beside the file that the layer stands in."""

UNSEEN = ("geometry.py", "contract.py", "held.py", "fusion.py")
"""Files of layers/ that compute sizes and no numbers."""


@dataclass(frozen=True)
class Term:
    """∂L/∂y_j · ∂y_j/∂a_i, a summand of the chain rule; the second factor in two ways."""

    j: Shape
    dy: float
    backward: float
    difference: float


@dataclass(frozen=True)
class Gradient:
    """∂L/∂a by backward and by differences, and the terms of one entry: that with the most."""

    name: str
    backward: Array
    difference: Array
    i: Shape
    terms: list[Term]


@dataclass(repr=False)
class Explanation:
    """What a forward and a backward compute, line by line. `print` it; `html` makes a page of it.

    title, doc       the layer or loss, and its docstring
    inputs           x, θ and dy, by name
    y                what forward has returned
    forward          the statements that have run, with what each of them has set
    backward         those of the backward; none for a loss, whose forward has the gradients
    gradients        of each input and each parameter, beside finite differences
    """

    title: str
    doc: str
    inputs: list[Value]
    y: Array
    forward: list[Step]
    backward: list[Step]
    gradients: list[Gradient] = field(default_factory=list)
    dy: Array | None = None
    parameters: frozenset[str] = frozenset()

    def __str__(self) -> str:
        from .text import text

        return text(self)

    __repr__ = __str__

    def html(self) -> str:
        """Return a page that needs no other file and no network."""
        from .page import page

        return page(self)

    @property
    def batch(self) -> int | None:
        """The number of samples: the last axis of the first input."""
        return self.inputs[0].array.shape[-1] if self.inputs[0].array.ndim else None


def explain(
    layer: Any,
    x: Array | Sequence[Array],
    dy: Array | None = None,
    *,
    constants: Sequence[Any] = (),
    seed: int = 0,
) -> Explanation:
    """Run a layer, or a loss, in the open.

        layer      has forward, and parameters if it has any; or is a function that returns
                   (y, backward) or, as a loss does, (value, gradients)
        x          its input in float64, small enough to be read; or a tuple of several
        dy         ∂L/∂y in the shape of y; drawn at random if it is not given. A loss has none
        constants  what forward takes besides and has no gradient: targets, labels, noise
        seed       of the noise of a noisy layer, and of dy

    It runs on the plain path, and changes neither gradients nor running averages.

    Raises
        ValueError if forward cannot be called so, or x or a parameter is not in float64.
    """
    inputs = tuple(x) if isinstance(x, tuple | list) else (x,)
    subject = Subject(layer, inputs, constants, rng=np.random.default_rng(seed))
    for name, a in zip(subject.names, subject.arrays, strict=True):
        if a.dtype != np.float64 or a.size == 0:
            raise ValueError(
                f"explain {name}: expected numbers in float64, got {a.shape} {a.dtype}"
            )
    theta = dict(zip(subject.theta_names, subject.theta, strict=True))
    files = _files(subject.owner if hasattr(subject.owner, "forward") else layer)
    tracer = Tracer(files, theta)
    subject.begin()
    call = subject.call
    subject.call = lambda *args, **noise: tracer.run(call, *args, **noise)
    y, backward = subject.forward()
    subject.call = call
    forward, tracer.steps = tracer.steps, []
    returns_gradients = not callable(_second(subject))
    if returns_gradients:
        subject.dy = np.ones(())
    elif dy is not None:
        if dy.shape != y.shape or dy.dtype != y.dtype:
            raise ValueError(f"explain dy: expected {y.shape} {y.dtype}, got {dy.shape} {dy.dtype}")
        subject.dy = dy
    else:
        subject.dy = tenths(y.shape, np.random.default_rng(seed))
    values = [Value(n, a.copy()) for n, a in zip(subject.arg_names, subject.args, strict=True)]
    values += [Value(name, p.value.copy()) for name, p in theta.items()]
    found = Explanation(
        subject.title, _doc(layer), values, y.copy(), forward, [], parameters=frozenset(theta)
    )
    if not returns_gradients:
        found.dy = subject.dy
        subject.gradients(lambda dy: tracer.run(backward, dy))
        found.backward = tracer.steps
    found.gradients = list(map(lambda k: _gradient(subject, k), range(len(subject.arrays))))
    return found


def _second(subject: Subject) -> Any:
    """What forward returns beside y: a backward, or gradients."""
    noise = {"rng": np.random.default_rng(subject.seed)} if subject.noisy else {}
    return subject.call(*subject.args, **noise)[1]


def tenths(shape: Shape, rng: np.random.Generator) -> Array:
    """Return different numbers that are easily read: ±0.1, ±0.3, …; none is 0, nor is their sum."""
    size = int(np.prod(shape))
    return np.round(0.2 * (rng.permutation(size).reshape(shape) - size // 3) + 0.1, 1)


def _gradient(subject: Subject, k: int) -> Gradient:
    """The k-th of the gradients, and the terms of one of its entries."""
    a, dy = subject.arrays[k], np.asarray(subject.dy)
    _, backward = subject.forward()
    total = np.asarray(subject.gradients(backward)[k])
    jacobian = np.array([subject.jacobian(a, place(a, i)) for i in range(a.size)])
    jacobian = jacobian.reshape(*a.shape, *dy.shape)
    difference = (jacobian * dy).sum(axis=tuple(range(a.ndim, jacobian.ndim)))
    count = (np.abs(jacobian) > 1e-9).sum(axis=tuple(range(a.ndim, jacobian.ndim)))
    i = place(a, int(count.argmax()))
    terms = []
    for j in np.ndindex(dy.shape):
        one = np.zeros(dy.shape)
        one[j] = 1
        slope = float(subject.gradients(backward, one)[k][i])
        if slope or abs(jacobian[i][j]) > 1e-9:
            terms.append(Term(j, float(dy[j]), slope, float(jacobian[i][j])))
    return Gradient(subject.names[k], total, difference, i, terms)


def _files(layer: Any) -> list[str]:
    """The files whose lines are shown."""
    files = [str(HERE / name) for name in SOURCES if name.endswith(".py")]
    files += [str(p) for p in (HERE / "layers").glob("*.py") if p.name not in UNSEEN]
    own: Callable[..., Any] = getattr(type(layer), "forward", layer)
    code = getattr(inspect.unwrap(own), "__code__", None)
    return files if code is None else [*files, code.co_filename]


def _doc(layer: Any) -> str:
    """The docstring, to the end of the derivation."""
    thing = layer if inspect.isroutine(layer) else type(layer)
    words = inspect.cleandoc(thing.__doc__ or "")
    for section in ("Keeps", "Source", "Raises"):
        words = words.partition(f"\n{section}\n")[0]
    return words.rstrip()
