"""PyTorch, as its users run it: modules, autograd, torch.optim.Adam."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nnscratch.core import Array

from .. import workloads as w

VARIANTS = {
    "eager": "PyTorch eager",
    "fused": "PyTorch eager, fused Adam",
    "channels_last": "PyTorch channels_last, fused Adam",
    "compile": "PyTorch compiled, fused Adam",
}
ACTIVATIONS: dict[str | None, Callable[[Tensor], Tensor]] = {"relu": F.relu, "tanh": torch.tanh}


def module(layer: w.Layer) -> nn.Module:
    """Return a layer of the workload as a module, without its activation."""
    match layer:
        case w.Dense(D, M):
            return nn.Linear(D, M)
        case w.Conv(C, M, kernel=K, stride=S, padding=P):
            return nn.Conv2d(C, M, K, S, P)
        case w.ConvTranspose(C, M, kernel=K, stride=S):
            return nn.ConvTranspose2d(C, M, K, S, layer.padding, S - 1)
        case w.Pool():
            return nn.MaxPool2d(2, ceil_mode=True)
        case w.Up():
            return nn.Upsample(scale_factor=2)
        case w.Reshape(shape):
            return nn.Flatten() if len(shape) == 1 else nn.Unflatten(1, shape)


class Stack(nn.Module):
    """The layers one after the other."""

    def __init__(self, layers: tuple[w.Layer, ...]) -> None:
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

    def __init__(self, workload: w.Workload) -> None:
        super().__init__()
        self.encoder, self.decoder = Stack(workload.encoder), Stack(workload.decoder)
        self.latent = workload.latent
        with torch.no_grad():
            for p, a in zip(self.parameters(), flat(w.first_weights(workload)), strict=True):
                p.copy_(torch.from_numpy(a))

    def forward(self, x: Tensor, eps: Tensor) -> Tensor:
        """Return cross-entropy and KL, summed over features, mean over the batch."""
        z, kl = self.encoder(x), torch.zeros(())
        if self.latent:
            mu, logvar = z.chunk(2, dim=1)
            z = mu + torch.exp(0.5 * logvar) * eps
            kl = 0.5 * (mu * mu + torch.exp(logvar) - 1 - logvar).sum()
        bce = F.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="sum")
        return (bce + kl) / len(x)


def flat(pairs: list[tuple[Array, Array]]) -> list[Array]:
    """Return w₁, b₁, w₂, b₂, …."""
    return [a for pair in pairs for a in pair]


class Training:
    """A training step."""

    def __init__(self, name: str, variant: str) -> None:
        workload = w.WORKLOADS[name]
        layout = torch.channels_last if variant == "channels_last" else torch.contiguous_format
        self.model = Network(workload).to(memory_format=layout)
        self.loss = torch.compile(self.model) if variant == "compile" else self.model
        self.adam = torch.optim.Adam(
            self.model.parameters(),
            lr=w.LEARNING_RATE,
            betas=(w.BETA1, w.BETA2),
            eps=w.EPS,
            fused=variant != "eager",
        )
        xs = map(torch.from_numpy, w.batches(workload))
        self.batches = [x.to(memory_format=layout) if x.ndim == 4 else x for x in xs]
        self.noise = list(map(torch.from_numpy, w.noise(workload)))
        self.steps = 0

    def run(self) -> Tensor:
        i = self.steps % w.BATCHES
        self.steps += 1
        self.adam.zero_grad(set_to_none=True)
        loss = self.loss(self.batches[i], self.noise[i])
        loss.backward()
        self.adam.step()
        return loss

    def wait(self, loss: Tensor) -> float:
        return float(loss.detach())

    def arrays(self) -> dict[str, Array]:
        return {f"theta.{i}": p.detach().numpy() for i, p in enumerate(self.model.parameters())}


JOBS: dict[str, Callable[[str, str], Any]] = {"training": Training}
