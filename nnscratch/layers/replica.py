"""A second copy of a model, with the same θ and a gradient of its own."""

import copy
from typing import TypeVar

from ..core import Array, HasParameters, check, set_gradient_views, unique

M = TypeVar("M", bound=HasParameters)


def replica(model: M, grad: Array) -> M:
    """Return a copy of `model` that shares all values and adds its gradients to `grad` (P,).

    With replicas several threads run forward and backward at the same time: they read the same
    values, and each writes to a gradient of its own.

    Raises
        ValueError if there are no parameters, `grad` does not fit, or Python cannot copy the model
        or copies it with parameters of the original.
    """
    parts = unique(model.parameters())
    if not parts:
        raise ValueError("replica: expected a model with parameters, got none")
    check("replica grad", grad, (sum(p.value.size for p in parts),), parts[0].value.dtype)
    # deepcopy takes over what it finds in the memo, so the copy has the same values.
    try:
        twin = copy.deepcopy(model, {id(p.value): p.value for p in parts})
    except Exception as error:
        raise ValueError(
            f"replica: {type(model).__name__} cannot be copied: {error}; one replica needs no copy"
        ) from error
    theirs = unique(twin.parameters())
    if len(theirs) != len(parts) or any(
        p is q or p.value is not q.value for p, q in zip(parts, theirs, strict=True)
    ):
        who = type(model).__name__
        raise ValueError(
            f"replica: expected a copy of {who} to have Parameters of its own with the same "
            "values; a function or a class holds them, or a copy makes new ones"
        )
    set_gradient_views(twin.parameters(), grad)
    return twin
