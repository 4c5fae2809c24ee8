"""What recurrent layers share: cells above each other, two directions, lengths, states."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..checks.arguments import flag, integer
from ..core import Array, Backward, IntArray, Layer, Parameter, Shape, check
from .recurrent_cell import AnyArray, Cell, States, as_states, check_input


class Recurrent(Layer):
    """Layers of cells, each of which reads what the one below has said of every step.

    cells  by layer, and in a layer by direction: forwards, then backwards if it is bidirectional.
           They are the layer's own, with its Parameters, so that one can go on step by step.
    """

    takes_tokens = True

    def __init__(
        self,
        new_cell: Callable[[int], Cell],
        in_features: int,
        layers: int,
        bidirectional: bool,
        return_sequences: bool,
    ) -> None:
        who = type(self).__name__
        self.layers = integer(who, "layers", layers)
        self.directions = 2 if flag(who, "bidirectional", bidirectional) else 1
        self.return_sequences = flag(who, "return_sequences", return_sequences)
        self.cells: list[Cell] = []
        for _ in range(self.layers):
            self.cells += [new_cell(in_features) for _ in range(self.directions)]
            in_features = self.directions * self.cells[0].u.value.shape[1]

    def forward(self, x: AnyArray) -> tuple[Array, Backward]:
        """Run from states of zero: (T, D, N) to (T, directions H, N), or (T, N) tokens to that.

        Without return_sequences y is the last state of each direction, (directions H, N).
        """
        (y, _), through = self.run(x)

        def backward(dy: Array, need_dx: bool = True) -> Array | None:
            dx: Array | None = through(dy, need_dx=need_dx)[0]
            return dx

        return y, backward

    def run(
        self,
        x: AnyArray,
        initial: Any = None,
        lengths: IntArray | None = None,
        constant: Array | None = None,
    ) -> tuple[tuple[Array, Any], Backward]:
        """Return (y, final), and backward: (dy, dfinal, need_dx) ↦ (dx, dinitial, dconstant).

        x         (T, D, N), or (T, N) tokens, which stand for one-hot columns: there is no dx then
        initial   h of every cell, (cells, H, N), or for an LSTM (h, c); None: zeros
        lengths   (N,): how many steps of each sample are valid. y is 0 after them, the final state
                  is that of the last valid step, and the way back begins there
        constant  (C, N), a part of the input of every step: D + C = in_features
        final     as initial. dfinal and dinitial are like it; dy or dfinal may be None, for zeros
        """
        who, names = type(self).__name__, self.cells[0].names
        x, lengths = self._checked(x, lengths, constant)
        (T, N), L, B = (len(x), x.shape[-1]), self.layers, self.directions
        H, dtype = self.cells[0].u.value.shape[1], self.cells[0].w.value.dtype
        shape, sequences = (L * B, H, N), self.return_sequences
        states = self._states("initial", initial, [f"{name}0" for name in names], shape)
        y, last, steps = x, [], []
        for k in range(0, L * B, B):
            z = None if k else constant
            (y, ends), step = self._layer(k, y, states[k : k + B], lengths, z)
            last += ends
            steps.append(step)
        if not sequences:
            y = np.concatenate([state[0] for state in last[-B:]])

        def backward(
            dy: Array | None, dfinal: Any = None, need_dx: bool = True
        ) -> tuple[Array | None, Any, Array | None]:
            dlast = self._states("dfinal", dfinal, [f"d{name}" for name in names], shape)
            if dy is not None:
                check(f"{who} dy", dy, y.shape, dtype)
            dx: Any = np.zeros((T, B * H, N), dtype) if dy is None or not sequences else dy
            if dy is not None and not sequences:  # y is a part of the final state
                for k, dh in enumerate(np.split(dy, B), -B):
                    dlast[k] = (dlast[k][0] + dh, *dlast[k][1:])
            dfirst: list[States] = []
            dconstant = None
            for k in reversed(range(L)):
                dends = dlast[k * B : (k + 1) * B]
                dx, dstates, dconstant = steps[k](dx, dends, need_dx or k > 0)
                dfirst[:0] = dstates
            return dx, _joined(dfirst), dconstant

        return (y, _joined(last)), backward

    def _checked(
        self, x: Any, lengths: Any, constant: Array | None
    ) -> tuple[AnyArray, IntArray | None]:
        """Return x, with 0 in what is not valid, and the lengths, None if all steps are valid."""
        who, w = type(self).__name__, self.cells[0].w.value
        if constant is not None:
            check(f"{who} constant", constant, ("C", "N"), w.dtype)
        C = 0 if constant is None else len(constant)
        check_input(who, x, ("T",), w.shape[1] - C, w.dtype)
        T, N = len(x), x.shape[-1]
        if T == 0:
            raise ValueError(f"{who} x: expected a step or more, got {x.shape}")
        if constant is not None:
            check(f"{who} constant", constant, (C, N), w.dtype)
        lengths = _lengths(who, lengths, T, N)
        return _masked(x, lengths), lengths

    def _layer(
        self,
        k: int,
        x: AnyArray,
        states: list[States],
        lengths: IntArray | None,
        constant: Array | None,
    ) -> tuple[tuple[Array, list[States]], Backward]:
        """Run the cells of one layer, from number k on: their outputs stand below each other."""
        runs = []
        for d, state in enumerate(states):
            read = backwards(x, lengths) if d else x
            runs.append(self.cells[k + d].through_time(read, state, lengths, constant))
        outputs = [backwards(h, lengths) if d else h for d, ((h, _), _) in enumerate(runs)]
        y = _masked(outputs[0] if len(runs) == 1 else np.concatenate(outputs, axis=1), lengths)

        def backward(dy: Array, dlast: list[States], need_dx: bool) -> Any:
            outputs = np.split(_masked(dy, lengths), len(runs), axis=1)
            dx, dconstant, dstates = None, None, []
            for d, (_, step) in enumerate(runs):
                dh = backwards(outputs[d], lengths) if d else outputs[d]
                dread, dfirst, dz = step(dh, dlast[d], need_dx)
                dread = backwards(dread, lengths) if d and dread is not None else dread
                dx, dconstant = _sum(dx, dread), _sum(dconstant, dz)
                dstates.append(dfirst)
            return dx, dstates, dconstant

        return (y, [last for (_, last), _ in runs]), backward

    def _states(
        self, who: str, given: Any, names: list[str], shape: tuple[int, int, int]
    ) -> list[States]:
        """Return a state for each cell, from arrays (cells, H, N); None stands for zeros."""
        layer, dtype = type(self).__name__, self.cells[0].w.value.dtype
        arrays: list[Array | None] = [None] * len(names)
        if given is not None:
            arrays = [*as_states(f"{layer} {who}", given, tuple(names))]
        for i, (name, array) in enumerate(zip(names, arrays, strict=True)):
            if array is None:
                arrays[i] = np.zeros(shape, dtype)
            else:
                check(f"{layer} {name}", array, shape, dtype)
        return list(zip(*arrays, strict=True))

    def output_shape(self, input_shape: Shape) -> Shape:
        who, (_, D) = type(self).__name__, self.cells[0].w.value.shape
        if len(input_shape) not in (1, 2) or input_shape[1:] not in ((), (D,)):
            raise ValueError(
                f"{who}: expected a sample of shape (T, {D}), or (T,) tokens, got {input_shape}"
            )
        features = self.directions * self.cells[0].u.value.shape[1]
        return (input_shape[0], features) if self.return_sequences else (features,)

    def parameters(self) -> dict[str, Parameter]:
        named: dict[str, Parameter] = {}
        for k, cell in enumerate(self.cells):
            layer, direction = divmod(k, self.directions)
            end = f"_l{layer}" + "_reverse" * direction
            named |= {name + end: p for name, p in cell.parameters().items()}
        return named


def backwards(x: AnyArray, lengths: IntArray | None) -> AnyArray:
    """Return a sequence with the order of its steps reversed; of each sample the valid ones only.

    It is its own inverse and, being a permutation, its own adjoint.

    x  (T, D, N), or tokens (T, N)        lengths  (N,)
    """
    if lengths is None:
        return np.ascontiguousarray(x[::-1])
    t = np.arange(len(x))[:, None]
    order = np.where(t < lengths, lengths - 1 - t, t)  # (T, N)
    return np.take_along_axis(x, order if x.ndim == 2 else order[:, None], axis=0)


def _masked(x: AnyArray, lengths: IntArray | None) -> AnyArray:
    """Return x, or 0 where a step is not valid, whatever stood there."""
    if lengths is None:
        return x
    valid = np.arange(len(x))[:, None] < lengths  # (T, N)
    return np.where(valid if x.ndim == 2 else valid[:, None], x, x.dtype.type(0))


def _sum(a: Array | None, b: Array | None) -> Array | None:
    """Return a + b, where None stands for nothing."""
    return b if a is None else a if b is None else a + b


def _joined(states: list[States]) -> Any:
    """Return the states of all cells as one array (cells, H, N), or a pair of them."""
    joined = tuple(np.stack(arrays) for arrays in zip(*states, strict=True))
    return joined if len(joined) > 1 else joined[0]


def _lengths(who: str, lengths: Any, T: int, N: int) -> IntArray | None:
    """Return the lengths (N,), or None if all steps are valid.

    Raises
        ValueError unless they are N integers from 0 to T.
    """
    if lengths is None:
        return None
    lengths = np.asarray(lengths)
    if lengths.shape != (N,) or lengths.dtype.kind not in "iu":
        raise ValueError(
            f"{who} lengths: expected ({N},) integers, got {lengths.shape} {lengths.dtype}"
        )
    if N and (lengths.min() < 0 or lengths.max() > T):
        raise ValueError(
            f"{who} lengths: expected 0 … {T} steps, got {lengths.min()} … {lengths.max()}"
        )
    return None if (lengths == T).all() else lengths.astype(np.intp)
