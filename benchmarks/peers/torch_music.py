"""MusicVAE in PyTorch: its LSTMs, which are oneDNN's, one-hot inputs, autograd, fused Adam."""

from itertools import cycle
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nnscratch.core import Array

from .. import melodies as m
from .. import workloads as w
from .serve import Job

CLASSES, HIDDEN, LATENT, STEPS = 90, 128, 64, 32


class Network(nn.Module):
    """Encoder and decoder; forward returns the bound at β = 1."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.ModuleDict(
            {
                "lstm": nn.LSTM(CLASSES, HIDDEN, bidirectional=True),
                "output": nn.Linear(2 * HIDDEN, 2 * LATENT),
            }
        )
        self.decoder = nn.ModuleDict(
            {
                "lstm": nn.LSTM(CLASSES + 1 + LATENT, HIDDEN, 2),
                "initial": nn.Linear(LATENT, 4 * HIDDEN),
                "output": nn.Linear(HIDDEN, CLASSES),
            }
        )
        theta = {n: torch.from_numpy(p.value) for n, p in m.first_model().parameters().items()}
        self.load_state_dict(theta)

    def forward(self, x: Tensor, eps: Tensor) -> Tensor:
        """Return cross-entropy and KL, summed over a melody, mean over the batch."""
        N = x.shape[1]
        _, (h, _) = self.encoder["lstm"](F.one_hot(x, CLASSES).float())
        mu, logvar = self.encoder["output"](torch.cat([h[0], h[1]], 1)).chunk(2, 1)
        z = mu + torch.exp(0.5 * logvar) * eps
        kl = 0.5 * (mu * mu + torch.exp(logvar) - 1 - logvar).sum()
        before = torch.cat([torch.full_like(x[:1], CLASSES), x[:-1]])
        inputs = [F.one_hot(before, CLASSES + 1).float(), z.expand(STEPS, N, LATENT)]
        states = torch.tanh(self.decoder["initial"](z)).view(N, 2, 2, HIDDEN).permute(1, 2, 0, 3)
        first = states[0].contiguous(), states[1].contiguous()
        y, _ = self.decoder["lstm"](torch.cat(inputs, 2), first)
        a = self.decoder["output"](y)
        nll = F.cross_entropy(a.reshape(-1, CLASSES), x.reshape(-1), reduction="sum")
        return (nll + kl) / N


def music(name: str, variant: str) -> Job:
    """Return a training step."""
    torch.set_flush_denormal(True)
    model = Network()
    rates: Any = {"lr": w.LEARNING_RATE, "betas": (w.BETA1, w.BETA2), "eps": w.EPS}
    adam = torch.optim.Adam(model.parameters(), **rates, fused=True)
    loss_of = torch.compile(model) if variant == "compile" else model
    tokens = m.windows().reshape(m.BATCHES, m.BATCH, -1).astype(np.int64)
    xs = [torch.from_numpy(np.ascontiguousarray(x.T)) for x in tokens]
    pairs = list(zip(xs, map(torch.from_numpy, m.noise()), strict=True))
    loss_of(*pairs[0]).backward()  # so that what has to be compiled is
    batches = cycle(pairs)

    def run() -> Tensor:
        adam.zero_grad(set_to_none=True)
        loss: Tensor = loss_of(*next(batches))
        loss.backward()
        adam.step()
        return loss.detach()

    def arrays() -> dict[str, Array]:
        return {n: p.detach().numpy() for n, p in model.named_parameters()}

    return Job(run, arrays, float)
