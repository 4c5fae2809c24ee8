"""How a fault is planted: a changed source in place of the module."""

import importlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

import pytest
from numba import config

import nnscratch
from nnscratch import data, layers, losses, optimizers
from nnscratch.kernels import plain, plain_samples
from nnscratch.layers import fusion, norm

ROOT = Path(nnscratch.__file__).parent


CONVICTED = (AssertionError, RuntimeWarning, pytest.fail.Exception)


Check = Callable[..., None]


def source_as_module(file: str, changes: Mapping[str, str]) -> ModuleType:
    """A new module from this source with these changes; each text must stand there once."""
    source = (ROOT / file).read_text()
    for old, new in changes.items():
        assert source.count(old) == 1, f"{file}: {old!r} occurs {source.count(old)} times, not once"
        source = source.replace(old, new)
    name = "nnscratch." + file.removesuffix(".py").replace("/", ".")
    module = ModuleType(name)
    module.__package__ = name.rpartition(".")[0]
    exec(compile(source, f"{file}, changed", "exec"), module.__dict__)
    return module


WORDS = (
    *(f"kernels/machine/{name}.py" for name in ("jit", "intrinsics", "emit", "simd", "fork_join")),
    *(f"kernels/machine/{name}.py" for name in ("exponential", "registers", "emit_tile", "tile")),
)
"""What kernels are made of; their checks call them directly."""


USERS = {
    "kernels/recurrent.py": [
        f"kernels/{name}.py"
        for name in ("steps", "lstm", "lstm_backward", "gru", "gru_backward", "rnn")
    ]
}
"""Whose compiled kernels hold a copy of a file's parts: with a fault there, they are Python too."""


JUDGES = {
    "checks.activations": layers,
    "checks.conv": layers,
    "checks.conv_transpose": layers,
    "checks.dataset": data,
    "checks.draws": plain_samples,
    "checks.fusion": fusion,
    "checks.losses": losses,
    "checks.norm": norm,
    "checks.optimizers": optimizers,
    "checks.pool": layers,
    "checks.products": plain,
    "checks.recurrent": layers,
    "checks.upsample": layers,
}
"""Whose operations a check asks for, by the file that it is in."""


def on_trial(
    file: str, changes: Mapping[str, str], patch: pytest.MonkeyPatch, check: Check | None = None
) -> ModuleType | None:
    """The module to give to a check: the changed one, or the real one that calls what has changed.

    Changed kernels run as plain Python, so that no changed machine code gets into Numba's cache.
    """
    source = (ROOT / file).read_text()
    compiled = any(f"{name} import" in source for name in ("jit", "fork_join", "intrinsics"))
    if not file.startswith("kernels/") or file == "kernels/matmul.py":
        return source_as_module(file, changes)
    # A kernel's module is imported when it is first called. If that were later, it would take what
    # has changed, and what is Python, for good.
    for path in (ROOT / "kernels").glob("[!_]*.py"):
        importlib.import_module(f"nnscratch.kernels.{path.stem}")
    with patch.context() as interpreted:
        interpreted.setattr(config, "DISABLE_JIT", compiled)
        for words in WORDS if compiled else ():
            module = source_as_module(words, {})
            interpreted.setitem(sys.modules, module.__name__, module)
        changed = source_as_module(file, changes)
        interpreted.setitem(sys.modules, changed.__name__, changed)
        users = [source_as_module(user, {}) for user in USERS.get(file, ())]
    if file in WORDS:
        return changed
    for module in (changed, *users):
        replace(module, patch)
    return None if check is None else JUDGES[check.__module__]


def replace(changed: ModuleType, patch: pytest.MonkeyPatch) -> None:
    """Let all modules that have taken something from the real module have it from this one."""
    real = vars(importlib.import_module(changed.__name__))
    new = {
        id(real[name]): thing
        for name, thing in vars(changed).items()
        if getattr(thing, "__module__", None) == changed.__name__
    }
    for name, user in list(sys.modules.items()):
        if name.startswith("nnscratch."):
            for word, value in list(vars(user).items()):
                if id(value) in new:
                    patch.setattr(user, word, new[id(value)])
