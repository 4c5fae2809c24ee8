"""A formula is read in its own file, core.py and the plain definitions: what reading.py counts.

Of nnscratch one must open the file of the layer or loss itself, core.py (what a Parameter is, and
how shapes are refused) and kernels/plain.py (what an operation computes). That is three modules.
"""

import pytest
from reading import ROOT, reading

FILES = ("layers/dense.py", "layers/tied.py", "layers/rectifiers.py", "layers/activations.py")
FILES += ("layers/dropout.py", "layers/sampling.py", "losses.py", "likelihoods.py", "optimizers.py")
MOST = {"likelihoods.py": 4, "optimizers.py": 4}
"""Likelihoods are made of losses; an optimiser asks a schedule for its rate."""


@pytest.mark.parametrize("file", FILES)
def test_a_formula_is_three_short_modules_deep(file: str) -> None:
    parts = reading(file)
    assert len(parts) <= MOST.get(file, 3), parts
    assert max(parts.values()) <= 500
    assert not any("machine" in name for name in parts)


def test_what_is_used_is_found() -> None:
    """Through imports of names and of modules, methods, and functions that call others."""
    assert set(reading("layers/dense.py")) == {"layers/dense.py", "core.py", "kernels/plain.py"}
    assert set(reading("losses.py")) == {"losses.py", "core.py", "kernels/plain.py"}
    assert "losses.py" in reading("likelihoods.py")
    fast = reading("kernels/matmul.py")
    assert {"kernels/product.py", "kernels/tile.py", "kernels/machine/simd.py"} <= set(fast)


@pytest.mark.parametrize("folder", ["layers", "models", "data", "training", "evaluation"])
def test_what_machines_need_stays_in_the_kernels(folder: str) -> None:
    """No scratch memory, vector width, block or count of helpers outside of kernels/."""
    for path in (*(ROOT / folder).glob("*.py"), ROOT / "losses.py", ROOT / "optimizers.py"):
        words = path.read_text().replace(",", " ").replace("(", " ").split()
        assert not {"helpers", "scratch", "BLOCK", "BYTES", "constants"} & set(words), path
