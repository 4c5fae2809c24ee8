"""Names of earlier versions: each still gives its object, and a warning that says the new name."""

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec

TYPE_CHECKING = False  # that of typing, whose import would take longer than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MOVES = {
    "checks": "arguments border=arrays",
    "evaluation": "baselines metrics probes",
    "gradcheck": "certificates promises report trial=numerical",
    "kernels": "products=matmul",
    "kernels.machine": "memory processor quotas subnormals threads shared=process_state "
    "team=helpers kernels.cache=cache kernels.exponential=exponential kernels.jit=jit "
    "kernels.instructions=intrinsics kernels.simd=simd kernels.subnormals=float_mode "
    "kernels.team=fork_join",
    "layers": "held initializers",
    "models": "corruptions=corruption models.border=batch_first models.latent=interpolation",
    "training": "adversarial checkpoint console diagnosis early_stopping interrupt micro_batches "
    "run_file streams lanes=replicas ledger=terms",
}
"""Modules by the package that has them now: old=new, or the name alone where it is the same."""

PAIRS = [(package, *move.split("=")) for package in MOVES for move in MOVES[package].split()]
MODULES = {f"nnscratch.{old}": f"nnscratch.{p}.{(*new, old)[0]}" for p, old, *new in PAIRS}

NAMES = {
    "data": {"image_folder": "folder"},
    "layers": {"Relu": "ReLU", "LeakyRelu": "LeakyReLU", "Elu": "ELU", "Gelu": "GELU"},
    "layers.rectifiers": {"Relu": "ReLU", "LeakyRelu": "LeakyReLU", "Elu": "ELU"},
    "layers.activations": {"Gelu": "GELU"},
    "evaluation": {"ledger": "elbo", "Ledger": "Elbo"},
    "training.replicas": {"Lanes": "Replicas"},
    "training.terms": {"check_ledger": "check_terms"},
    "sklearn": {"VAETransformer": "VAE"},
}
"""Names that have changed, by their module, in which `__getattr__` is `renamed(__name__)`."""


def warn(old: str, new: str) -> None:
    """Say that an old name was used, and where: at the call of the function that calls this one."""
    from warnings import warn  # here, for most programs use no old name

    warn(f"{old} is now {new}; the old name will go", DeprecationWarning, stacklevel=3)


class Finder:
    """Finds the module that has taken the place of an old one, after all other finders."""

    def find_spec(self, name: str, *where: object) -> "Any":
        """Return a spec for an old name, None for any other."""
        return ModuleSpec(name, self) if name in MODULES else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> "Any":
        """Return the new module itself, and keep what it says of itself for `exec_module`."""
        warn(spec.name, MODULES[spec.name])
        module = import_module(MODULES[spec.name])
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: "Any") -> None:
        """Run nothing, for the module has run; give it back its own spec."""
        module.__spec__ = module.__spec__.loader_state


def renamed(module: str) -> "Callable[[str], Any]":
    """Return the `__getattr__` of a module in which names have changed."""
    names = NAMES[module.removeprefix("nnscratch.")]

    def find(name: str) -> "Any":
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        warn(f"{module}.{name}", names[name])
        return getattr(sys.modules[module], names[name])

    return find
