"""The autoencoder: learn to say x in few numbers by having to say it back."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..core import Array, IntArray, Layer, Parameter, Shape, backward_into_theta, named
from ..layers.contract import buffers, whole_batch
from ..layers.sequential import as_sequential
from ..likelihoods import Bernoulli, Likelihood
from .batch_first import apply_in_chunks, naming
from .codec import Codec
from .corruption import Corruption
from .labels import append_labels, check_wanted, one_hot, shape_with_labels
from .parts import (
    Penalty,
    checked_penalties,
    corrupted_shape,
    decoder_shape,
    name_of,
    one_dtype,
    try_parts,
)
from .sets import ImageSet, batch_of_images, check_images
from .sizes import outputs
from .trainable import Terms


class Autoencoder(Codec):
    """x → z = encoder(x̃) → a = decoder(z), trained so that a describes x; x̃ is x, or x corrupted.

        L = -log p(x | a) + Σ_k weight_k penalty_k(z)

    The code z is what is wanted: x in fewer numbers (or in sparser ones, with a penalty). Nothing
    is asked of how the codes lie in their space, which is why a random z decodes to no digit.

    With a `corruption` (corruption.py) in front of the encoder the model learns to undo it, from
    noise to a clean image or from few pixels to many. It corrupts what it learns from and nothing
    else: `encode` and `reconstruct` take images as they are, noisy or small. What has been measured
    both noisy and clean, a model without a corruption learns from Pairs(noisy, clean).

    Shapes
        x, a  (*input_shape, N)         z  (*code_shape, N)
              a has twice the channels of x if the likelihood takes two numbers for each of x
        x̃     (*corrupted_shape, N)     another shape than x if the corruption takes pixels away
        `encode`, `decode` and what else one asks of a model that has learned, in codec.py, take and
        return batch-first arrays (N, …)

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
        self.penalties = checked_penalties(who, penalties or {})
        self.corruption, self.input_shape = corruption, input_shape
        self.corrupted_shape = corrupted_shape(who, corruption, input_shape)
        with naming(f"{who} encoder"):
            self.encoder = as_sequential(encoder)
            shape = shape_with_labels(self.corrupted_shape, self.classes)
            self.code_shape = self.code_of(self.encoder.output_shape(shape))
        with naming(f"{who} decoder"):
            self.decoder = as_sequential(decoder)
            shape = shape_with_labels(self.code_shape, self.classes)
            output = self.decoder.output_shape(shape)
        want = decoder_shape(self.likelihood, input_shape)
        if output != want:
            raise ValueError(f"{who}: expected an output of shape {want}, got {output}")
        self.dtype = one_dtype(who, self.parameters())
        self.whole_batch = whole_batch(self.encoder) or whole_batch(self.decoder)
        try_parts(self)

    def code_of(self, encoder_output: Shape) -> Shape:
        """Return the shape of one code, given that of what the encoder returns for one sample."""
        return encoder_output

    def loss(
        self,
        x: Array,
        labels: IntArray | None = None,
        corrupted: Array | None = None,
        *,
        rng: np.random.Generator | None = None,
    ) -> tuple[Terms, Callable[[float], None]]:
        """Return the terms of L by name, and a backward that adds weight · ∂L/∂θ.

        corrupted  x̃, where it has been measured; otherwise it is made of x, with noise from rng
        """
        to_encode = self.encoder_input(x, labels, corrupted, rng=rng)
        z, encoder_backward = self.encoder.forward(to_encode, rng=rng)
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

    def encoder_input(
        self,
        x: Array,
        labels: IntArray | None = None,
        corrupted: Array | None = None,
        *,
        rng: np.random.Generator | None,
    ) -> Array:
        """Return what the encoder takes of x (*input_shape, N) while it learns: x̃, and labels."""
        for a, shape in ((x, self.input_shape), (corrupted, self.corrupted_shape)):
            if a is not None and np.shape(a)[:-1] != shape:
                want, who = ", ".join(map(str, (*shape, "N"))), type(self).__name__
                raise ValueError(f"{who} loss: expected ({want}), got {np.shape(a)}")
        if corrupted is None:
            corrupted = self.corrupt(x, rng=rng)
        return append_labels(corrupted, self.one_hot(labels))

    def corrupt(self, x: Array, *, rng: np.random.Generator | None) -> Array:
        """Return x̃ (*corrupted_shape, N) of x (*input_shape, N)."""
        if self.corruption is None:
            return x
        if rng is None:
            raise ValueError(f"{type(self).__name__} loss: expected rng to corrupt x; got none")
        return self.corruption(x, rng=rng)

    def reduced(self, x: Array, *, rng: np.random.Generator) -> Array:
        """Return x as `encode` takes it: as it is, but where the corruption takes pixels away."""
        return x if self.corrupted_shape == self.input_shape else self.corrupt(x, rng=rng)

    def one_hot(self, labels: IntArray | None) -> Array | None:
        """Return the labels of a batch as (classes, N), None if the model has no classes."""
        check_wanted(f"{type(self).__name__} loss", labels, self.classes)
        return None if labels is None else one_hot(labels, self.classes, self.dtype)

    def check_data(self, who: str, data: ImageSet) -> ImageSet:
        """Return images, a Dataset or Pairs as plain arrays; ValueError if they do not fit."""
        return check_images(who, data, self)

    def batch(self, data: ImageSet, rows: IntArray) -> tuple[Any, ...]:
        """Return some images as `loss` takes them, with labels if the model has classes."""
        return batch_of_images(data, rows, self)

    @property
    def activation_bytes(self) -> int | None:
        """What the layers make of one image, in bytes; None of a vector: see Trainable."""
        if len(self.input_shape) == 1:
            return None
        parts = self.parts()
        numbers = (outputs(*parts[name])[1] for name in ("encoder", "decoder"))
        return sum(numbers) * self.dtype.itemsize

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

    def parameters(self) -> dict[str, Parameter]:
        """Return θ by name."""
        return named(encoder=self.encoder.parameters(), decoder=self.decoder.parameters())

    def buffers(self) -> dict[str, Array]:
        """Return what else belongs to the trained model."""
        return named(encoder=buffers(self.encoder), decoder=buffers(self.decoder))

    def log_prob(
        self,
        images: Array,
        labels: IntArray | None = None,
        *,
        rng: np.random.Generator | None = None,
        threads: int | None = None,
    ) -> Array:
        """Return log p(x | a) of each image x (N, …) given its own code, nats (N,).

        rng is for a VAE, whose codes are draws; here nothing is drawn.
        """
        model = self.inference()

        def f(x: Array) -> Array:
            to_encode = self.reduced(x, rng=np.random.default_rng(0))
            a = model.decoder.forward(model.encoder.forward(to_encode)[0])[0]
            return self.likelihood.log_prob(a, x)[None]

        expected = self.image_input
        return apply_in_chunks("log_prob", f, images, expected, labels, threads)[:, 0]
