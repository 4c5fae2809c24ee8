"""What one cell of a recurrent layer is: parameters, a product with the input, a loop over time."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..checks.arguments import flag, integer
from ..core import Array, Backward, IntArray, Parameter, check
from ..kernels.plain import matmul
from ..kernels.plain_recurrent import (
    add_gather_steps,
    add_matmul_steps,
    gather_steps,
    matmul_steps,
)
from .initializers import Initializer, torch_default
from .tokens import check_tokens, is_tokens

AnyArray = NDArray[Any]
"""Floats, (T, D, N) or (D, N), or tokens, (T, N) or (N,)."""

States = tuple[Array, ...]
"""The state of a cell: (h,) or (h, c), each (H, N)."""

Loop = tuple[tuple[Array, States], Callable[[Array, States], tuple[Array, States]]]
"""(h, last states), and the function of (dy, their gradients) that returns (da, first states')."""


class Cell:
    """The parameters of one direction of one layer, and the map that they make of a step.

        names   of the parts of a state
        gates   how many maps of the input and the state there are
        w  (gates H, D)   weight_ih          b_ih  (gates H,)   bias_ih
        u  (gates H, H)   weight_hh          b_hh  (gates H,)   bias_hh

    A cell is no Layer, since it takes a state beside x. All parameters start from
    U(-1/√H, 1/√H), as PyTorch's do, where no initializer is given; one that is given draws the
    matrix of each gate for itself.
    """

    names: tuple[str, ...] = ("h",)
    gates = 1
    holomorphic = True

    def __init__(
        self,
        in_features: int,
        hidden: int,
        *,
        rng: np.random.Generator,
        bias: bool = True,
        init: Initializer | None = None,
        recurrent_init: Initializer | None = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        who, G = type(self).__name__, self.gates
        D, H = integer(who, "in_features", in_features), integer(who, "hidden", hidden)

        def matrix(D: int, init: Initializer | None) -> Parameter:
            if init is None:
                return Parameter(torch_default((G * H, D), H, H, rng=rng, dtype=dtype))
            return Parameter(
                np.concatenate([init((H, D), D, H, rng=rng, dtype=dtype) for _ in range(G)])
            )

        def vector() -> Parameter:
            return Parameter(torch_default((G * H,), H, H, rng=rng, dtype=dtype))

        self.w, self.u = matrix(D, init), matrix(H, recurrent_init)
        bias = flag(who, "bias", bias)
        self.b_ih = vector() if bias else None
        self.b_hh = vector() if bias else None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.w.value.shape[1]}, {self.u.value.shape[1]})"

    def parameters(self) -> dict[str, Parameter]:
        """Return θ by PyTorch's names."""
        named = {"weight_ih": self.w, "weight_hh": self.u}
        if self.b_ih is not None and self.b_hh is not None:
            named |= {"bias_ih": self.b_ih, "bias_hh": self.b_hh}
        return named

    @abstractmethod
    def loop(self, a: Array, initial: States, lengths: IntArray | None) -> Loop:
        """Run all steps from a_t = W x_t + b; the way back adds to the gradients of u and b_hh."""

    def bias(self) -> Array | None:
        """Return the bias that is added before the loop."""
        if self.b_ih is None or self.b_hh is None:
            return None
        return self.b_ih.value + self.b_hh.value

    def through_time(
        self,
        x: AnyArray,
        initial: States,
        lengths: IntArray | None = None,
        constant: Array | None = None,
    ) -> tuple[tuple[Array, States], Backward]:
        """Return (h_1 … h_T, last states), and backward: (dy, dlast) ↦ dx, dinitial, dconstant.

        The arrays are what Recurrent.run takes, and are not checked here.
        """
        a, input_backward = self._input(x, constant)
        (h, final), loop_backward = self.loop(a, initial, lengths)

        def backward(dy: Array, dfinal: States, need_dx: bool = True) -> Any:
            da, dinitial = loop_backward(dy, dfinal)
            dx, dconstant = input_backward(da, need_dx)
            return dx, dinitial, dconstant

        return (h[1:], final), backward

    def _input(self, x: AnyArray, constant: Array | None) -> tuple[Array, Backward]:
        """Return a_t = W x_t + b for all steps, where a constant is a part of each x_t.

        Only W_x x_t differs from step to step, with W = [W_x | W_z]: b + W_z z is a sample's bias.
        """
        w, bias, tokens = self.w, self.bias(), is_tokens(x)
        w_x, w_z = w.value, None
        if constant is not None:
            D = w_x.shape[1] - len(constant)
            w_x, w_z = map(np.ascontiguousarray, np.split(w_x, [D], axis=1))
            bias = matmul(w_z, constant, bias)
        a = gather_steps(w_x, x, bias) if tokens else matmul_steps(w_x, x, bias)

        def backward(da: Array, need_dx: bool) -> tuple[Array | None, Array | None]:
            dconstant, part = None, w if constant is None else Parameter(w_x)
            if tokens:
                add_gather_steps(part, da, x, self.b_ih)
            else:
                add_matmul_steps(part, da, x, self.b_ih)
            if w_z is not None and constant is not None:
                D = w_x.shape[1]
                ds = da.sum(axis=0)  # z is an input of every step
                w.grad[:, :D] += part.grad
                w.grad[:, D:] += matmul(ds, constant.T)
                dconstant = matmul(w_z.T, ds)
            dx = matmul_steps(w_x.T, da) if need_dx and not tokens else None
            return dx, dconstant

        return a, backward

    def step(self, x: AnyArray, states: States, constant: Array | None) -> tuple[States, Backward]:
        """Return the states after one step; backward takes their gradients as a tuple.

        It returns dx (None for tokens), the gradients of the states and, if there is a constant,
        its gradient.
        """
        who, H = type(self).__name__, self.u.value.shape[1]
        dtype, D = self.w.value.dtype, self.w.value.shape[1]
        if constant is not None:
            check(f"{who} constant", constant, ("C", "N"), dtype)
            D -= len(constant)
        check_input(who, x, (), D, dtype)
        N = x.shape[-1]
        if constant is not None:
            check(f"{who} constant", constant, (len(constant), N), dtype)
        for name, state in zip(self.names, states, strict=True):
            check(f"{who} {name}", state, (H, N), dtype)
        (_, final), through = self.through_time(x[None], states, None, constant)

        def backward(dstates: States) -> tuple[Array | None, ...]:
            dstates = as_states(f"{who} dstates", dstates, self.names)
            for name, d in zip(self.names, dstates, strict=True):
                check(f"{who} d{name}", d, (H, N), dtype)
            dx, dinitial, dconstant = through(np.zeros((1, H, N), dtype), dstates)
            more = () if constant is None else (dconstant,)
            return (None if dx is None else dx[0], *dinitial, *more)

        return final, backward


class OneStateCell(Cell):
    """A cell whose state is h alone: of an RNN or a GRU."""

    def forward(
        self, x: AnyArray, h: Array, constant: Array | None = None
    ) -> tuple[Array, Backward]:
        """Return h', and backward: dh' ↦ dx, dh, and dconstant if there is one.

        constant  (C, N), a part of the input: x has in_features - C features then
        """
        (h,), backward = self.step(x, (h,), constant)
        return h, backward


def check_input(who: str, x: Any, steps: tuple[str, ...], D: int, dtype: DTypeLike) -> None:
    """Raise ValueError unless x is (*steps, D, N) floats, or (*steps, N) tokens from 0 to D - 1."""
    if is_tokens(x):
        check_tokens(f"{who} x", x, (*steps, "N"), D)
    else:
        check(f"{who} x", x, (*steps, D, "N"), dtype)


def as_states(who: str, given: Any, names: tuple[str, ...]) -> States:
    """Return a state as a tuple: callers give h by itself, and h with c as a pair."""
    if len(names) == 1:
        return (given,)
    if not isinstance(given, tuple | list | np.ndarray) or len(given) != len(names):
        kind = type(given).__name__
        raise ValueError(f"{who}: expected a pair ({', '.join(names)}), got {kind}")
    return tuple(given)
