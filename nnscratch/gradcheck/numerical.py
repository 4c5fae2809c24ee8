"""A function on subject, and the derivatives that its forward alone gives away.

For random dy let L = ⟨dy, y⟩, so that ∂L/∂y = dy. What backward gives for an entry a_i of an input
or a parameter must then be ⟨dy, ∂y/∂a_i⟩, and there are ways to ∂y/∂a_i that need no backward:

    plain     D(h) = (y(a_i + h) - y(a_i - h)) / 2h = ∂y/∂a_i + c h² + O(h⁴)
    central   (4 D(h) - D(2h)) / 3                  = ∂y/∂a_i + O(h⁴)
    complex   Im y(a_i + ih) / h                    = ∂y/∂a_i + O(h²)

A difference of neighbours loses digits as 2⁻⁵²/h: what a small h gains in truncation it loses in
rounding. The second, with no h² term, can afford a larger h. The complex step subtracts nothing:
with h = 1e-30 every digit is right, provided that forward is analytic arithmetic from end to end
(the layer says `holomorphic`): no |x|, no max, no kernel for real numbers.

Source
    Squire and Trapp, Using Complex Variables to Estimate Derivatives of Real Functions (1998).
"""

import copy
import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import cached_property
from typing import Any, Literal

import numpy as np

from ..core import Array, Backward, IntArray, Parameter, Shape, unique
from ..layers.contract import buffers, holomorphic, noisy
from ..layers.held import restart_all, shared, sources

Method = Literal["plain", "central", "complex"]


class Subject:
    """A layer, a model, a loss or a function, bound to its arguments: from here on they look alike.

    args     inputs, then constants; arg_names are theirs
    arrays   inputs, then the values of θ, whatever has a gradient; names are theirs

    A loss that returns its gradients outright gets the backward dy ↦ dy · gradient. Of a model it
    is the loss that is tried. Its terms are told by name, and y is the "total", or else the first;
    only θ has a gradient then, the inputs are data. Noise is the same in every call.

    Raises
        ValueError if this is nothing that can be called.
    """

    def __init__(
        self,
        layer: Any,
        inputs: Sequence[Array | Shape],
        constants: Sequence[Any] = (),
        parameters: Mapping[str, Parameter] | None = None,
        *,
        rng: np.random.Generator,
        entries: int | None = None,
    ) -> None:
        owner = getattr(layer, "__self__", layer)  # of a bound method, the layer
        if parameters is None:
            parameters = owner.parameters() if hasattr(owner, "parameters") else {}
        self.title = getattr(layer, "__name__", type(layer).__name__)
        self.call = getattr(layer, "forward", getattr(layer, "loss", layer))
        if not callable(self.call):
            raise ValueError(
                f"gradcheck: expected a layer, a model, a loss or a function, got {self.title}"
            )
        self.owner, self.holomorphic, self.of_terms = owner, holomorphic(owner), False
        takes_rng = "rng" in _parameters(self.call)
        self.noisy, self.seed, self.rng = noisy(owner) or takes_rng, int(rng.integers(2**32)), rng
        self.sources = sources(layer)
        self.sources += [s for s, _ in shared(layer) if not isinstance(s, Parameter)]
        self.theta = unique(parameters)
        dtype = self.theta[0].value.dtype if self.theta else np.float64
        # What a model learns from are numbers in [0, 1]; a layer may be given any.
        of_model = hasattr(owner, "loss") and not hasattr(layer, "forward")
        draw = rng.random if of_model else rng.standard_normal
        self.args = [
            draw(a).astype(dtype) if isinstance(a, tuple) else np.array(a)
            for a in (*inputs, *constants)
        ]
        self.given, self.arg_names = len(inputs), _argument_names(self.call, len(self.args))
        self.inputs, self.most = self.given, entries
        self.theta_names = [next(n for n, p in parameters.items() if p is q) for q in self.theta]

    def begin(self) -> None:
        """Call forward for the first time, and learn whether the inputs have a gradient.

        Raises
            ValueError if that fails.
        """
        try:
            self.forward()
        except Exception as error:
            given = zip(self.arg_names, self.args, strict=True)
            call = f"{self.title}({', '.join(f'{n} {a.shape} {a.dtype}' for n, a in given)})"
            raise ValueError(f"gradcheck {call}: {type(error).__name__}: {error}") from error
        self.inputs = 0 if self.of_terms else self.given

    @cached_property
    def entries(self) -> list[IntArray]:
        """For each of the arrays the numbers, in row-major order, of the entries to be checked."""
        sizes = [a.size for a in self.arrays]
        return [
            np.arange(size)
            if self.most is None or size <= self.most
            else np.sort(self.rng.choice(size, self.most, replace=False))
            for size in sizes
        ]

    @property
    def names(self) -> list[str]:
        """The names of the arrays."""
        return self.arg_names[: self.inputs] + self.theta_names

    @cached_property
    def dy(self) -> Any:
        """What stands for ∂L/∂y, from N(0, 1); a float where y is one."""
        y, _ = self.forward()
        return self.rng.standard_normal(y.shape).astype(y.dtype) if y.ndim else self.rng.normal()

    @property
    def arrays(self) -> list[Array]:
        """The inputs and the values of θ."""
        return [*self.args[: self.inputs], *(p.value for p in self.theta)]

    def forward(self, *args: Array) -> tuple[Array, Backward]:
        """Return y and backward. The noise is the same in every call."""
        noise = {"rng": np.random.default_rng(self.seed)} if self.noisy else {}
        restart_all(self.sources, self.seed)
        result = self.call(*(args or self.args), **noise)
        if not isinstance(result, tuple) or len(result) != 2:
            raise ValueError(f"expected (y, backward) or (value, gradients), got {_said(result)}")
        y, backward = result
        if isinstance(y, Mapping):
            self.of_terms, y = True, y["total"] if "total" in y else next(iter(y.values()))
        if callable(backward):
            return np.asarray(y), backward
        return np.asarray(y), lambda dy: tuple(dy * d for d in _each(backward))

    def gradients(
        self,
        backward: Backward,
        dy: Any = None,
        *,
        start: Sequence[Array] | None = None,
        **options: Any,
    ) -> list[Any]:
        """Return what backward gives for each of the arrays.

        Parameter.grad is borrowed for it, and what else backward moves is put back.
        """
        borrowed = [(p, p.grad, p.grad.copy()) for p in self.theta]
        moved = [(a, a.copy()) for a in buffers(self.owner).values()]
        for k, (_, grad, _) in enumerate(borrowed):
            grad[...] = 0 if start is None else start[k]
        try:
            dx = _each(backward(self.dy if dy is None else dy, **options))
            dx = dx if self.inputs else ()
            self.rebound = [grad is not p.grad for p, grad, _ in borrowed]
            return [*map(copy.copy, dx), *(p.grad.copy() for p in self.theta)]
        finally:
            for p, grad, before in borrowed:
                grad[...] = before
                p.grad = grad
            for a, before in moved:
                a[...] = before

    def derivatives(self, method: Method, h: float) -> list[Array]:
        """Return ⟨dy, ∂y/∂a_i⟩ for the chosen entries of each of the arrays, as vectors."""
        with self._complex_numbers() if method == "complex" else nullcontext():
            return [
                np.array([self.slope(a, place(a, i), method, h) for i in chosen])
                for a, chosen in zip(self.arrays, self.entries, strict=True)
            ]

    def slope(self, a: Array, i: Shape, method: Method, h: float) -> float:
        """Return ⟨dy, ∂y/∂a_i⟩."""
        if method == "central":
            return (4 * self.slope(a, i, "plain", h) - self.slope(a, i, "plain", 2 * h)) / 3
        if method == "complex":
            return float(np.vdot(self.dy, self._moved(a, i, 1j * h).imag)) / h
        return float(np.vdot(self.dy, self._moved(a, i, h) - self._moved(a, i, -h))) / (2 * h)

    def jacobian(self, a: Array, i: Shape, h: float = 2**-13) -> Array:
        """Return ∂y/∂a_i for all entries of y, by central differences."""

        def plain(h: float) -> Array:
            return (self._moved(a, i, h) - self._moved(a, i, -h)) / (2 * h)

        return (4 * plain(h) - plain(2 * h)) / 3

    def _moved(self, a: Array, i: Shape, step: complex) -> Array:
        """Return y, as it is with a_i moved by this step; a copy, since y may be a view of a."""
        here = a[i]
        a[i] = here + step
        try:
            return self.forward()[0].copy()
        finally:
            a[i] = here

    @contextmanager
    def _complex_numbers(self) -> Iterator[None]:
        """Let every float be a complex number for a while."""
        args, values = self.args, [p.value for p in self.theta]
        self.args = [a.astype(np.complex128) if a.dtype.kind == "f" else a for a in args]
        for p in self.theta:
            p.value = p.value.astype(np.complex128)
        try:
            yield
        finally:
            self.args = args
            for p, value in zip(self.theta, values, strict=True):
                p.value = value


def place(a: Array, i: int) -> Shape:
    """Return the indices of the i-th entry of a in row-major order."""
    return tuple(map(int, np.unravel_index(i, a.shape)))


def _said(result: Any) -> str:
    """Return what a call returned, in a few words."""
    many = f" of {len(result)}" if isinstance(result, tuple | list) else ""
    return type(result).__name__ + many


def _each(gradients: Any) -> tuple[Any, ...]:
    return gradients if isinstance(gradients, tuple) else (gradients,)


def _parameters(call: Any) -> Mapping[str, inspect.Parameter]:
    """The parameters of a callable; none of one that does not say, as ufuncs of older NumPy."""
    try:
        return inspect.signature(call).parameters
    except ValueError:
        return {}


def _argument_names(call: Any, count: int) -> list[str]:
    """The words of the signature, as far as they go."""
    words = [
        p.name
        for p in _parameters(call).values()
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    return [*words, *(f"argument {k}" for k in range(len(words), count))][:count]
