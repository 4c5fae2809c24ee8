"""A formula is read in its own file, core.py and the plain definitions: what reading.py counts.

Of nnscratch one must open the file of the layer or loss itself, core.py (what a Parameter is, and
how shapes are refused) and kernels/plain.py (what an operation computes). That is three modules.
"""

import pytest
from reading import ROOT, place, read, reading

FILES = ("layers/dense.py", "layers/tied.py", "layers/rectifiers.py", "layers/activations.py")
FILES += ("layers/dropout.py", "layers/sampling.py", "losses.py", "likelihoods.py", "optimizers.py")
FILES += ("layers/conv.py", "layers/conv1d.py", "layers/conv_transpose.py", "layers/pool.py")
FILES += ("layers/embedding.py", "layers/steps.py")
FILES += ("layers/upsample.py", "layers/padding.py", "layers/norm.py", "layers/batch_norm.py")
MOST = {"likelihoods.py": 5, "optimizers.py": 4}
MOST |= {"layers/conv.py": 4, "layers/conv1d.py": 5, "layers/conv_transpose.py": 5}
MOST |= {"layers/upsample.py": 4, "layers/norm.py": 4, "layers/embedding.py": 4}
"""Likelihoods are made of losses, or of each sample's own (plain_samples.py); an optimiser asks a
schedule for its rate. Layers on images share what sizes they accept (geometry.py), convolutions
besides what they do with a bias (conv.py), norms the derivation (standardise.py); layers that take
tokens, how these are refused (tokens.py)."""


@pytest.mark.parametrize("file", FILES)
def test_a_formula_is_three_short_modules_deep(file: str) -> None:
    parts = reading(file)
    assert len(parts) <= MOST.get(file, 3), parts
    assert max(parts.values()) <= 500
    assert not any("machine" in name for name in parts)


@pytest.mark.parametrize("file", ["layers/dense.py", "layers/rectifiers.py", "losses.py"])
def test_the_first_formulas_take_500_lines_in_all(file: str) -> None:
    assert sum(reading(file).values()) <= 500


def test_what_is_used_is_found() -> None:
    """Through imports of names and of modules, methods, and functions that call others."""
    assert set(reading("layers/dense.py")) == {"layers/dense.py", "core.py", "kernels/plain.py"}
    assert set(reading("losses.py")) == {"losses.py", "core.py", "kernels/plain.py"}
    assert "losses.py" in reading("likelihoods.py")
    fast = reading("kernels/matmul.py")
    assert {"kernels/product.py", "kernels/machine/tile.py", "kernels/machine/simd.py"} <= set(fast)


FORMULAS = ("layers/*.py", "data/*.py", "losses.py", "likelihoods.py", "optimizers.py")


@pytest.mark.parametrize("pattern", FORMULAS)
def test_formulas_import_nothing_of_kernels_but_their_definitions(pattern: str) -> None:
    """Thread counts, scratch memory, vector widths and block sizes stay inside of kernels/."""
    for path in ROOT.glob(pattern):
        found = read(path.relative_to(ROOT).as_posix()).imports.values()
        kernels = {place(*name)[0] for name in found if name[0].startswith("kernels")}
        assert all(name.startswith("kernels/plain") for name in kernels), (path.name, kernels)
