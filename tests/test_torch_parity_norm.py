"""Normalisation and flatten against PyTorch in float64, where it is installed."""

from typing import Any

import numpy as np
import pytest

from nnscratch.core import Array
from nnscratch.layers import BatchNorm, Flatten, GroupNorm, LayerNorm
from nnscratch.layers.contract import buffers, inference

torch = pytest.importorskip("torch")

SHAPE = (4, 3, 2, 5)
SEQUENCES = (7, 4, 5)
PAIRS = [
    (BatchNorm(4, dtype=np.float64), torch.nn.BatchNorm2d(4)),
    (BatchNorm(4, affine=False, dtype=np.float64), torch.nn.BatchNorm2d(4, affine=False)),
    (BatchNorm(4, eps=0.1, momentum=0.3, dtype=np.float64), torch.nn.BatchNorm2d(4, 0.1, 0.3)),
    (LayerNorm((4, 3, 2), dtype=np.float64), torch.nn.LayerNorm((4, 3, 2))),
    (LayerNorm((4, 3, 2), eps=0.1, dtype=np.float64), torch.nn.LayerNorm((4, 3, 2), 0.1)),
    (GroupNorm(2, 4, dtype=np.float64), torch.nn.GroupNorm(2, 4)),
    (GroupNorm(4, 4, eps=0.1, dtype=np.float64), torch.nn.GroupNorm(4, 4, 0.1)),
]
PAIRS = [(*pair, SHAPE) for pair in PAIRS] + [
    (BatchNorm(4, dtype=np.float64), torch.nn.BatchNorm1d(4), SEQUENCES),
    (BatchNorm(4, dtype=np.float64), torch.nn.BatchNorm1d(4), (4, 5)),
    (GroupNorm(2, 4, dtype=np.float64), torch.nn.GroupNorm(2, 4), SEQUENCES),
]


def theirs(a: Array) -> Any:
    """Batch-first and channels next, as PyTorch has it: (T, D, N) there is (N, D, T)."""
    return torch.from_numpy((a.T if a.ndim == 3 else np.moveaxis(a, -1, 0)).copy())


def ours(a: Any) -> Array:
    a = a.detach().numpy()
    return a.T if a.ndim == 3 else np.moveaxis(a, 0, -1)


@pytest.mark.parametrize(("layer", "module", "shape"), PAIRS)
def test_two_steps_and_inference(
    layer: Any, module: Any, shape: tuple[int, ...], rng: np.random.Generator
) -> None:
    """Our arrays load into their module, under their names; then all that follows is the same."""
    for p in layer.parameters().values():
        p.value[...] = rng.standard_normal(p.value.shape)
        p.grad[...] = 0
    module = module.double()
    arrays = {name: p.value for name, p in layer.parameters().items()} | buffers(layer)
    module.load_state_dict({name: torch.tensor(a) for name, a in arrays.items()})
    for x, dy in rng.standard_normal((2, 2, *shape)):
        their_x = theirs(x).requires_grad_()
        their_y = module(their_x)
        their_y.backward(theirs(dy))
        y, backward = layer.forward(x)
        np.testing.assert_allclose(y, ours(their_y), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(backward(dy), ours(their_x.grad), rtol=1e-12, atol=1e-12)
    for name, p in layer.parameters().items():
        grad = module.get_parameter(name).grad.numpy()
        np.testing.assert_allclose(p.grad, grad, rtol=1e-12, atol=1e-12)
    for name, a in buffers(layer).items():
        np.testing.assert_allclose(a, module.get_buffer(name).numpy(), rtol=1e-12)
    want = ours(module.eval()(theirs(x)))
    np.testing.assert_allclose(inference(layer).forward(x)[0], want, rtol=1e-12, atol=1e-12)


def test_flatten(rng: np.random.Generator) -> None:
    x = rng.standard_normal(SHAPE)
    np.testing.assert_array_equal(Flatten().forward(x)[0], ours(torch.nn.Flatten()(theirs(x))))
