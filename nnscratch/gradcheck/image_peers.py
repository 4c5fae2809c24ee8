"""What PyTorch calls our layers of images and sequences: see peers.py."""

from collections.abc import Callable
from typing import Any

Peer = Callable[..., Any]


def of(call: Callable[[Any], Peer], **options: str) -> Peer:
    """A peer without parameters; `options` are its arguments, by the attribute of our layer."""

    def peer(torch: Any, layer: Any, args: list[Any], theta: dict[str, Any]) -> Any:
        named = {name: getattr(layer, attribute) for name, attribute in options.items()}
        return call(torch)(*args, **named)

    return peer


def _pad(torch: Any, x: Any, layer: Any) -> Any:
    (top, bottom), (left, right) = layer._paddings(tuple(x.shape[1:]))
    return torch.nn.functional.pad(x, (left, right, top, bottom))


def _conv2d(torch: Any, layer: Any, args: list[Any], theta: dict[str, Any]) -> Any:
    conv = torch.nn.functional.conv2d
    x, more = _pad(torch, args[0], layer), (layer.stride, 0, layer.dilation, layer.groups)
    return conv(x, theta["weight"], theta.get("bias"), *more)


def _conv1d(torch: Any, layer: Any, args: list[Any], theta: dict[str, Any]) -> Any:
    x = torch.nn.functional.pad(args[0].transpose(1, 2), layer._padding(args[0].shape[1]))
    more = layer.stride, 0, layer.dilation, layer.groups
    y = torch.nn.functional.conv1d(x, theta["weight"], theta.get("bias"), *more)
    return y.transpose(1, 2)


def _conv_transpose(torch: Any, layer: Any, args: list[Any], theta: dict[str, Any]) -> Any:
    (top, _), (left, _) = layer.padding
    more = (top, left), layer.more, layer.groups, layer.dilation
    conv = torch.nn.functional.conv_transpose2d
    return conv(args[0], theta["weight"], theta.get("bias"), layer.stride, *more)


def _conv_transpose1d(torch: Any, layer: Any, args: list[Any], theta: dict[str, Any]) -> Any:
    more = layer.padding[0], layer.more, layer.groups, layer.dilation
    conv = torch.nn.functional.conv_transpose1d
    x = args[0].transpose(1, 2)
    return conv(x, theta["weight"], theta.get("bias"), layer.stride, *more).transpose(1, 2)


def _upsample(mode: str) -> Peer:
    def peer(torch: Any, layer: Any, args: list[Any], theta: dict[str, Any]) -> Any:
        scale = tuple(map(float, layer.scale))
        return torch.nn.functional.interpolate(args[0], scale_factor=scale, mode=mode)

    return peer


def _border(sign: int) -> Peer:
    """PyTorch crops by a negative padding; its sides are those of the last axis first."""

    def peer(torch: Any, layer: Any, args: list[Any], theta: dict[str, Any]) -> Any:
        sides = [sign * n for side in reversed(layer.sides) for n in side]
        return torch.nn.functional.pad(args[0], sides)

    return peer


IMAGES: dict[str, Peer] = {
    "Conv2d": _conv2d,
    "Conv1d": _conv1d,
    "ConvTranspose1d": _conv_transpose1d,
    "ConvTranspose2d": _conv_transpose,
    "MaxPool2d": of(
        lambda t: t.nn.functional.max_pool2d, kernel_size="K", stride="stride", padding="padding"
    ),
    "AvgPool2d": of(
        lambda t: t.nn.functional.avg_pool2d, kernel_size="K", stride="stride", padding="padding"
    ),
    "GlobalAvgPool2d": of(lambda t: lambda x: x.mean((2, 3))),
    "UpsampleNearest2d": _upsample("nearest"),
    "UpsampleBilinear2d": _upsample("bilinear"),
    "PixelShuffle": of(lambda t: t.nn.functional.pixel_shuffle, upscale_factor="r"),
    "UpsampleNearest1d": of(
        lambda t: lambda x, repeats: x.repeat_interleave(repeats, 1), repeats="scale"
    ),
    "ZeroPad2d": _border(1),
    "ZeroPad1d": _border(1),
    "Crop2d": _border(-1),
    "Crop1d": _border(-1),
}
