"""Recurrent layers: gradients of all that they take, the formulas unit by unit, valid steps."""

from types import ModuleType
from typing import Any

import numpy as np
import reference

from nnscratch import layers
from nnscratch.core import Array, Backward
from nnscratch.gradcheck import gradcheck
from nnscratch.gradcheck.certificates import with_random_parameters

KINDS = ("RNN", "LSTM", "GRU")


def new(
    kind: str, rng: np.random.Generator, *sizes: int, module: Any = layers, **options: Any
) -> Any:
    """Return a layer in double precision whose parameters, biases too, are N(0, 1).

    module  where the layer is, or what it derives from, if a fault has been planted there
    """
    layer = getattr(module, kind, getattr(layers, kind))(
        *sizes, rng=rng, dtype=np.float64, **options
    )
    if not hasattr(module, kind):
        part = module.Recurrent if hasattr(module, "Recurrent") else module.Cell
        for thing in [layer] if hasattr(module, "Recurrent") else layer.cells:
            methods = {k: v for k, v in vars(part).items() if not k.startswith("__")}
            own = {k: v for k, v in methods.items() if k not in vars(type(thing))}
            thing.__class__ = type(type(thing).__name__, (type(thing),), own)
    with_random_parameters(layer, rng)
    return layer


class Flat:
    """A layer whose y is all that `run` returns, as one vector a sample, of all that it takes.

    So every gradient can be checked: of x, of the initial states and of the constant.
    """

    def __init__(self, layer: Any, lengths: Any = None) -> None:
        self.layer, self.lengths = layer, lengths
        self.holomorphic, self.parameters = layer.holomorphic, layer.parameters

    def forward(self, x: Array, *more: Array) -> tuple[Array, Backward]:
        """`more` is h0 (and c0), and a constant behind them if there is one more."""
        count = len(self.layer.cells[0].names)
        states, constant = more[:count], (*more[count:], None)[0]
        initial = states if count > 1 else states[0]
        (y, final), through = self.layer.run(x, initial, self.lengths, constant)
        parts = [y, *(final if count > 1 else [final])]
        N, ends = y.shape[-1], np.cumsum([a.size // y.shape[-1] for a in parts])[:-1]

        def backward(dy: Array) -> tuple[Array, ...]:
            cut = np.split(dy, ends)
            dy, *dfinal = (d.reshape(a.shape) for d, a in zip(cut, parts, strict=True))
            dx, dinitial, dconstant = through(dy, tuple(dfinal) if count > 1 else dfinal[0])
            dinitial = dinitial if count > 1 else (dinitial,)
            found = (dx, *dinitial, dconstant)
            return tuple(d for d in found if d is not None)

        return np.concatenate([a.reshape(-1, N) for a in parts]), backward


def check_gradient(module: ModuleType, kind: str, H: int = 2, **options: Any) -> None:
    """Of x, the initial states, the constant and θ, over three steps, of which some are not valid.

    Gradcheck calls backward twice, and wants gradients to be added to.
    """
    rng = np.random.default_rng(0)
    D, T, N, C = 2, 3, 3, 1
    layer = new(kind, rng, D + C, H, module=module, **options)
    states = [(len(layer.cells), H, N)] * len(layer.cells[0].names)
    flat = Flat(layer, np.array([3, 1, 2]))
    gradcheck(flat, (T, D, N), *states, (C, N), rng=rng).raise_if_failed()


def check_deep_gradient(module: ModuleType, kind: str) -> None:
    check_gradient(module, kind, 1, layers=2, bidirectional=True)


def check_relu_gradient(module: ModuleType) -> None:
    check_gradient(module, "RNN", nonlinearity="relu")


def check_formula(module: ModuleType, kind: str) -> None:
    """Against loops over steps, samples and units; the biases are not zero, and T is not 1."""
    rng = np.random.default_rng(1)
    layer = new(kind, rng, 2, 3, module=module)
    x, names = rng.standard_normal((4, 2, 5)), layer.cells[0].names
    states = [rng.standard_normal((3, 5)) for _ in names]
    initial = tuple(s[None] for s in states)
    (y, final), _ = layer.run(x, initial if len(names) > 1 else initial[0])
    theta = [p.value for p in layer.parameters().values()]
    want, last = getattr(reference, kind.lower())(x, states, theta)
    np.testing.assert_allclose(y, want, rtol=1e-12, atol=1e-14)
    for got, state in zip(final if len(names) > 1 else (final,), last, strict=True):
        np.testing.assert_allclose(got[0], state, rtol=1e-12, atol=1e-14)


def check_lengths(module: ModuleType, kind: str) -> None:
    """A sample of a padded batch is the same as by itself, cut to its length: y, states, gradients.

    What stands beyond its end, be it NaN, has no influence and gets no gradient.
    """
    rng = np.random.default_rng(2)
    layer = new(kind, rng, 2, 3, module=module, layers=2, bidirectional=True)
    T, lengths = 5, np.array([3, 5, 1, 0])
    beyond = np.arange(T)[:, None, None] >= lengths
    x = np.where(beyond, np.nan, rng.standard_normal((T, 2, 4)))
    dy = np.where(beyond, np.nan, rng.standard_normal((T, 6, 4)))
    pair = len(layer.cells[0].names) > 1

    def run(x: Array, dy: Array, lengths: Any) -> tuple[list[Array], list[Array]]:
        """Return what belongs to steps, and what does not."""
        for p in layer.parameters().values():
            p.grad[...] = 0
        (y, final), through = layer.run(x, lengths=lengths)
        final = final if pair else (final,)
        dfinal = tuple(np.sin(np.arange(s[..., :1].size)).reshape(s[..., :1].shape) for s in final)
        dfinal = tuple(np.broadcast_to(d, s.shape) for d, s in zip(dfinal, final, strict=True))
        dx, dinitial, _ = through(dy, dfinal if pair else dfinal[0])
        return [y, dx], [*final, *(dinitial if pair else (dinitial,))]

    steps, others = run(x, dy, lengths)
    together = [p.grad.copy() for p in layer.parameters().values()]
    apart = [np.zeros_like(grad) for grad in together]
    for a in steps:
        assert not a[np.broadcast_to(beyond, a.shape)].any()
    for n, length in enumerate(lengths):
        if not length:
            continue
        own_steps, own_others = run(x[:length, :, n : n + 1], dy[:length, :, n : n + 1], None)
        for a, b in zip(steps, own_steps, strict=True):
            np.testing.assert_allclose(a[:length, :, n : n + 1], b, rtol=1e-12, atol=1e-14)
        for a, b in zip(others, own_others, strict=True):
            np.testing.assert_allclose(a[..., n : n + 1], b, rtol=1e-12, atol=1e-14)
        for total, p in zip(apart, layer.parameters().values(), strict=True):
            total += p.grad
    for a, b in zip(together, apart, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)
    assert not others[0][..., 3].any()  # a sample without a step ends as it began, at zero


def check_tokens(module: ModuleType, kind: str) -> None:
    """Tokens are one-hot columns, with a constant and without."""
    rng = np.random.default_rng(3)
    for C in (0, 2):
        layer = new(kind, rng, 4 + C, 3, module=module, bidirectional=True)
        tokens, lengths = rng.integers(0, 4, (3, 5)), np.array([3, 2, 3, 1, 3])
        constant = rng.standard_normal((C, 5)) if C else None
        one_hot = np.ascontiguousarray(np.eye(4)[tokens].swapaxes(1, 2))
        dy, found = rng.standard_normal((3, 6, 5)), []
        for x in (tokens, one_hot):
            for p in layer.parameters().values():
                p.grad[...] = 0
            (y, _), through = layer.run(x, None, lengths, constant)
            dx, _, dconstant = through(dy)
            assert (dx is None) == (x is tokens)
            more = [] if constant is None else [dconstant]
            found.append([y, *more, *(p.grad.copy() for p in layer.parameters().values())])
        for a, b in zip(*found, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)
