"""A function on trial, and the derivatives that its forward alone gives away.

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
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Literal

import numpy as np

from .core import Array, Backward, Parameter, Shape, holomorphic, noisy, unique

Method = Literal["plain", "central", "complex"]


class Trial:
    """A layer, a loss or a plain function, bound to its arguments: from here on they look alike.

    args     inputs, then constants; arg_names are theirs
    arrays   inputs, then the values of θ, whatever has a gradient; names are theirs

    A loss, which returns its gradients outright, gets the backward dy ↦ dy · gradient.
    """

    def __init__(
        self,
        layer: Any,
        inputs: Sequence[Array | Shape],
        constants: Sequence[Any] = (),
        parameters: Mapping[str, Parameter] | None = None,
        *,
        rng: np.random.Generator,
    ) -> None:
        owner = getattr(layer, "__self__", layer)  # of a bound method, the layer
        if parameters is None:
            parameters = owner.parameters() if hasattr(owner, "parameters") else {}
        self.title = getattr(layer, "__name__", type(layer).__name__)
        self.call = getattr(layer, "forward", layer)
        self.holomorphic = holomorphic(owner)
        self.noisy, self.seed, self.rng = noisy(owner), int(rng.integers(2**32)), rng
        self.theta = unique(parameters)
        dtype = self.theta[0].value.dtype if self.theta else np.float64
        self.args = [
            rng.standard_normal(a).astype(dtype) if isinstance(a, tuple) else np.array(a)
            for a in (*inputs, *constants)
        ]
        self.inputs, self.arg_names = len(inputs), _argument_names(self.call, len(self.args))
        self.theta_names = [next(n for n, p in parameters.items() if p is q) for q in self.theta]
        self.names = self.arg_names[: self.inputs] + self.theta_names

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
        y, backward = self.call(*(args or self.args), **noise)
        if callable(backward):
            return np.asarray(y), backward
        return np.asarray(y), lambda dy: tuple(dy * d for d in _each(backward))

    def gradients(
        self, backward: Backward, dy: Any = None, *, start: float = 0, **options: Any
    ) -> list[Any]:
        """Return what backward gives for each of the arrays; Parameter.grad is borrowed for it."""
        borrowed = [(p, p.grad, p.grad.copy()) for p in self.theta]
        for _, grad, _ in borrowed:
            grad[...] = start
        try:
            dx = _each(backward(self.dy if dy is None else dy, **options))
            dx = dx if self.inputs else ()
            self.rebound = [grad is not p.grad for p, grad, _ in borrowed]
            return [*map(copy.copy, dx), *(p.grad.copy() for p in self.theta)]
        finally:
            for p, grad, before in borrowed:
                grad[...] = before
                p.grad = grad

    def derivatives(self, method: Method, h: float) -> list[Array]:
        """Return ⟨dy, ∂y/∂a_i⟩ for every entry of each of the arrays."""
        if method == "complex":
            with self._complex_numbers():
                return [self._derivative(a, method, h) for a in self.arrays]
        return [self._derivative(a, method, h) for a in self.arrays]

    def _derivative(self, a: Array, method: Method, h: float) -> Array:
        da = np.empty(a.shape)
        for i in np.ndindex(a.shape):
            da[i] = self.slope(a, i, method, h)
        return da

    def slope(self, a: Array, i: Shape, method: Method, h: float) -> float:
        """Return ⟨dy, ∂y/∂a_i⟩."""
        if method == "central":
            return (4 * self.slope(a, i, "plain", h) - self.slope(a, i, "plain", 2 * h)) / 3
        if method == "complex":
            return float(np.vdot(self.dy, self._moved(a, i, 1j * h).imag)) / h
        return float(np.vdot(self.dy, self._moved(a, i, h) - self._moved(a, i, -h))) / (2 * h)

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


def _each(gradients: Any) -> tuple[Any, ...]:
    return gradients if isinstance(gradients, tuple) else (gradients,)


def _argument_names(call: Any, count: int) -> list[str]:
    """The words of the signature, as far as they go."""
    words = [
        p.name
        for p in inspect.signature(call).parameters.values()
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    return [*words, *(f"argument {k}" for k in range(len(words), count))][:count]
