"""What PyTorch calls our layers and losses, for whoever has it: the batch is its first axis.

A peer takes the inputs, the constants and the parameters as tensors and returns y. Dropout has
none, since its noise is another.
"""

from math import prod
from typing import Any

import numpy as np

from .. import layers
from ..core import Array
from .image_peers import IMAGES, Peer, of
from .latent_peers import LATENT


def torch_or_none() -> Any:
    """Return PyTorch, None where it cannot be imported."""
    try:
        import torch
    except ImportError:
        return None
    return torch


def gradients(torch: Any, layer: Any, inputs: list[Array], constants: list[Array], dy: Any) -> Any:
    """Return y and the gradients of the inputs and the parameters, None if there is no peer."""
    name = getattr(layer, "__name__", type(layer).__name__)
    peer = PEERS.get(name)
    if peer is None:
        return None
    parameters = layer.parameters() if hasattr(layer, "parameters") else {}
    leaves = [_tensor(torch, a).requires_grad_() for a in inputs]
    theta = [torch.from_numpy(p.value.copy()).requires_grad_() for p in parameters.values()]
    given = [_tensor(torch, a) for a in constants]
    y = peer(torch, layer, [*leaves, *given], dict(zip(parameters, theta, strict=True)))
    dyt = _tensor(torch, np.asarray(dy)) if y.ndim else torch.tensor(float(dy)).double()
    found = torch.autograd.grad(y, [*leaves, *theta], dyt)
    moved = [np.moveaxis(g.numpy(), 0, -1) for g in found[: len(leaves)]]
    y = y.detach().numpy()
    return [
        np.moveaxis(y, 0, -1) if y.ndim else y,
        *moved,
        *(g.numpy() for g in found[len(leaves) :]),
    ]


def _tensor(torch: Any, a: Array) -> Any:
    return torch.from_numpy(np.moveaxis(a, -1, 0).copy() if a.ndim else a)


def _channels_first(x: Any) -> Any:
    """A sequence (N, T, C) as PyTorch has it, (N, C, T); its own inverse."""
    return x.transpose(1, 2) if x.ndim == 3 else x


def _batch_norm(torch: Any, layer: Any, args: list[Any], theta: dict[str, Any]) -> Any:
    x, norm = _channels_first(args[0]), torch.nn.functional.batch_norm
    y = norm(x, None, None, theta.get("weight"), theta.get("bias"), True, 0.0, layer.eps)
    return _channels_first(y)


def _group_norm(torch: Any, layer: Any, args: list[Any], theta: dict[str, Any]) -> Any:
    x, norm = _channels_first(args[0]), torch.nn.functional.group_norm
    y = norm(x, layer.G, theta.get("weight"), theta.get("bias"), layer.eps)
    return _channels_first(y)


def _layer_norm(torch: Any, layer: Any, args: list[Any], theta: dict[str, Any]) -> Any:
    norm = torch.nn.functional.layer_norm
    return norm(args[0], layer.shape, theta.get("weight"), theta.get("bias"), layer.eps)


def _sequential(torch: Any, layer: Any, args: list[Any], theta: dict[str, Any]) -> Any:
    x = args[0]
    for k, inner in enumerate(layer):
        own = {n.removeprefix(f"{k}."): p for n, p in theta.items() if n.startswith(f"{k}.")}
        x = PEERS[type(inner).__name__](torch, inner, [x], own)
    return x


def _gaussian_nll(torch: Any, layer: Any, args: list[Any], theta: dict[str, Any]) -> Any:
    mean, logvar, t = args
    nll = torch.nn.functional.gaussian_nll_loss
    return nll(mean, t, logvar.exp(), full=True, eps=0, reduction="sum") / len(mean)


def _logistic(torch: Any, layer: Any, args: list[Any], theta: dict[str, Any]) -> Any:
    (mean, logscale, t), half = args, 1 / 510

    def below(x: Any) -> Any:
        return torch.sigmoid((x - mean) / logscale.exp())

    upper = torch.where(t > 1 - half, torch.ones_like(t), below(t + half))
    lower = torch.where(t < half, torch.zeros_like(t), below(t - half))
    return -(upper - lower).log().sum() / len(mean)


def _gaussian_kl(torch: Any, layer: Any, args: list[Any], theta: dict[str, Any]) -> Any:
    mu, logvar = args
    normal = torch.distributions.Normal
    q, p = normal(mu, (logvar / 2).exp()), normal(torch.zeros_like(mu), torch.ones_like(mu))
    return torch.distributions.kl_divergence(q, p).sum() / len(mu)


def _importance_bound(torch: Any, layer: Any, args: list[Any], theta: dict[str, Any]) -> Any:
    (log_w,) = args
    return -(log_w.exp().mean(1).log()).mean()


def _contraction(torch: Any, layer: Any, args: list[Any], theta: dict[str, Any]) -> Any:
    h, w = args[0], args[1].T  # both have been turned, and w has no samples
    return torch.einsum("nm,md->", (h - h * h) ** 2, w**2) / len(h)


def _recurrent(torch: Any, layer: Any, args: list[Any], theta: dict[str, Any]) -> Any:
    """The layer of PyTorch's own with the same options, on sequences (N, T, D)."""
    (_, D), H = layer.cells[0].w.value.shape, layer.cells[0].u.value.shape[1]
    more = (
        {"nonlinearity": layer.cells[0].nonlinearity}
        if hasattr(layer.cells[0], "nonlinearity")
        else {}
    )
    twin = getattr(torch.nn, type(layer).__name__)(
        D,
        H,
        layer.layers,
        batch_first=True,
        bidirectional=layer.directions == 2,
        bias="bias_ih_l0" in theta,
        **more,
    )
    x = args[0] if args[0].ndim == 3 else torch.nn.functional.one_hot(args[0], D).double()
    y, final = torch.func.functional_call(twin.double(), theta, (x,))
    final = final[0] if isinstance(final, tuple) else final
    return y if layer.return_sequences else torch.cat(list(final[-layer.directions :]), 1)


def _cell(torch: Any, layer: Any, args: list[Any], theta: dict[str, Any]) -> Any:
    x, *states = args
    (_, D), H = layer.w.value.shape, layer.u.value.shape[1]
    twin = getattr(torch.nn, type(layer).__name__)(D, H).double()
    given = tuple(states) if len(states) > 1 else states[0]
    y = torch.func.functional_call(twin, theta, (x, given))
    return torch.stack(y, 1) if isinstance(y, tuple) else y


def _steps(torch: Any, layer: Any, args: list[Any], theta: dict[str, Any]) -> Any:
    """PyTorch's layers take sequences (N, T, D) where ours take (D, N)."""
    return PEERS[type(layer.layer).__name__](torch, layer.layer, args, theta)


def _loss(name: str) -> Peer:
    """A loss of torch.nn.functional: the sum over features, the mean over the batch."""

    def peer(torch: Any, layer: Any, args: list[Any], theta: dict[str, Any]) -> Any:
        return getattr(torch.nn.functional, name)(*args, reduction="sum") / len(args[0])

    return peer


def _linear(torch: Any, layer: Any, args: list[Any], theta: dict[str, Any]) -> Any:
    w = theta["weight"].T if isinstance(layer, layers.TiedDense) else theta["weight"]
    return torch.nn.functional.linear(args[0], w, theta.get("bias"))


PEERS: dict[str, Peer] = {
    **IMAGES,
    **LATENT,
    "Dense": _linear,
    "TiedDense": _linear,
    "BatchNorm": _batch_norm,
    "GroupNorm": _group_norm,
    "LayerNorm": _layer_norm,
    "Sequential": _sequential,
    "RNN": _recurrent,
    "LSTM": _recurrent,
    "GRU": _recurrent,
    "RNNCell": _cell,
    "LSTMCell": _cell,
    "GRUCell": _cell,
    "Embedding": lambda torch, layer, args, theta: torch.nn.functional.embedding(
        args[0], theta["weight"]
    ),
    "RepeatVector": of(lambda t: lambda x, steps: x[:, None].repeat(1, steps, 1), steps="T"),
    "ReverseSteps": of(lambda t: lambda x: x.flip(1)),
    "TimeDistributed": _steps,
    "Flatten": of(lambda t: lambda x: x.reshape(len(x), prod(x.shape[1:]))),
    "Reshape": of(lambda t: lambda x, shape: x.reshape(len(x), *shape), shape="sample_shape"),
    "Identity": of(lambda t: lambda x: x * 1),
    "ReLU": of(lambda t: t.relu),
    "LeakyReLU": of(lambda t: t.nn.functional.leaky_relu, negative_slope="slope"),
    "ELU": of(lambda t: t.nn.functional.elu, alpha="alpha"),
    "GELU": of(lambda t: t.nn.functional.gelu),
    "Sigmoid": of(lambda t: t.sigmoid),
    "Softmax": of(lambda t: lambda x: t.softmax(x, -1)),
    "Softplus": of(lambda t: lambda x: t.nn.functional.softplus(x, threshold=1000)),
    "Tanh": of(lambda t: t.tanh),
    "GaussianSample": of(lambda t: lambda mu, logvar, eps: mu + (logvar / 2).exp() * eps),
    "squared_error": _loss("mse_loss"),
    "bernoulli_nll": _loss("binary_cross_entropy_with_logits"),
    "categorical_nll": _loss("cross_entropy"),
    "gaussian_nll": _gaussian_nll,
    "discretised_logistic_nll": _logistic,
    "gaussian_kl": _gaussian_kl,
    "l1_penalty": of(lambda t: lambda z: z.abs().sum() / len(z)),
    "importance_bound": _importance_bound,
    "contraction": _contraction,
}
