"""The ideas that everything else rests on: Layer, Parameter, pack.

A layer is a map y = f_θ(x). Backpropagation needs one thing of it: given ∂L/∂y, it returns ∂L/∂x
and adds ∂L/∂θ to a running sum. A layer's `forward` returns a function that does this:

    y, backward = layer.forward(x)     # evaluate f_θ, keep what the derivative needs
    dx = backward(dy)                  # ∂L/∂y ↦ ∂L/∂x, and θ.grad += ∂L/∂θ

`backward` is a closure over the values of that one call. A layer therefore holds θ and nothing
else, and what a call has kept is freed together with its `backward`.

The batch is the last axis everywhere: a sample is a column, and inner loops run over contiguous
samples.
"""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Protocol, Self, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .checks.recorded import Recorded as Recorded
from .checks.text import call_text

Array: TypeAlias = NDArray[np.floating[Any]]
IntArray: TypeAlias = NDArray[np.integer[Any]]
Shape: TypeAlias = tuple[int, ...]
Pair: TypeAlias = tuple[int, int]
Backward: TypeAlias = Callable[..., Any]
"""dy ↦ dx, one gradient for each input. It may also take `need_dx=False`, and returns None then. A
model calls its first layer so, since nothing needs the gradient of the data."""


class Parameter:
    """A trainable array θ and its accumulated gradient ∂L/∂θ, of one shape and dtype.

    A gradient is a running sum: every backward adds to what is there, whoever wrote it. `parts` are
    the sizes of the parameters that it was packed from.
    """

    __slots__ = ("grad", "parts", "value")

    def __init__(self, value: Array, parts: tuple[int, ...] | None = None) -> None:
        self.value = value
        self.grad = np.zeros_like(value)
        self.parts = (value.size,) if parts is None else parts


class Layer(Recorded, ABC):
    """A differentiable map y = f_θ(x) with a derivative written by hand.

    A layer defines `forward` and `output_shape`, and `parameters` if it has any. The rest is here
    for the few layers that differ. A class of one's own need not derive from this one: with those
    three methods it is a layer, and what it does not have is taken to be as it stands here.

        noisy         True if forward takes `rng`, a source of noise (Dropout)
        whole_batch   True if the statistics of the whole batch enter (BatchNorm)
        holomorphic   True if forward takes complex numbers too, being analytic: the gradient
                      checker then takes a complex step
        takes_tokens  True if a sample (T,) consists of integers, the names of classes (Embedding)
    """

    noisy = False
    whole_batch = False
    holomorphic = False
    takes_tokens = False
    _call: str

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Make the object, and keep as text the call that made it, without defaults: its repr."""
        self = super().__new__(cls, *args, **kwargs)
        init = inspect.unwrap(cls.__init__)
        defaults = getattr(init, "__kwdefaults__", None) or {}
        given = {k: a for k, a in kwargs.items() if a is not defaults.get(k, cls)}
        self._call = call_text(cls.__name__, args, given)
        return self

    def __init__(self) -> None:
        """Take no arguments: for the layers that have nothing to set."""
        super().__init__()

    def __repr__(self) -> str:
        return self._call

    @abstractmethod
    def forward(self, x: Array, /, *args: Any, **noise: Any) -> tuple[Array, Backward]:
        """Return y = f_θ(x) and the backward that belongs to this x.

        The forward of a noisy layer takes `rng` besides: the same noise makes the same map.
        """

    @abstractmethod
    def output_shape(self, input_shape: Shape, /) -> Shape:
        """Return the shape of one output sample, from the shape of one input sample."""

    def parameters(self) -> dict[str, Parameter]:
        """Return θ by name, in the order in which `pack` lays it out."""
        return {}

    def buffers(self) -> dict[str, Array]:
        """Return the arrays that belong to a trained layer but have no gradient, by name."""
        return {}

    def inference(self) -> "Layer":
        """Return the layer to use once training is over: mostly this one."""
        return self


def backward_into_theta(backward: Backward, dy: Array) -> None:
    """Call a backward for what it adds to θ.grad; where it takes `need_dx`, no dx is computed."""
    code = getattr(backward, "__code__", None)
    if code is None:  # not a function; this is slower, by a hundredth of a small step
        names = tuple(inspect.signature(backward).parameters)
    else:
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    backward(dy, need_dx=False) if "need_dx" in names else backward(dy)


class HasParameters(Protocol):
    """A layer or a model: whatever has θ."""

    def parameters(self) -> dict[str, Parameter]:
        """Return θ by name."""
        ...


def channel_axis(sample_shape: Shape) -> int:
    """Return the axis of a sample's channels, or features: the second of a sequence (T, D).

    It is the first of a vector (C,) and of an image (C, H, W).
    """
    return 1 if len(sample_shape) == 2 else 0


def named(**parts: dict[str, Any]) -> dict[str, Any]:
    """Return all entries of `parts` under the names "part.entry"."""
    return {f"{part}.{name}": a for part, entries in parts.items() for name, a in entries.items()}


def unique(parameters: Mapping[str, Parameter]) -> list[Parameter]:
    """Return every parameter once: two names may share one, as tied weights do."""
    return list({id(p): p for p in parameters.values()}.values())


def pack(parameters: Mapping[str, Parameter]) -> Parameter:
    """Move all of θ into one vector and leave the named arrays behind as views of it.

        value = [ w₁ | b₁ | w₂ | … ]      (P,)
        grad  = [dw₁ |db₁ |dw₂ | … ]      (P,)

    The result is itself a Parameter, so an optimiser, a norm or a checkpoint handles one vector
    however deep the model. A parameter that is shared is laid out once. Values stay as they were,
    gradients start again at zero.

    Raises
        ValueError if there is nothing to pack, or float32 and float64 are mixed.
    """
    parts = unique(parameters)
    dtypes = {p.value.dtype for p in parts}
    if len(dtypes) != 1:
        found = " and ".join(sorted(map(str, dtypes))) or "none"
        raise ValueError(f"pack: expected parameters of one dtype, got {found}")
    sizes = tuple(p.value.size for p in parts)
    theta = Parameter(np.concatenate([p.value.ravel() for p in parts]), sizes)
    start = 0
    for p in parts:
        here = slice(start, start + p.value.size)
        p.value = theta.value[here].reshape(p.value.shape)
        start = here.stop
    set_gradient_views(parameters, theta.grad)
    return theta


def set_gradient_views(parameters: Mapping[str, Parameter], grad: Array) -> None:
    """Let every gradient be a view of `grad` (P,), laid out as `pack` does."""
    start = 0
    for p in unique(parameters):
        here = slice(start, start + p.value.size)
        p.grad = grad[here].reshape(p.value.shape)
        start = here.stop


def check(name: str, array: Array, shape: tuple[int | str, ...], dtype: DTypeLike) -> None:
    """Raise ValueError unless `array` has this shape and dtype; a str is a free axis."""
    of_dtype = hasattr(array, "dtype") and array.dtype == dtype
    if of_dtype and len(array.shape) == len(shape):
        # Of equal length; to say `strict` would take half as long again as the whole check.
        for want, size in zip(shape, array.shape):  # noqa: B905
            if want != size and type(want) is not str:
                break
        else:
            return
    want_shape = f"({', '.join(map(str, shape))})"
    got = type(array).__name__
    if hasattr(array, "dtype"):
        got = f"({', '.join(map(str, array.shape))}) {array.dtype}"
    raise ValueError(f"{name}: expected {want_shape} {np.dtype(dtype)}, got {got}")


def float_dtype(x: Array) -> DTypeLike:
    """Return the dtype that x must have where no parameter says it: its own, if it is a float.

    For complex numbers, which an analytic layer takes, it is that of their real parts.
    """
    own = x.real.dtype
    return own if own in (np.float32, np.float64) else np.float32
