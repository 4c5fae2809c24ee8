"""The same numbers as PyTorch in float64, value and gradient, where it is installed."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import reference
from checks.planting import source_as_module

from nnscratch import losses
from nnscratch.core import Array
from nnscratch.gradcheck import proofs
from nnscratch.layers import (
    ELU,
    GELU,
    Dense,
    GaussianSample,
    LeakyReLU,
    ReLU,
    Sequential,
    Sigmoid,
    Softmax,
    Softplus,
    Tanh,
    initializers,
)

torch = pytest.importorskip("torch")
F = torch.nn.functional

SHAPE = (7, 5)
TOLERANCE = {"rtol": 1e-12, "atol": 1e-13}


def theirs(a: Array) -> Any:
    """Batch-first, as PyTorch has it, and asking for a gradient if it can have one."""
    t = torch.from_numpy(np.moveaxis(a, -1, 0).copy())
    return t.requires_grad_(t.is_floating_point())


def ours(t: Any) -> Array:
    return np.moveaxis(t.detach().numpy(), 0, -1)


def sum_over_batch(value: Any) -> Any:
    """Our reduction from PyTorch's reduction="none": sum over features, mean over the batch."""
    return value.sum() / len(value)


def assert_same(got: Any, want: Any) -> None:
    np.testing.assert_allclose(got, want, **TOLERANCE)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("D", "M", "N"), [(7, 4, 5), (9, 13, 37), (13, 53, 19), (70, 90, 30)])
def test_dense(D: int, M: int, N: int, bias: bool, rng: np.random.Generator) -> None:
    """Our arrays load into nn.Linear under their names; then all that follows is the same."""
    layer = Dense(D, M, bias=bias, bias_init=initializers.torch_default, rng=rng, dtype=np.float64)
    linear = torch.nn.Linear(D, M, bias=bias).double()
    linear.load_state_dict(
        {name: torch.from_numpy(p.value) for name, p in layer.parameters().items()}
    )
    x, dy = rng.standard_normal((D, N)), rng.standard_normal((M, N))
    y, backward = layer.forward(x)
    dx, xt = backward(dy), theirs(x)
    yt = linear(xt)
    yt.backward(theirs(dy).detach())
    assert_same(y, ours(yt))
    assert_same(dx, ours(xt.grad))
    for name, p in layer.parameters().items():
        assert_same(p.grad, getattr(linear, name).grad.numpy())


ACTIVATIONS: list[tuple[Any, Callable[..., Any]]] = [
    (ReLU(), torch.relu),
    (LeakyReLU(reference.SLOPE), lambda x: F.leaky_relu(x, reference.SLOPE)),
    (ELU(reference.ALPHA), lambda x: F.elu(x, reference.ALPHA)),
    (GELU(), F.gelu),
    (Sigmoid(), torch.sigmoid),
    (Softplus(), lambda x: F.softplus(x, threshold=1000)),  # ours has no threshold
    (Tanh(), torch.tanh),
    (Softmax(), lambda x: F.softmax(x, dim=-1)),
]


@pytest.mark.parametrize(
    ("layer", "function"), ACTIVATIONS, ids=[type(layer).__name__ for layer, _ in ACTIVATIONS]
)
@pytest.mark.parametrize("scale", [1, 20])
def test_activation(layer: Any, function: Any, scale: float, rng: np.random.Generator) -> None:
    """At scale 20 the tails too; kinks and ties are hit at 0, and the rule there is the same."""
    x, dy = scale * rng.standard_normal(SHAPE), rng.standard_normal(SHAPE)
    x[0, 0] = 0
    y, backward = layer.forward(x)
    xt = theirs(x)
    yt = function(xt)
    yt.backward(theirs(dy).detach())
    assert_same(y, ours(yt))
    assert_same(backward(dy), ours(xt.grad))


def test_gaussian_sample(rng: np.random.Generator) -> None:
    """rsample of torch.distributions, with its noise replaced by ours."""
    mu, logvar, eps, dz = rng.standard_normal((4, *SHAPE))
    z, backward = GaussianSample().forward(mu, logvar, eps)
    mut, logvart = theirs(mu), theirs(logvar)
    normal = torch.distributions.Normal(mut, logvart.exp().sqrt())
    zt = normal.loc + normal.scale * theirs(eps).detach()
    zt.backward(theirs(dz).detach())
    assert_same(z, ours(zt))
    assert_same(backward(dz), (ours(mut.grad), ours(logvart.grad)))


def kl_divergence(mu: Any, logvar: Any) -> Any:
    normal = torch.distributions.Normal
    q, p = normal(mu, (logvar / 2).exp()), normal(torch.zeros_like(mu), torch.ones_like(mu))
    return torch.distributions.kl_divergence(q, p)


LOSSES: list[tuple[str, int, int, Callable[..., Any]]] = [
    ("squared_error", 1, 1, lambda y, t: F.mse_loss(y, t, reduction="none")),
    (
        "gaussian_nll",
        2,
        1,
        lambda m, s, t: F.gaussian_nll_loss(m, t, s.exp(), full=True, eps=0, reduction="none"),
    ),
    (
        "bernoulli_nll",
        1,
        1,
        lambda a, t: F.binary_cross_entropy_with_logits(a, t, reduction="none"),
    ),
    ("gaussian_kl", 2, 0, kl_divergence),
    ("l1_penalty", 1, 0, torch.abs),
]


@pytest.mark.parametrize(
    ("name", "inputs", "targets", "function"), LOSSES, ids=[name for name, *_ in LOSSES]
)
@pytest.mark.parametrize("scale", [1, 20])
def test_loss(
    name: str,
    inputs: int,
    targets: int,
    function: Callable[..., Any],
    scale: float,
    rng: np.random.Generator,
) -> None:
    arrays = [*scale * rng.standard_normal((inputs, *SHAPE)), *rng.random((targets, *SHAPE))]
    if name.startswith("gaussian"):
        arrays[1] /= scale
    value, gradients = getattr(losses, name)(*arrays)
    tensors = [theirs(a) for a in arrays]
    valuet = sum_over_batch(function(*tensors))
    valuet.backward()
    assert_same(value, valuet.item())
    each = gradients if isinstance(gradients, tuple) else (gradients,)
    for got, tensor in zip(each, tensors[:inputs], strict=True):
        assert_same(got, ours(tensor.grad))


@pytest.mark.parametrize("shape", [(7, 5), (3, 7, 5)])
def test_categorical_nll(shape: tuple[int, ...], rng: np.random.Generator) -> None:
    """(…, K, N) here, (N, K, …) there."""
    a, labels = 5 * rng.standard_normal(shape), rng.integers(0, 7, (*shape[:-2], 5))
    value, da = losses.categorical_nll(a, labels)
    at = torch.from_numpy(a.T.copy()).requires_grad_()
    valuet = sum_over_batch(F.cross_entropy(at, torch.from_numpy(labels.T), reduction="none"))
    valuet.backward()
    assert_same(value, valuet.item())
    assert_same(da, at.grad.numpy().T)


def test_a_whole_autoencoder(rng: np.random.Generator) -> None:
    """Four layers, three activations, one loss; the parameters load under the names they have."""
    d = [Dense(D, M, rng=rng, dtype=np.float64) for D, M in pairwise((20, 13, 9, 13, 20))]
    model = Sequential(d[0], Tanh(), d[1], Softplus(), d[2], GELU(), d[3])
    nn = torch.nn
    linear = [nn.Linear(D, M).double() for D, M in pairwise((20, 13, 9, 13, 20))]
    twin = nn.Sequential(
        linear[0], nn.Tanh(), linear[1], nn.Softplus(), linear[2], nn.GELU(), linear[3]
    )
    twin.load_state_dict({n: torch.from_numpy(p.value) for n, p in model.parameters().items()})

    x = rng.random((20, 37))
    a, backward = model.forward(x)
    value, da = losses.bernoulli_nll(a, x)
    backward(da, need_dx=False)
    xt = theirs(x).detach()
    valuet = sum_over_batch(F.binary_cross_entropy_with_logits(twin(xt), xt, reduction="none"))
    valuet.backward()
    assert_same(value, valuet.item())
    for name, parameter in twin.named_parameters():
        assert_same(model.parameters()[name].grad, parameter.grad.numpy())


@pytest.mark.parametrize(
    ("name", "fill"),
    [
        ("glorot_uniform", torch.nn.init.xavier_uniform_),
        ("glorot_normal", torch.nn.init.xavier_normal_),
        ("he_uniform", lambda w: torch.nn.init.kaiming_uniform_(w, nonlinearity="relu")),
        ("he_normal", lambda w: torch.nn.init.kaiming_normal_(w, nonlinearity="relu")),
        ("lecun_uniform", lambda w: torch.nn.init.kaiming_uniform_(w, nonlinearity="linear")),
        ("lecun_normal", lambda w: torch.nn.init.kaiming_normal_(w, nonlinearity="linear")),
        ("torch_default", lambda w: w.copy_(torch.nn.Linear(200, 300).weight.data)),
    ],
)
def test_initializer(name: str, fill: Any, rng: np.random.Generator) -> None:
    """The same spread, to 2 % of 60,000 draws; and the same bounds, where there are any."""
    torch.manual_seed(0)
    w = getattr(initializers, name)((300, 200), 200, 300, rng=rng, dtype=np.float64)
    wt = fill(torch.empty(300, 200)).numpy()
    assert w.std() == pytest.approx(wt.std(), rel=0.02)
    if not name.endswith("normal"):
        assert np.abs(w).max() == pytest.approx(np.abs(wt).max(), rel=1e-3)


# The table of all that is proved


def test_the_certificates_agree_with_torch_and_a_wrong_formula_does_not() -> None:
    found = {proof.name: proof for proof in proofs.proofs()}
    assert {name for name, proof in found.items() if "=torch" not in proof.errors} == {"Dropout"}
    assert all(proof.ok for proof in found.values())
    tanh = source_as_module(
        "layers/activations.py",
        {
            "y = np.tanh(x)": "y = np.tanh(x / 2)",
            "tanh_backward(dy, y)": "tanh_backward(dy, y) / 2",
        },
    ).Tanh()
    [proof] = proofs.proofs(some=[("Tanh", tanh, (SHAPE,), ())])
    assert proof.failed == ["=torch"]
