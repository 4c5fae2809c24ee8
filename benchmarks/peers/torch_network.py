"""The networks in PyTorch: modules, and their losses."""

from collections.abc import Callable
from math import log

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nnscratch.core import Array

from .. import networks as net

ACTIVATIONS: dict[str | None, Callable[[Tensor], Tensor]] = {"relu": F.relu, "tanh": torch.tanh}


def module(layer: net.Layer) -> nn.Module:
    """Return a layer of the workload as a module, without its activation."""
    match layer:
        case net.Dense(D, M):
            return nn.Linear(D, M)
        case net.Conv(C, M, kernel=K, stride=S, padding=P):
            return nn.Conv2d(C, M, K, S, P)
        case net.ConvTranspose(C, M, kernel=K, stride=S):
            return nn.ConvTranspose2d(C, M, K, S, layer.padding, S - 1)
        case net.Pool():
            return nn.MaxPool2d(2, ceil_mode=True)
        case net.Up():
            return nn.Upsample(scale_factor=2)
        case net.Reshape(shape):
            return nn.Flatten() if len(shape) == 1 else nn.Unflatten(1, shape)


class Stack(nn.Module):
    """The layers one after the other."""

    def __init__(self, layers: tuple[net.Layer, ...]) -> None:
        super().__init__()
        self.steps = nn.ModuleList(map(module, layers))
        self.activations = [ACTIVATIONS.get(getattr(layer, "act", None)) for layer in layers]

    def forward(self, x: Tensor) -> Tensor:
        """Return the last layer's output."""
        for step, activation in zip(self.steps, self.activations, strict=True):
            x = step(x) if activation is None else activation(step(x))
        return x


class Network(nn.Module):
    """Encoder and decoder; forward returns the loss."""

    def __init__(self, workload: net.Workload) -> None:
        super().__init__()
        self.encoder, self.decoder = Stack(workload.encoder), Stack(workload.decoder)
        self.latent, self.samples = workload.latent, workload.samples
        with torch.no_grad():
            for p, a in zip(self.parameters(), flat(net.first_weights(workload)), strict=True):
                p.copy_(torch.from_numpy(a))

    def forward(self, x: Tensor, eps: Tensor) -> Tensor:
        """Return the loss of workloads.py, a mean over the batch; eps is as there."""
        if self.samples:
            log_w = self.log_weights(*self.encoder(x).chunk(2, dim=1), x, eps)
            return (log(self.samples) - torch.logsumexp(log_w, dim=0)).mean()
        z, kl = self.encoder(x), torch.zeros(())
        if self.latent:
            mu, logvar = z.chunk(2, dim=1)
            z = mu + torch.exp(0.5 * logvar) * eps
            kl = 0.5 * (mu * mu + torch.exp(logvar) - 1 - logvar).sum()
        bce = F.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="sum")
        return (bce + kl) / len(x)

    def log_weights(self, mu: Tensor, logvar: Tensor, x: Tensor, eps: Tensor) -> Tensor:
        """Return log p(x|z) p(z)/q(z|x) of z = μ + σ ε: (K, N), for eps (K, N, latent)."""
        z = mu + torch.exp(0.5 * logvar) * eps
        a = self.decoder(z)
        log_p = (x * a - F.softplus(a)).sum(dim=-1)
        return log_p + 0.5 * (eps * eps + logvar - z * z).sum(dim=-1)


def flat(pairs: list[tuple[Array, Array]]) -> list[Array]:
    """Return w₁, b₁, w₂, b₂, …."""
    return [a for pair in pairs for a in pair]
