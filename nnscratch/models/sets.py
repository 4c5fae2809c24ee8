"""The sets that a model of images learns from or is judged by: images, with labels, or in pairs."""

from typing import TYPE_CHECKING, Any, TypeAlias

from ..checks.arrays import check_axes, check_numbers, check_set, labels_of, samples_of
from ..checks.mapped import check_unchanged
from ..core import Array, IntArray
from ..data.dataset import Dataset, Images, gather
from ..data.pairs import Pairs
from ..data.pictures import Pictures

if TYPE_CHECKING:
    from .autoencoder import Autoencoder

ImageSet: TypeAlias = Images | Dataset | Pairs


def check_images(who: str, data: ImageSet, model: "Autoencoder") -> ImageSet:
    """Return a set that this model may learn from, or be judged by, as plain arrays.

    Raises
        ValueError as arrays.py says; or if the model has classes and there are no labels, or one
        that is not 0 … classes - 1; or if inputs were measured that the model would make itself.
    """
    if getattr(model.corruption, "unit", False) and not getattr(model.likelihood, "unit", False):
        who = f"{who}, which {model.corruption} keeps in [0, 1]"  # so it is what asks for it
    if isinstance(data, Pairs):
        if model.classes:
            raise ValueError(f"{who}: expected a Dataset with labels, got Pairs")
        if model.corruption is not None:
            raise ValueError(
                f"{who}: expected images, for the model corrupts them itself; got Pairs, which "
                "a model without a corruption learns from"
            )
        for part, a in (("inputs", data.inputs), ("targets", data.targets)):
            check_axes(f"{who} {part}", a, model.input_shape)
            check_numbers(f"{who} {part}", a, unit=model.unit, dtype=model.dtype)
        return data
    if isinstance(data, Dataset):
        check_unchanged(data.images)
        check_axes(who, data.images, model.input_shape)
        check_numbers(who, data.images, unit=model.unit, dtype=model.dtype)
        if model.classes:
            labels_of(f"{who} labels", data.labels, len(data), model.classes)
        return data
    if model.classes:
        raise ValueError(f"{who}: expected a Dataset with labels, got images alone")
    if isinstance(data, Pictures):
        check_axes(who, data, model.input_shape)
        return data
    images = samples_of(who, data, model.input_shape)
    check_set(who, images, unit=model.unit, dtype=model.dtype)
    return images


def batch_of_images(data: ImageSet, rows: IntArray, model: "Autoencoder") -> tuple[Any, ...]:
    """Return some rows of a set as a loss takes them: (x,), (x, labels) or (x, None, x̃)."""

    def columns(images: Images) -> Array:
        return gather(images, rows, model.dtype).reshape(*model.input_shape, len(rows))

    if isinstance(data, Pairs):
        return columns(data.targets), None, columns(data.inputs)
    if not isinstance(data, Dataset):
        return (columns(data),)
    x = columns(data.images)
    return (x, data.labels[rows]) if model.classes else (x,)
