"""Intrinsics: functions whose calls are compiled to LLVM instructions of our choice.

An intrinsic has two bodies. Its Python body is its definition; what compiled code runs in its place
is what an `emit_…` function writes, an instruction or two. The intrinsics are in simd.py, whose
instructions are written in emit.py, in fork_join.py and in float_mode.py.
"""

import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

from llvmlite import ir  # type: ignore[import-untyped]
from numba import config, types
from numba.extending import intrinsic as numba_intrinsic
from numba.extending import models, register_model

from ...core import Array
from .processor import BYTES

Vector: TypeAlias = Array
"""In Python a vector is a small array (V,)."""


class VectorType(types.Type):
    """In compiled code a vector is LLVM's <V x dtype>."""

    def __init__(self, dtype: Any) -> None:
        self.dtype, self.size = dtype, BYTES * 8 // dtype.bitwidth
        super().__init__(f"vector({dtype} x {self.size})")


@register_model(VectorType)
class VectorModel(models.PrimitiveModel):
    """How Numba passes a vector around: as itself."""

    def __init__(self, manager: Any, vector: VectorType) -> None:
        element = manager.lookup(vector.dtype).get_value_type()
        super().__init__(manager, vector, ir.VectorType(element, vector.size))  # type: ignore[no-untyped-call]


def intrinsic(typing: Callable[..., Any], emit: Callable[..., Any]) -> Callable[..., Any]:
    """Compile calls of the decorated function to what `emit` writes; `typing` gives the types.

    emit(context, builder, signature, args) is Numba's protocol; typing(*argument_types) returns
    the signature, or None to refuse.
    """

    def decorate(definition: Callable[..., Any]) -> Callable[..., Any]:
        if config.DISABLE_JIT:  # type: ignore[attr-defined]
            return definition

        def choose(context: Any, *argument_types: Any) -> Any:
            signature = typing(*argument_types)
            return signature and (signature, emit)

        names = ["context", *inspect.signature(definition).parameters]
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        choose.__signature__ = inspect.Signature([inspect.Parameter(n, kind) for n in names])  # type: ignore[attr-defined]
        choose.__name__, choose.__doc__ = definition.__name__, definition.__doc__
        return numba_intrinsic(choose)

    return decorate


def flat(a: Any) -> bool:
    """Is this the type of a flat contiguous array of floats?"""
    is_array = isinstance(a, types.Array) and isinstance(a.dtype, types.Float)
    return is_array and a.ndim == 1 and a.layout == "C"
