"""PyTorch, as its users run it: modules, autograd, torch.optim.Adam."""

from collections.abc import Callable
from functools import partial
from itertools import cycle

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nnscratch.core import Array

from .. import networks as net
from .. import workloads as w
from .serve import Job, Jobs
from .torch_music import music
from .torch_recurrent import recurrent

CHUNK = 1000
"""Images a call of inference."""

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
        self.latent = workload.latent
        with torch.no_grad():
            for p, a in zip(self.parameters(), flat(net.first_weights(workload)), strict=True):
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


def layout_of(variant: str) -> torch.memory_format:
    """Return how images lie in memory."""
    last = variant == "step" or "channels_last" in variant
    return torch.channels_last if last else torch.contiguous_format


AUTOTUNED = {"max_autotune": True, "cpp_wrapper": True}
FROZEN = AUTOTUNED | {"freezing": True}
"""Options of torch.compile: the fastest of several kernels, called from C++; for inference, weights
as constants."""


def compiled_step(model: Network, adam: torch.optim.Adam) -> Callable[[Tensor, Tensor], Tensor]:
    """Return forward, loss, gradients and Adam as one compiled function."""
    theta = dict(model.named_parameters())

    def loss_of(theta: dict[str, Tensor], x: Tensor, eps: Tensor) -> Tensor:
        return torch.func.functional_call(model, theta, (x, eps))

    @partial(torch.compile, options=AUTOTUNED)
    def step(x: Tensor, eps: Tensor) -> Tensor:
        grads, loss = torch.func.grad_and_value(loss_of)(theta, x, eps)
        for name, p in theta.items():
            p.grad = grads[name]
        adam.step()
        return loss.detach()

    return step


def plain_step(
    model: Network, adam: torch.optim.Adam, variant: str
) -> Callable[[Tensor, Tensor], Tensor]:
    """Return a step as it is written by hand, whose model may be compiled or in bfloat16."""
    loss_of = torch.compile(model) if "compile" in variant else model

    def step(x: Tensor, eps: Tensor) -> Tensor:
        adam.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled="autocast" in variant):
            loss = loss_of(x, eps)
        loss.backward()
        adam.step()
        return loss.detach()

    return step


def set_arithmetic(variant: str) -> None:
    """Set what counts for the whole process, before it has other threads.

    Subnormal numbers count as zero, except for the eager variant, which is PyTorch as it comes; in
    BF32, products of float32 matrices are taken of their bfloat16 parts.
    """
    torch.set_flush_denormal(variant != "eager")
    if "bf32" in variant:
        torch.backends.mkldnn.matmul.fp32_precision = "bf16"
        torch.backends.mkldnn.conv.fp32_precision = "bf16"


def training(name: str, variant: str) -> Job:
    """Return a training step."""
    set_arithmetic(variant)
    workload, layout = w.WORKLOADS[name], layout_of(variant)
    model = Network(workload).to(memory_format=layout)
    adam = torch.optim.Adam(
        model.parameters(),
        lr=w.LEARNING_RATE,
        betas=(w.BETA1, w.BETA2),
        eps=w.EPS,
        fused=variant != "eager",
    )
    xs = map(torch.from_numpy, w.batches(workload))
    xs = [x.to(memory_format=layout) if x.ndim == 4 else x for x in xs]
    batches = list(zip(xs, map(torch.from_numpy, w.noise(workload)), strict=True))
    step = compiled_step(model, adam) if variant == "step" else plain_step(model, adam, variant)
    rehearse(model, adam, partial(step, *batches[0]))
    batches = cycle(batches)

    def arrays() -> dict[str, Array]:
        return {f"theta.{i}": p.detach().numpy() for i, p in enumerate(model.parameters())}

    return Job(lambda: step(*next(batches)), arrays, float)


def rehearse(model: Network, adam: torch.optim.Adam, step: Callable[[], Tensor]) -> None:
    """Take a step, so that what has to be compiled is, and undo it."""
    first = [p.detach().clone() for p in model.parameters()]
    step()
    with torch.no_grad():
        for p, value in zip(model.parameters(), first, strict=True):
            p.copy_(value)
            for its in adam.state[p].values():  # Adam's moments, and how many steps it has done
                its.zero_()


def inference(what: str, variant: str) -> Job:
    """Return 10,000 images to codes, or codes to images."""
    set_arithmetic(variant)
    model = Network(w.WORKLOADS[w.INFERENCE]).to(memory_format=layout_of(variant)).eval()
    rows = w.inference_input(what)
    if what == "encode":
        rows = rows[:, None].astype(np.float32) / 255
        half = lambda x: model.encoder(x)[:, : model.latent]  # noqa: E731
    else:
        half = lambda z: torch.sigmoid(model.decoder(z))  # noqa: E731
    if variant in ("compile", "frozen"):
        half = torch.compile(half, options=FROZEN if variant == "frozen" else None)
    chunks = torch.from_numpy(rows).split(CHUNK)

    @torch.inference_mode()
    def run() -> Tensor:
        return torch.cat([half(x) for x in chunks])

    return Job(run, lambda: {"y": run().numpy()})


def layer(name: str, variant: str) -> Job:
    """Return one layer's forward, dx or dw; dw is of weight and bias."""
    case, what = name.rsplit(" ", 1)
    kind, *given = w.layer_case(case)
    x, theta, dy = torch.from_numpy(given[0]), given[1], torch.from_numpy(given[2])
    f = module(kind)
    for p, a in zip(f.parameters(), theta, strict=True):
        p.data = torch.from_numpy(a)
    if x.ndim == 4:
        f, x, dy = (a.to(memory_format=layout_of(variant)) for a in (f, x, dy))
    x.requires_grad_(what != "dw")
    y = f(x)

    def forward() -> tuple[Tensor]:
        return (f(x),)

    def gradient() -> tuple[Tensor, ...]:
        wanted = x if what == "dx" else tuple(f.parameters())
        return torch.autograd.grad(y, wanted, dy, retain_graph=True)

    run = forward if what == "forward" else gradient
    return Job(run, lambda: {str(i): a.detach().numpy() for i, a in enumerate(run())})


def adam(name: str, variant: str) -> Job:
    """Return one step of Adam, with a gradient that stays."""
    value, grad = map(torch.from_numpy, w.adam_case())
    theta = nn.Parameter(value)
    theta.grad = grad
    optimizer = torch.optim.Adam([theta], lr=w.LEARNING_RATE, eps=w.EPS, fused=variant != "eager")

    def arrays() -> dict[str, Array]:
        optimizer.step()
        return {"theta": theta.detach().numpy()}

    return Job(optimizer.step, arrays)


JOBS: Jobs = {
    "training": training,
    "inference": inference,
    "layer": layer,
    "adam": adam,
    "recurrent": recurrent,
    "music": music,
}
