"""PyTorch, as its users run it: modules, autograd, torch.optim.Adam."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import cycle
from math import log

import numpy as np
import torch
from torch import Tensor

from nnscratch.core import Array

from .. import workloads as w
from .serve import Job, Jobs, fastest
from .torch_music import music
from .torch_network import Network, module
from .torch_recurrent import recurrent

CHUNK = 1000
"""Images a call of inference."""

DRAWS_AT_ONCE = (10, 25, 125, 500)
"""Draws of each code that pass through the decoder at a time: one of these is the fastest."""


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


def nll(name: str, variant: str) -> Job:
    """Return the bound on -log p(x) from DRAWS draws of each code."""
    set_arithmetic(variant)
    return fastest(nll_in_chunks(size, variant) for size in DRAWS_AT_ONCE)


def nll_in_chunks(size: int, variant: str) -> Job:
    """Return the same, so many draws of each code at a time."""
    model = Network(w.WORKLOADS[w.NLL]).eval()
    x = torch.from_numpy(w.nll_images()).float() / 255

    def log_sum(mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
        return torch.logsumexp(model.log_weights(mu, logvar, x, eps), dim=0)

    if variant == "compile":
        log_sum = torch.compile(log_sum, dynamic=False)

    @torch.inference_mode()
    def bound(draws: int, noise: Iterable[Tensor]) -> Tensor:
        mu, logvar = model.encoder(x).chunk(2, dim=1)
        sums = [log_sum(mu, logvar, eps) for eps in noise]
        return log(draws) - torch.logsumexp(torch.stack(sums), dim=0)

    def drawn() -> Iterator[Tensor]:
        for _ in range(w.DRAWS // size):
            yield torch.randn(size, len(x), model.latent)

    def arrays() -> dict[str, Array]:
        return {"nll": bound(w.HANDED, [torch.from_numpy(w.nll_noise())]).numpy()}

    note = f"takes {size} draws at a time"
    return Job(lambda: bound(w.DRAWS, drawn()).mean(), arrays, float, note)


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
    theta = torch.nn.Parameter(value)
    theta.grad = grad
    optimizer = torch.optim.Adam([theta], lr=w.LEARNING_RATE, eps=w.EPS, fused=variant != "eager")

    def arrays() -> dict[str, Array]:
        optimizer.step()
        return {"theta": theta.detach().numpy()}

    return Job(optimizer.step, arrays)


JOBS: Jobs = {
    "training": training,
    "inference": inference,
    "nll": nll,
    "layer": layer,
    "adam": adam,
    "recurrent": recurrent,
    "music": music,
}
