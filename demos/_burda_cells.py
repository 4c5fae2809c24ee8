"""The networks and the training of Burda, Grosse and Salakhutdinov (2016), as their code has them.

What it does in another way than most programs stands in DEVIATIONS, each under a name by which it
can be left out. All of it is read from their program, https://github.com/yburda/iwae, which is in
Python 2 and Theano, with one thing that is not repeated here: there a step is made with the moments
as they were before its gradient, so that each gradient acts a step later.
"""

from itertools import pairwise

import numpy as np

from nnscratch.core import Layer
from nnscratch.data import DynamicBinarization
from nnscratch.layers import Dense, Sequential, Tanh
from nnscratch.layers.initializers import glorot_uniform, zeros
from nnscratch.models import IWAE, TwoLayerIWAE
from nnscratch.optimizers import Adam
from nnscratch.schedules import Piecewise
from nnscratch.training import Trainer

DEVIATIONS = {
    "beta1": "Adam's β₁ is .99, not .9",
    "second-moment": "Adam's second moment starts at 1, not at 0",
    "eps": "Adam's ε is 1e-4 and added to √v, not 1e-8 and added to √v̂",
    "sum": "the gradient is summed over a batch, not averaged",
    "order": "the images are never shuffled",
    "seed": "each layer's weights are the first numbers of the seed 123",
    "bias": "the last bias starts at the logit of the mean image, held within .001 and .999",
    "log-sd": "a Gaussian's network returns log σ, not log σ²",
}
ADAM = ("beta1", "second-moment", "eps", "sum")
"""Those that make another optimiser: without them it is Adam as it is published."""

BATCH, STAGES = 20, 8

CELLS = {
    f"{kind}-{k}": (kind, k)
    for kind in ("vae", "iwae", "dreg")
    for k in (1, 5, 50)
    if k > 1 or kind == "vae"
}
PAPER = {
    "vae-1": (86.76, "19"),
    "vae-5": (86.47, "20"),
    "vae-50": (86.35, "20"),
    "iwae-5": (85.54, "22"),
    "iwae-50": (84.78, "25"),
    "vae-1-two": (85.33, "16+5"),
    "vae-5-two": (85.01, "17+5"),
    "vae-50-two": (84.78, "17+5"),
    "iwae-5-two": (83.89, "21+5"),
    "iwae-50-two": (82.90, "26+7"),
}
"""NLL on the test set in nats, and active units: table 1 of the paper."""


class LogVariance(Layer):
    """(μ, log σ) ↦ (μ, log σ²): the second half is doubled.

    The derivative is 2 there, and 1 in the first half.
    """

    holomorphic = True

    def forward(self, x):
        """Return y and the backward of this call."""
        half = len(x) // 2

        def doubled(a):
            return np.concatenate([a[:half], 2 * a[half:]])

        return doubled(x), doubled

    def output_shape(self, input_shape):
        """Return the shape as it is."""
        return input_shape


def used_without(textbook):
    """Return the deviations that are left: all but this one, but the first four, or none."""
    left_out = {"adam": ADAM, "all": tuple(DEVIATIONS)}.get(textbook, (textbook,))
    return [name for name in DEVIATIONS if name not in left_out]


def epochs_until(stage):
    """Return how many epochs there are up to the end of a stage: 1 + 3 + 9 + …"""
    return sum(3 ** (i - 1) for i in range(1, stage + 1))


def rate(steps_an_epoch):
    """Return the learning rate of the stages, which falls from 1e-3 to 1e-4, by the step."""
    rates = [1e-4 * round(10 ** (1 - i / 7), 1) for i in range(STAGES)]
    schedule = rates[-1]
    for i in reversed(range(STAGES - 1)):
        schedule = Piecewise(rates[i], 3**i * steps_an_epoch, schedule)
    return schedule


def from_123(shape, fan_in, fan_out, *, rng, dtype):
    """Draw as glorot_uniform, but from the same numbers for every layer, whatever rng is."""
    a, (M, D) = np.sqrt(6 / (fan_in + fan_out)), shape
    own = np.random.RandomState(123)  # their generator
    return own.uniform(-a, a, (D, M)).T.astype(dtype)


def in_halves(init):
    """Return an initializer of two layers that stand in one: each half has fans of its own."""

    def both(shape, fan_in, fan_out, *, rng, dtype):
        M, D = shape
        half = (M // 2, D), fan_in, fan_out // 2
        return np.concatenate([init(*half, rng=rng, dtype=dtype) for _ in range(2)])

    return both


def network(sizes, used, rng, *, gaussian=False, bias=None):
    """Return layers from each size to the next with tanh between them; the last is linear.

    gaussian  the network returns μ and log σ², so its last layer has twice as many outputs
    bias      where the last bias starts; 0 if None
    """
    init, layers = from_123 if "seed" in used else glorot_uniform, []
    *hidden, last = pairwise(sizes)
    for D, M in hidden:
        layers += [Dense(D, M, init=init, rng=rng), Tanh()]
    D, M = last
    if gaussian:
        layers.append(Dense(D, 2 * M, init=in_halves(init), rng=rng))
        return Sequential(*layers, *([LogVariance()] if "log-sd" in used else []))

    def start(shape, fan_in, fan_out, *, rng, dtype):
        return bias.astype(dtype)

    bias_init = zeros if bias is None else start
    return Sequential(*layers, Dense(D, M, init=init, bias_init=bias_init, rng=rng))


def first_bias(images, used):
    """Return where the bias of the logits starts, for images like these bytes (N, D)."""
    mean = np.clip(images.mean(axis=0) / 255, 0.001, 0.999)
    return np.log(mean / (1 - mean)) if "bias" in used else None


def model_of(cell, images, used, rng):
    """Return the untrained model of a cell, D-200-200-50, for images like these bytes (N, D)."""
    (kind, k), D = CELLS[cell], images.shape[1]
    return IWAE(
        network((D, 200, 200, 50), used, rng, gaussian=True),
        network((50, 200, 200, D), used, rng, bias=first_bias(images, used)),
        50,
        samples=k,
        input_shape=(D,),
        objective="vae" if kind == "vae" else "iwae",
        doubly_reparameterized=kind == "dreg",
    )


def two_layers_of(cell, images, used, rng):
    """Return the same with two stochastic layers: D-200-200-100, 100-100-100-50, and back."""
    (kind, k), D = CELLS[cell], images.shape[1]
    return TwoLayerIWAE(
        network((D, 200, 200, 100), used, rng, gaussian=True),
        network((100, 200, 200, D), used, rng, bias=first_bias(images, used)),
        (100, 50),
        samples=k,
        upper_encoder=network((100, 100, 100, 50), used, rng, gaussian=True),
        upper_decoder=network((50, 100, 100, 100), used, rng, gaussian=True),
        input_shape=(D,),
        objective=kind,
    )


def trainer_of(model, count, used, *, seed, threads):
    """Return the Trainer of a model for so many images."""
    adam = Adam(
        rate(-(-count // BATCH)),
        beta1=0.99 if "beta1" in used else 0.9,
        eps=1e-4 if "eps" in used else 1e-8,
        eps_hat="eps" in used,
        second_moment=1.0 if "second-moment" in used else 0.0,
    )
    return Trainer(
        model,
        adam,
        seed=seed,
        batch_size=BATCH,
        threads=threads,
        augment=DynamicBinarization(),
        shuffle="order" not in used,
        reduction="sum" if "sum" in used else "mean",
    )
