"""What is asked of the parts of a model, checked when it is put together.

A part of one's own is tried on a batch of two: a wrong shape would be found when training begins,
or be broadcast and never found. The library's own parts are left to their tests.
"""

from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from ..core import Array, Parameter, Shape, channel_axis
from ..layers.contract import check_methods, noisy
from ..layers.held import sources, unmoved
from ..layers.sequential import Sequential
from ..likelihoods import Likelihood
from .corruption import Corruption
from .labels import shape_with_labels

if TYPE_CHECKING:
    from .autoencoder import Autoencoder

Penalty: TypeAlias = Callable[[Array], tuple[float, Array]]
"""z ↦ its value, the mean over the batch, and the gradient in z."""

NOT_TRIED = object()


def name_of(part: Likelihood | Corruption) -> str:
    """Return its name and, if it says so itself, what it was made with."""
    return repr(part) if is_dataclass(part) else type(part).__name__


def one_dtype(who: str, parameters: Mapping[str, Parameter]) -> "np.dtype[Any]":
    """Return the dtype of all parameters; ValueError if there are none, or of two kinds."""
    dtypes = {p.value.dtype for p in parameters.values()}
    if len(dtypes) != 1:
        found = " and ".join(sorted(map(str, dtypes))) or "none"
        raise ValueError(f"{who}: expected parameters of one dtype, got {found}")
    return dtypes.pop()


def corrupted_shape(who: str, corruption: Corruption | None, input_shape: Shape) -> Shape:
    """Return the shape that is left of a sample; ValueError if this is no corruption."""
    if corruption is None:
        return input_shape
    check_methods(f"{who} corruption", corruption, "__call__", "output_shape")
    return corruption.output_shape(input_shape)


def decoder_shape(likelihood: object, sample_shape: Shape) -> Shape:
    """Return the shape of what a decoder returns for a sample x, given that of x."""
    axis, outputs = channel_axis(sample_shape), getattr(likelihood, "outputs", 1)
    return *sample_shape[:axis], outputs * sample_shape[axis], *sample_shape[axis + 1 :]


def sample_shape(likelihood: object, output: Shape) -> Shape:
    """Return the shape of x, given that of what a decoder returns.

    Raises
        ValueError if its channels are no multiple of the likelihood's outputs.
    """
    axis, outputs = channel_axis(output), getattr(likelihood, "outputs", 1)
    if output[axis] % outputs:
        name = type(likelihood).__name__
        raise ValueError(f"{name}: expected a multiple of {outputs} channels, got {output}")
    return *output[:axis], output[axis] // outputs, *output[axis + 1 :]


def try_parts(model: "Autoencoder") -> None:
    """Raise ValueError if a part of one's own does not do what is asked of it."""
    who = type(model).__name__

    def two(shape: Shape) -> Array:
        return two_halves(shape, model.dtype)

    def two_with_labels(shape: Shape) -> Array:
        return two(shape_with_labels(shape, model.classes))

    if model.corruption is not None:
        try_corruption(f"{who} corruption", model.corruption, two(model.input_shape))
    try_layer(f"{who} encoder", model.encoder, two_with_labels(model.corrupted_shape))
    try_penalties(who, model.penalties, two(model.code_shape))
    try_layer(f"{who} decoder", model.decoder, two_with_labels(model.code_shape))
    try_likelihood(f"{who} likelihood", model.likelihood, two(model.input_shape))


def two_halves(shape: Shape, dtype: DTypeLike) -> Array:
    """Return a batch of two samples (*shape, 2) of ½, read-only, that takes no memory."""
    return np.broadcast_to(np.asarray(0.5, dtype), (*shape, 2))


def try_layer(who: str, layer: Any, x: Array) -> None:
    """Raise ValueError unless forward returns (y, backward), and y is what output_shape says."""
    *sample, N = x.shape
    if isinstance(layer, Sequential):
        for i, step in enumerate(layer.layers):
            try_layer(f"{who}, layer {i}", step, x)
            x = two_halves(step.output_shape(x.shape[:-1]), x.dtype)
        return
    who = f"{who}, {type(layer).__name__} forward"
    noise = {"rng": np.random.default_rng(0)} if noisy(layer) else {}
    result = _tried(who, layer, layer.forward, x, **noise)
    if result is not NOT_TRIED:
        y, backward = _two(who, "(y, backward)", result)
        _check_like(f"{who}: y", y, (*layer.output_shape(tuple(sample)), N), x)
        check_methods(f"{who}: backward", backward, "__call__")


def try_likelihood(who: str, likelihood: Any, x: Array) -> None:
    """Raise ValueError unless nll returns (value, da), and mean what is like an image."""
    check_methods(who, likelihood, "nll", "mean")
    a = two_halves(decoder_shape(likelihood, x.shape[:-1]), x.dtype)
    _try_loss(f"{who} nll", likelihood, likelihood.nll, a, x)
    mean = _tried(f"{who} mean", likelihood, likelihood.mean, a)
    if mean is not NOT_TRIED:
        _check_like(f"{who} mean", mean, x.shape, x)


def checked_penalties(who: str, penalties: Mapping[str, Any]) -> dict[str, tuple[float, Penalty]]:
    """Return weight and penalty by name; ValueError unless these are a number and a function."""
    checked = {}
    for name, pair in penalties.items():
        each = f"{who} penalty {name!r}"
        weight, penalty = _two(each, "(weight, penalty)", pair)
        check_methods(each, penalty, "__call__")
        checked[name] = float(weight), penalty
    return checked


def try_penalties(who: str, penalties: Mapping[str, Any], z: Array) -> None:
    """Raise ValueError unless each penalty(z) returns (value, dz)."""
    for name, (_, penalty) in penalties.items():
        _try_loss(f"{who} penalty {name!r}", penalty, penalty, z)


def try_corruption(who: str, corruption: Any, x: Array) -> None:
    """Raise ValueError unless it returns what its output_shape says."""
    want = (*corruption.output_shape(x.shape[:-1]), x.shape[-1])
    corrupted = _tried(who, corruption, corruption, x, rng=np.random.default_rng(0))
    if corrupted is not NOT_TRIED:
        _check_like(who, corrupted, want, x)


def _try_loss(who: str, part: Any, loss: Callable[..., Any], a: Array, *targets: Array) -> None:
    """Raise ValueError unless a loss returns a number and a gradient like a."""
    result = _tried(who, part, loss, a, *targets)
    if result is not NOT_TRIED:
        value, da = _two(who, "(value, gradient)", result)
        if np.ndim(value) != 0:
            raise ValueError(f"{who}: expected a number for a value, got {np.shape(value)}")
        _check_like(f"{who}: gradient", da, a.shape, a)


def _tried(who: str, part: Any, call: Callable[..., Any], *args: Any, **noise: Any) -> Any:
    """Return what a call returns; NOT_TRIED of the library's own, and if it refuses the numbers."""
    if (getattr(part, "__module__", None) or "").startswith("nnscratch."):
        return NOT_TRIED
    with np.errstate(all="ignore"), unmoved(sources(part)):
        try:
            return call(*(np.array(a, order="C") for a in args), **noise)
        except (TypeError, AttributeError, NameError) as error:  # which no other numbers would mend
            raise ValueError(f"{who}: {type(error).__name__}: {error}") from error
        except Exception:
            return NOT_TRIED


def _two(who: str, want: str, result: Any) -> tuple[Any, Any]:
    if not isinstance(result, tuple) or len(result) != 2:
        many = f" of {len(result)}" if isinstance(result, tuple) else ""
        raise ValueError(f"{who}: expected {want}, got {type(result).__name__}{many}")
    return result


def _check_like(who: str, a: Any, shape: Shape, x: Array) -> None:
    """Raise ValueError unless `a` has this shape and x's dtype."""
    if np.shape(a) != shape or getattr(a, "dtype", None) != x.dtype:
        got = f"{np.shape(a)} {getattr(a, 'dtype', type(a).__name__)}"
        raise ValueError(f"{who}: expected {shape} {x.dtype}, got {got}")
