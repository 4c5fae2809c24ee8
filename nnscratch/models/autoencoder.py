"""The autoencoder: learn to say x in few numbers by having to say it back."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from typing import Any, Self

import numpy as np

from ..core import (
    Array,
    Layer,
    Parameter,
    Shape,
    backward_into_theta,
    buffers,
    channel_axis,
    named,
    whole_batch,
)
from ..layers.contract import check_methods
from ..layers.sequential import as_sequential
from ..likelihoods import Bernoulli, Likelihood
from .batch_first import Input, apply_in_chunks, check_draw, naming
from .corruption import Corruption
from .interpolation import path
from .parts import checked_penalty, try_corruption, try_layer, try_likelihood, try_penalties

Penalty = Callable[[Array], tuple[float, Array]]
Terms = dict[str, float]


class Autoencoder:
    """x → z = encoder(x̃) → a = decoder(z), trained so that a describes x; x̃ is x, or x corrupted.

        L = -log p(x | a) + Σ_k weight_k penalty_k(z)

    The code z is what is wanted: x in fewer numbers (or in sparser ones, with a penalty). Nothing
    is asked of how the codes lie in their space, which is why a random z decodes to no digit.

    With a `corruption` (corruption.py) in front of the encoder the model learns to undo it, from
    noise to a clean image or from few pixels to many. It corrupts what it learns from and nothing
    else: `encode` and `reconstruct` take images as they are, noisy or small.

    Shapes
        x, a  (*input_shape, N)         z  (*code_shape, N)
        x̃     (*seen_shape, N)          another shape than x if the corruption takes pixels away
        the public methods take and return batch-first arrays (N, …), images in [0, 1] or uint8;
        `threads` is how many work on them, all cores if None, and changes no result

    Derivation
        ∂L/∂a is the likelihood's; the decoder's backward makes it ∂L/∂z; the penalties, which see
        z too, add their own ∂/∂z; the encoder's backward takes the sum.

    Source
        Hinton and Salakhutdinov, Reducing the Dimensionality of Data with Neural Networks (2006).
        Corruption: Vincent et al., Extracting and Composing Robust Features (2008).

    Raises
        ValueError naming the part that does not fit, or is not what it should be, when the model is
        put together.
    """

    classes = 0
    """How many classes there are to be told, beside x and z: none. See ConditionalVAE."""

    def __init__(
        self,
        encoder: Layer,
        decoder: Layer,
        likelihood: Likelihood | None = None,
        *,
        input_shape: Shape,
        penalties: Mapping[str, tuple[float, Penalty]] | None = None,
        corruption: Corruption | None = None,
    ) -> None:
        who, input_shape = type(self).__name__, tuple(input_shape)
        self.likelihood = Bernoulli() if likelihood is None else likelihood
        self.penalties = {
            k: checked_penalty(f"{who} penalty {k!r}", pair)
            for k, pair in (penalties or {}).items()
        }
        self.corruption, self.input_shape = corruption, input_shape
        self.seen_shape = input_shape
        if corruption is not None:
            check_methods(f"{who} corruption", corruption, "__call__", "output_shape")
            self.seen_shape = corruption.output_shape(input_shape)
        with naming(f"{who} encoder"):
            self.encoder = as_sequential(encoder)
            self.code_shape = self.code_of(self.encoder.output_shape(self.told(self.seen_shape)))
        with naming(f"{who} decoder"):
            self.decoder = as_sequential(decoder)
            output = self.decoder.output_shape(self.told(self.code_shape))
        if output != input_shape:
            raise ValueError(f"{who}: expected an output of shape {input_shape}, got {output}")
        dtypes = {p.value.dtype for p in self.parameters().values()}
        if len(dtypes) != 1:
            found = " and ".join(sorted(map(str, dtypes))) or "none"
            raise ValueError(f"{who}: expected parameters of one dtype, got {found}")
        self.dtype = dtypes.pop()
        self.whole_batch = whole_batch(self.encoder) or whole_batch(self.decoder)
        self.try_parts()

    def try_parts(self) -> None:
        """Raise ValueError if a part of one's own does not do what is asked of it."""
        who = type(self).__name__

        def two(shape: Shape) -> Array:
            return np.full((*shape, 2), 0.5, self.dtype)

        if self.corruption is not None:
            try_corruption(f"{who} corruption", self.corruption, two(self.input_shape))
        try_layer(f"{who} encoder", self.encoder, two(self.told(self.seen_shape)))
        try_penalties(who, self.penalties, two(self.code_shape))
        try_layer(f"{who} decoder", self.decoder, two(self.told(self.code_shape)))
        try_likelihood(f"{who} likelihood", self.likelihood, two(self.input_shape))

    @property
    def unit(self) -> bool:
        """Must images lie in [0, 1]? Likelihood or corruption say so, for all that comes in."""
        return any(getattr(part, "unit", False) for part in (self.likelihood, self.corruption))

    @property
    def image_input(self) -> Input:
        """What `log_prob` takes, and a loss as columns."""
        return Input(self.input_shape, self.dtype, self.unit)

    @property
    def seen_input(self) -> Input:
        """What `encode` takes."""
        within = getattr(self.corruption, "unit", True)  # else it may leave [0, 1]
        return Input(self.seen_shape, self.dtype, self.unit and within)

    @property
    def code_input(self) -> Input:
        """What `decode` takes."""
        return Input(self.code_shape, self.dtype, codes=True)

    def code_of(self, encoder_output: Shape) -> Shape:
        """Return the shape of one code, given that of what the encoder returns for one sample."""
        return encoder_output

    def told(self, shape: Shape) -> Shape:
        """Return this shape with a feature or channel more for each class."""
        axis = channel_axis(shape)
        return *shape[:axis], shape[axis] + self.classes, *shape[axis + 1 :]

    def seen(self, x: Array, *, rng: np.random.Generator | None) -> Array:
        """Return what the encoder is shown of x (*input_shape, N) while it learns."""
        if np.shape(x)[:-1] != self.input_shape:
            want = ", ".join(map(str, (*self.input_shape, "N")))
            raise ValueError(f"{type(self).__name__} loss: expected ({want}), got {np.shape(x)}")
        if self.corruption is None:
            return x
        if rng is None:
            raise ValueError(f"{type(self).__name__} loss: expected rng to corrupt x; got none")
        return self.corruption(x, rng=rng)

    def loss(
        self, x: Array, *, rng: np.random.Generator | None = None
    ) -> tuple[Terms, Callable[[float], None]]:
        """Return the terms of L by name, and a backward that adds weight · ∂L/∂θ."""
        z, encoder_backward = self.encoder.forward(self.seen(x, rng=rng), rng=rng)
        a, decoder_backward = self.decoder.forward(z, rng=rng)
        reconstruction, da = self.likelihood.nll(a, x)
        terms = {"total": reconstruction, "reconstruction": reconstruction}
        dz_penalties = []
        for name, (weight, penalty) in self.penalties.items():
            terms[name], dz = penalty(z)
            terms["total"] += weight * terms[name]
            dz_penalties.append(weight * dz)

        def backward(weight: float = 1.0) -> None:
            dz = decoder_backward(weight * da)
            for extra in dz_penalties:
                dz = dz + weight * extra
            backward_into_theta(encoder_backward, dz)

        return terms, backward

    def term_weights(self) -> Terms:
        """Return what each term counts in the total."""
        return {"reconstruction": 1.0} | {name: w for name, (w, _) in self.penalties.items()}

    def settings(self) -> dict[str, Any]:
        """Return, beside its weights and shapes, what defines the model: what a run depends on."""
        return {
            "model": type(self).__name__,
            "likelihood": name_of(self.likelihood),
            "corruption": self.corruption and name_of(self.corruption),
        }

    def inference(self) -> Self:
        """Return the model as it is used once learning is over: without noise, statistics fixed."""
        model = copy.copy(self)
        model.encoder, model.decoder = self.encoder.inference(), self.decoder.inference()
        return model

    def encode(self, images: Array, *, threads: int | None = None) -> Array:
        """Return the codes of images (N, …)."""
        encoder = self.encoder.inference()
        return apply_in_chunks(
            "encode", lambda x: encoder.forward(x)[0], images, self.seen_input, threads
        )

    def decode(self, codes: Array, *, threads: int | None = None) -> Array:
        """Return the images (N, …) that codes (N, …) stand for: the mean of p(x | a)."""
        decoder, mean = self.decoder.inference(), self.likelihood.mean

        def f(z: Array) -> Array:
            return mean(decoder.forward(z)[0])

        return apply_in_chunks("decode", f, codes, self.code_input, threads)

    def reconstruct(self, images: Array, *, threads: int | None = None) -> Array:
        """Return decode(encode(images))."""
        with naming("reconstruct"):
            return self.decode(self.encode(images, threads=threads), threads=threads)

    def log_prob(self, images: Array, *, threads: int | None = None) -> Array:
        """Return log p(x | a) of each image x (N, …) given its own code, nats (N,)."""
        model = self.inference()

        def f(x: Array) -> Array:
            a = model.decoder.forward(model.encoder.forward(self.seen_later(x))[0])[0]
            return self.likelihood.log_prob(a, x)[None]

        return apply_in_chunks("log_prob", f, images, self.image_input, threads)[:, 0]

    def seen_later(self, x: Array) -> Array:
        """Return what the encoder is shown of x once it has learned: x, or what is due of it."""
        if self.corruption is None or self.seen_shape == self.input_shape:
            return x
        return self.corruption(x, rng=np.random.default_rng(0))

    def sample(
        self, count: int, *, like: Array, rng: np.random.Generator, threads: int | None = None
    ) -> Array:
        """Decode `count` codes drawn from the Gaussian that fits the codes of `like` (N, …).

        An autoencoder has no prior to draw from; this is the simplest stand-in, and shows how much
        of code space decodes to nothing.
        """
        check_draw(count, rng)
        with naming("sample like"):
            codes = self.encode(like, threads=threads)
        if len(codes) < 2:
            raise ValueError(f"sample: expected two images or more to be like, got {len(codes)}")
        flat = codes.reshape(len(codes), -1)
        covariance = np.atleast_2d(np.cov(flat.T))
        draws = rng.multivariate_normal(flat.mean(axis=0), covariance, count)
        drawn = draws.astype(self.dtype).reshape(count, *codes.shape[1:])
        return self.decode(drawn, threads=threads)

    def interpolate(
        self,
        start: Array,
        end: Array,
        steps: int = 8,
        *,
        spherical: bool = False,
        threads: int | None = None,
    ) -> Array:
        """Return the images on the way from `start` to `end`, all (N, …): (N, steps, …)."""
        with naming("interpolate start"):
            a = self.encode(start, threads=threads)
        with naming("interpolate end"):
            b = self.encode(end, threads=threads)
        N = len(a)
        codes = path(a.reshape(N, -1), b.reshape(len(b), -1), steps, spherical=spherical)
        images = self.decode(codes.reshape(N * steps, *a.shape[1:]), threads=threads)
        return images.reshape(N, steps, *images.shape[1:])

    def parameters(self) -> dict[str, Parameter]:
        """Return θ by name."""
        return named(encoder=self.encoder.parameters(), decoder=self.decoder.parameters())

    def buffers(self) -> dict[str, Array]:
        """Return what else belongs to the trained model."""
        return named(encoder=buffers(self.encoder), decoder=buffers(self.decoder))


def name_of(part: Likelihood | Corruption) -> str:
    """Return its name and, if it says so itself, what it was made with."""
    return repr(part) if is_dataclass(part) else type(part).__name__
