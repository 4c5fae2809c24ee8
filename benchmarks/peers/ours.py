"""nnscratch, as its users run it: layers, a model, a Trainer with its replicas."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np

import nnscratch as nn
from nnscratch import layers as ours
from nnscratch.core import Array, Parameter, Shape
from nnscratch.data import Reading
from nnscratch.evaluation.importance import LowEffectiveSampleSize, importance_nll
from nnscratch.kernels.plain import matmul
from nnscratch.models import IWAE, VAE, Autoencoder
from nnscratch.optimizers import Adam
from nnscratch.training import Trainer

from .. import networks as net
from .. import workloads as w
from .ours_music import music
from .ours_recurrent import recurrent
from .serve import Job, Jobs

ACTIVATIONS = {"relu": ours.ReLU, "tanh": ours.Tanh}
RNG = np.random.default_rng(0)  # draws weights that are replaced at once
OPEN = ExitStack()  # the threads of the replicas; they end with the process


def layer_of(layer: net.Layer) -> Any:
    """Return a layer of the workload, without its activation."""
    match layer:
        case net.Dense(D, M):
            return ours.Dense(D, M, rng=RNG)
        case net.Conv(C, M, kernel=K, stride=S, padding=P):
            return ours.Conv2d(C, M, K, stride=S, padding=P, rng=RNG)
        case net.ConvTranspose(C, M, kernel=K, stride=S):
            P = layer.padding
            return ours.ConvTranspose2d(C, M, K, stride=S, padding=P, output_padding=S - 1, rng=RNG)
        case net.Pool():
            return ours.MaxPool2d(2, ceil_mode=True)
        case net.Up():
            return ours.UpsampleNearest2d(2)
        case net.Reshape(shape):
            return ours.Reshape(*shape)


def stack(layers: tuple[net.Layer, ...]) -> ours.Sequential:
    """Return the layers one after the other, each with its activation."""
    steps: list[Any] = []
    for layer in layers:
        steps.append(layer_of(layer))
        if act := getattr(layer, "act", None):
            steps.append(ACTIVATIONS[act]())
    return ours.Sequential(*steps)


def network(workload: net.Workload) -> Autoencoder:
    """Return the model with its first weights."""
    encoder, decoder = stack(workload.encoder), stack(workload.decoder)
    latent, K, shape = workload.latent, workload.samples, workload.input_shape
    model: Autoencoder
    if K:
        model = IWAE(encoder, decoder, latent, samples=K, input_shape=shape)
    elif latent:
        model = VAE(encoder, decoder, latent, input_shape=shape)
    else:
        model = Autoencoder(encoder, decoder, input_shape=shape)
    first = [a for pair in net.first_weights(workload) for a in pair]
    for p, a in zip(model.parameters().values(), first, strict=True):
        p.value[...] = a
    return model


def latent_first(eps: Array) -> Array:
    """Return noise (…, N, latent) as (latent, …, N)."""
    return np.ascontiguousarray(np.moveaxis(eps, -1, 0))


class Replay:
    """In place of a generator: noise that was drawn before, (latent, N) or (latent, K, N)."""

    def __init__(self, eps: Array) -> None:
        self.eps = eps

    def standard_normal(self, shape: Shape, dtype: Any) -> Array:
        """Return it; of K samples as (latent, K N)."""
        return self.eps.reshape(shape)


@contextmanager
def drawing(replay: Replay) -> Iterator[None]:
    """Have every generator that is made from a seed return this noise.

    unittest.mock.patch would do it, but imports asyncio, which counts in the memory of all jobs.
    """
    own = np.random.default_rng
    np.random.default_rng = lambda _: replay
    try:
        yield
    finally:
        np.random.default_rng = own


class ReplayingTrainer(Trainer):
    """A Trainer whose noise is given, (latent, N) or (latent, K, N) for every step."""

    noise: list[Array]

    def stream(self, purpose: int, *place: int) -> Any:
        """Return the noise of a micro-batch; a step draws nothing else."""
        _, step, i = place
        eps = self.noise[step % len(self.noise)]
        return Replay(eps[..., i * self.micro_batch :][..., : self.micro_batch])


def training(name: str, variant: str) -> Job:
    """Return a training step, batch and all: it is gathered from the set of images."""
    workload = w.WORKLOADS[name]
    model, images = network(workload), w.images_of(workload)
    trainer = ReplayingTrainer(
        model,
        Adam(w.LEARNING_RATE, beta1=w.BETA1, beta2=w.BETA2, eps=w.EPS),
        seed=0,
        batch_size=workload.batch,
    )
    trainer.noise = [latent_first(eps) for eps in w.noise(workload)]
    rows = np.arange(w.BATCHES * workload.batch).reshape(w.BATCHES, -1)
    OPEN.enter_context(trainer.replicas.running())

    def run() -> float:
        terms = trainer.train_step(images, rows[trainer.batch_index % w.BATCHES])
        trainer.batch_index += 1
        return terms["total"]

    def arrays() -> dict[str, Array]:
        return {f"theta.{i}": p.value for i, p in enumerate(model.parameters().values())}

    return Job(run, arrays, float)


def folder(path: str, memory: str) -> Job:
    """Return an epoch of training on a folder of pictures, of which so many megabytes are kept."""
    reading = Reading(memory=int(memory), report=lambda _: None)
    data = nn.data.folder(path, size=(64, 64), colour=True, reading=reading)
    rng = np.random.default_rng(0)
    model = nn.models.build("conv_vae", (3, 64, 64), latent_dim=32, channels=(16, 32), rng=rng)
    batch = min(64, len(data))
    trainer = Trainer(model, Adam(w.LEARNING_RATE), seed=0, batch_size=batch)

    def run() -> float:
        history = trainer.fit(data, epochs=len(trainer.history) + 1)
        return history[-1]["train"]["total"]

    return Job(run, dict, float)


def inference(what: str, variant: str) -> Job:
    """Return 10,000 images to codes, or codes to images, through the model's public methods."""
    half, rows = getattr(network(w.WORKLOADS[w.INFERENCE]), what), w.inference_input(what)
    return Job(lambda: half(rows), lambda: {"y": half(rows)})


def nll(name: str, variant: str) -> Job:
    """Return the bound on -log p(x) from DRAWS draws of each code."""
    model, x, rng = network(w.WORKLOADS[w.NLL]), w.nll_images(), np.random.default_rng(0)
    handed = Replay(np.ascontiguousarray(w.nll_noise().swapaxes(1, 2)))

    def bound(draws: int) -> Array:
        with catch_warnings():  # weights that nobody has trained make a loose bound
            simplefilter("ignore", LowEffectiveSampleSize)
            return -importance_nll(model, x, samples=draws, rng=rng).log_prob

    def arrays() -> dict[str, Array]:
        with drawing(handed):
            return {"nll": bound(w.HANDED)}

    return Job(lambda: bound(w.DRAWS).mean(), arrays, float)


def layer(name: str, variant: str) -> Job:
    """Return one layer's forward, dx or dw; dw is of weight and bias, added to their gradients."""
    case, what = name.rsplit(" ", 1)
    kind, x, first, dy = w.layer_case(case)
    f, shape = layer_of(kind), x.shape[1:]
    x, dy = (np.ascontiguousarray(np.moveaxis(a, 0, -1)) for a in (x, dy))
    theta = list(f.parameters().values())
    for p, a in zip(theta, first, strict=True):
        p.value[...] = a
    backward = f.forward(x)[1]
    if what == "forward":
        run = lambda: f.forward(x)[0]  # noqa: E731
    elif what == "dw":
        run = lambda: backward(dy, need_dx=False)  # noqa: E731
    elif isinstance(kind, net.Dense):
        run = lambda: matmul(theta[0].value.T, dy)  # noqa: E731
    elif theta:
        twin = adjoint_of(kind, shape, first[0])
        run = lambda: twin.forward(dy)[0]  # noqa: E731
    else:
        run = lambda: backward(dy)  # noqa: E731

    def arrays() -> dict[str, Array]:
        for p in theta:
            p.grad[...] = 0
        result = run()
        if what == "dw":
            return {str(i): p.grad for i, p in enumerate(theta)}
        return {"0": np.moveaxis(result, -1, 0)}

    return Job(run, arrays)


def adjoint_of(layer: net.Conv | net.ConvTranspose, x: Shape, weight: Array) -> Any:
    """Return the layer whose forward is dx: convolutions are each other's adjoints."""
    C, M, K, S, P = layer.inputs, layer.outputs, layer.kernel, layer.stride, layer.padding
    if isinstance(layer, net.Conv):
        rest = (x[1] + 2 * P - K) % S
        twin = ours.ConvTranspose2d(
            M, C, K, stride=S, padding=P, output_padding=rest, bias=False, rng=RNG
        )
    else:
        twin = ours.Conv2d(M, C, K, stride=S, padding=P, bias=False, rng=RNG)
    twin.w.value[...] = weight
    return twin


def adam(name: str, variant: str) -> Job:
    """Return one step of Adam."""
    value, grad = w.adam_case()
    theta, optimizer = Parameter(value), Adam(w.LEARNING_RATE, eps=w.EPS)

    def arrays() -> dict[str, Array]:
        theta.grad[...] = grad
        optimizer.step(theta)
        return {"theta": theta.value}

    return Job(lambda: optimizer.step(theta), arrays)


JOBS: Jobs = {
    "training": training,
    "folder": folder,
    "inference": inference,
    "nll": nll,
    "layer": layer,
    "adam": adam,
    "recurrent": recurrent,
    "music": music,
}
