"""Pictures made of images: rows, grids, ways through latent space, codes that have a shape.

Images are (N, H, W), (N, 1, H, W) or (N, H·W) with H = W, in which ink is dark, or (N, 3, H, W) in
colour: bytes, or numbers in [0, 1], which a picture that a model paints may leave a little.

Raises
    ValueError, from every function, as arrays.py says; or if arrays are no such images.
"""

from collections.abc import Callable, Mapping, Sequence
from math import ceil, isqrt
from statistics import NormalDist

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..checks.arguments import integer
from ..checks.arrays import check_about_unit, check_numbers, floats_of, images_of
from ..core import Array
from ..data.dataset import Images
from .page import Title, new_figure

GAP = 2
"""White pixels between images."""


def image_rows(
    rows: Mapping[str, Images], *, heads: Sequence[str] | None = None, title: Title = None
) -> Figure:
    """Show rows of images with a name each, what belongs together in one column.

    heads  a name for each column, above it
    """
    each = {name: pictures(f"image_rows {name}", images) for name, images in rows.items()}
    if len({x.shape for x in each.values()}) != 1:
        shapes = ", ".join(f"{name} {x.shape}" for name, x in each.items())
        raise ValueError(f"image_rows: expected rows of one shape, got {shapes or 'none'}")
    stacked = np.stack(list(each.values()))
    R, N = stacked.shape[:2]
    width = 0.2 + 0.085 * max(map(len, rows)) + 0.75 * N  # the names, and the images
    figure, axes = new_figure(max(5.5, width), 0.36 + 0.75 * R, title)
    height, width = mosaic(axes, stacked)
    axes.set_yticks((np.arange(R) + 0.5) * height - GAP / 2, list(rows))
    if heads is not None:
        axes.xaxis.tick_top()
        axes.set_xticks((np.arange(N) + 0.5) * width - GAP / 2, list(heads))
        axes.tick_params(length=0)
    return figure


def image_grid(images: Images, *, columns: int = 10, title: Title = None) -> Figure:
    """Show images in reading order."""
    x = pictures("image_grid", images)
    integer("image_grid", "columns", columns)
    R = ceil(len(x) / columns)
    blank = np.full((R * columns - len(x), *x.shape[1:]), np.nan)
    figure, axes = new_figure(0.3 + 0.62 * columns, 0.6 + 0.62 * R, title)
    mosaic(axes, np.concatenate([x, blank]).reshape(R, columns, *x.shape[1:]))
    return figure


def manifold(
    decode: Callable[[Array], Images],
    *,
    side: int = 21,
    names: Sequence[str] = ("$z_1$", "$z_2$"),
    title: Title = None,
) -> Figure:
    """Show what the points of a 2-D latent plane decode to, first axis right and second upwards.

    The points are quantiles of the prior, Φ⁻¹((i + ½)/side), so every image stands for the same
    share of N(0, I). A grid over [-1, 1]² would show less than half of it (0.683² = 0.466).
    """
    z = quantiles(side)
    points = np.array([(right, up) for up in z[::-1] for right in z], np.float32)
    x = pictures("manifold", decode(points))
    if len(x) != len(points):
        raise ValueError(f"manifold: expected {len(points)} images from decode, got {len(x)}")
    figure, axes = new_figure(7.6, 7.6, title)
    height, width = mosaic(axes, x.reshape(side, side, *x.shape[1:]), gap=0)
    some = np.linspace(0, side - 1, min(side, 5)).round().astype(int)
    axes.set_xticks((some + 0.5) * width, _numbers(z[some]))
    axes.set_yticks((side - 0.5 - some) * height, _numbers(z[some]))
    axes.set_xlabel(f"{names[0]}, at equal steps of its probability")
    axes.set_ylabel(names[1])
    return figure


def traversals(
    decode: Callable[[Array], Images],
    code: Array,
    dimensions: Sequence[int],
    *,
    steps: int = 11,
    title: Title = None,
) -> Figure:
    """Show what a code (L,) decodes to while one of its numbers runs through the prior, a row each.

    The values are quantiles of the prior, as in `manifold`; the other numbers stay where they are.
    """
    code, z = floats_of("traversals code", code, unit=False), quantiles(steps)
    if code.ndim != 1:
        raise ValueError(f"traversals: expected one code (L,), got {code.shape}")
    rows = {}
    for d in dimensions:
        codes = np.tile(code, (steps, 1))
        codes[:, d] = z
        rows[f"$z_{{{d + 1}}}$"] = decode(codes)
    return image_rows(rows, heads=_numbers(z), title=title)


def quantiles(count: int) -> Array:
    """Return Φ⁻¹((i + ½)/count): numbers that stand for equal shares of N(0, 1), in order."""
    points = range(integer("quantiles", "count", count))
    return np.array([NormalDist().inv_cdf((i + 0.5) / count) for i in points])


def code_images(codes: Array, *, names: Sequence[str] | None = None, title: Title = None) -> Figure:
    """Show codes (N, C, H, W) as images, a row a sample and a column a channel.

    Codes that have no such shape, (N, L), are rows of one cell a number. Ink is a large number.
    """
    codes = floats_of("code_images", codes, unit=False)
    if codes.ndim not in (2, 4):
        raise ValueError(f"code_images: expected (N, C, H, W) or (N, L), got {codes.shape}")
    N = len(codes)
    names = [f"sample {n}" for n in range(N)] if names is None else list(names)
    if codes.ndim == 2:
        codes = codes[..., None, None]
    _, C, H, W = codes.shape
    scale = ceil(28 / H)
    large = codes.repeat(scale, axis=2).repeat(scale, axis=3)
    cell = min(0.75, 7 / C)  # inches
    figure, axes = new_figure(2.6 + cell * C * W / H, 1.2 + cell * N, title)
    height, width = mosaic(axes, large, low=min(0.0, codes.min()), high=codes.max())
    axes.set_yticks((np.arange(N) + 0.5) * height - GAP / 2, names)
    some = np.arange(0, C, ceil(C / 16))
    axes.set_xticks((some + 0.5) * width - GAP / 2, some)
    axes.set_xlabel("channel" if H * W > 1 else "entry of the code")
    bar = figure.colorbar(axes.images[0], ax=axes, shrink=0.9, pad=0.02)
    bar.set_label("activation")
    return figure


def pictures(who: str, images: Images) -> Array:
    """Return images as (N, H, W), or in colour (N, H, W, 3), of floats about in [0, 1]."""
    x = images_of(who, images)
    check_numbers(who, x)
    check_about_unit(who, x)
    if x.ndim == 2 and isqrt(x.shape[1]) ** 2 == x.shape[1]:
        x = x.reshape(len(x), isqrt(x.shape[1]), -1)
    elif x.ndim == 4 and x.shape[1] in (1, 3):
        x = x[:, 0] if x.shape[1] == 1 else np.moveaxis(x, 1, -1)
    elif x.ndim != 3 or x.shape[2] == 3 < x.shape[1]:
        advice = "; np.moveaxis(x, -1, 1)" if x.ndim == 4 and x.shape[3] in (1, 3) else ""
        advice = "; x[None] is a batch of one" if x.ndim < 4 else advice
        raise ValueError(
            f"{who}: expected images (N, H, W), (N, 1, H, W), (N, 3, H, W) or (N, H·W) with H = W, "
            f"got {x.shape}{advice}"
        )
    return x / 255 if x.dtype == np.uint8 else x


def _numbers(values: Array) -> list[str]:
    return [f"{v:.2f}".replace("-", "−") for v in values]


def mosaic(
    axes: Axes, x: Array, *, gap: int = GAP, low: float = 0.0, high: float = 1.0
) -> tuple[int, int]:
    """Draw images (R, C, H, W) or (R, C, H, W, 3) as one; return a cell's height and width.

    gap  white pixels between them
    """
    R, C, H, W, *colour = x.shape
    sheet = np.full((R, H + gap, C, W + gap, *colour), np.nan)
    sheet[:, :H, :, :W] = x.swapaxes(1, 2)
    sheet = sheet.reshape(R * (H + gap), C * (W + gap), *colour)
    if colour:
        sheet = np.nan_to_num(sheet, nan=1).clip(0, 1)
    sheet = sheet[: R * (H + gap) - gap, : C * (W + gap) - gap]
    extent = (0, sheet.shape[1], sheet.shape[0], 0)
    axes.imshow(sheet, cmap="gray_r", vmin=low, vmax=high, interpolation="nearest", extent=extent)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set(xticks=[], yticks=[])
    return H + gap, W + gap
