"""The pages of the reference: every public name, by the package that has it."""

import inspect
from importlib import import_module

import nnscratch as nn

TOP = {"kernels.paths": "plain", "layers.summary": "summary"}
"""Names at the top that no package of PACKAGES has, by their module."""

MODULES = [
    ("models", "lesson"),
    ("models", "music_sizes"),
    ("data", "midi"),
    ("data", "wav"),
    ("evaluation", "attributes"),
]
"""Modules that are on the page of their package, after its own names."""


def names(package: str) -> list[str]:
    """Return the public names of a package or module: __all__, or what it defines itself."""
    module = import_module(f"nnscratch.{package}")
    if hasattr(module, "__all__"):
        return [name for name in module.__all__ if not inspect.ismodule(getattr(module, name))]
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]


def pages() -> dict[str, str]:
    """Return the text of each page of the reference, by its path."""
    found = {f"reference/{package}.md": _page(package, names(package)) for package in nn.PACKAGES}
    for package, module in MODULES:
        found[f"reference/{package}.md"] += _page(
            f"{package}.{module}", names(f"{package}.{module}")
        )
    found["reference/layers.md"] += _entry("layers.summary", TOP["layers.summary"])
    found["reference/likelihoods.md"] += _page("learned_scale", names("learned_scale"))
    found["reference/losses.md"] += _page("importance", names("importance"))
    found["reference/core.md"] += _entry("kernels.paths", TOP["kernels.paths"])
    return found


def _page(package: str, of_it: list[str]) -> str:
    """Return a page: what the package is for, and each of its names."""
    about = inspect.getdoc(import_module(f"nnscratch.{package}")) or ""
    first = about.partition("\n\n")[0]
    return f"# nnscratch.{package}\n\n{first}\n\n" + "".join(_entry(package, n) for n in of_it)


def _entry(package: str, name: str) -> str:
    return f"::: nnscratch.{package}.{name}\n\n"
