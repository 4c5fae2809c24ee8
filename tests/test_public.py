"""`import nnscratch as nn`: what is there, what it costs, and what type checkers see of it."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import nnscratch as nn

ROOT = Path(nn.__file__).parent


@pytest.mark.parametrize("name", nn.__all__)
def test_every_public_name_is_there(name: str) -> None:
    thing = getattr(nn, name)
    if name in nn.PACKAGES:
        assert isinstance(thing, ModuleType)
        assert thing.__name__ == f"nnscratch.{name}"
    else:
        homes = [package for package, names in nn.PUBLIC.items() if name in names.split()]
        assert len(homes) == 1
        assert thing is getattr(import_module(f"nnscratch.{homes[0]}"), name)


def test_every_layer_model_and_trainer_is_public() -> None:
    for package in (nn.layers, nn.models, nn.training):
        assert set(package.__all__) - {"build", "lesson", "music_sizes"} <= set(nn.__all__)


def test_dir_lists_what_has_not_been_imported_yet() -> None:
    code = "import nnscratch as nn; assert {'Dense', 'layers', '__version__'} <= set(dir(nn))"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_import_brings_in_nothing_that_takes_long() -> None:
    code = "import sys, nnscratch; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    run = [sys.executable, "-c", code]
    found = subprocess.run(run, capture_output=True, text=True, check=True).stdout.split()
    assert {"numba", "numpy", "matplotlib", "tqdm", "llvmlite", "typing_extensions"}.isdisjoint(
        found
    )
    code = "import sys, nnscratch; print(*(m for m in sys.modules if m.startswith('nnscratch')))"
    run = [sys.executable, "-c", code]
    found = subprocess.run(run, capture_output=True, text=True, check=True).stdout.split()
    assert sorted(found) == ["nnscratch", "nnscratch._moved"]


def test_an_optimiser_brings_in_no_picture() -> None:
    code = "import sys, nnscratch as nn; nn.Adam; print('matplotlib' in sys.modules)"
    run = [sys.executable, "-c", code]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "False\n"


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'nnscratch' has no attribute 'Dence'"):
        nn.Dence  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'Dence'"):
        from nnscratch import Dence  # noqa: F401
    assert not hasattr(nn, "Dence")


def test_linear_names_what_may_be_meant() -> None:
    with pytest.raises(AttributeError, match=r"layer is nn\.Dense.*nn\.schedules\.Linear"):
        nn.Linear  # noqa: B018


def test_gradcheck_is_the_package_and_has_the_function(rng: np.random.Generator) -> None:
    assert isinstance(nn.gradcheck, ModuleType)
    assert nn.gradcheck.gradcheck(nn.Tanh(), (3, 2), rng=rng).ok


def test_the_stub_and_the_table_say_the_same() -> None:
    """Type checkers read __init__.pyi, Python reads the table of __init__.py."""
    tree = ast.parse((ROOT / "__init__.pyi").read_text("utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    packages = {a.asname for node in imports if node.module is None for a in node.names}
    names = {(node.module, a.asname) for node in imports if node.module for a in node.names}
    assert all(a.name == a.asname for node in imports for a in node.names)
    assert packages == {*nn.PACKAGES, *nn.EXTRAS}
    assert names == {(p, name) for p, listed in nn.PUBLIC.items() for name in listed.split()}
    assert (ROOT / "py.typed").read_bytes() == b""


def test_onnx_that_is_not_there_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rng: np.random.Generator
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    model = nn.models.build("dense_vae", (4,), rng=rng)
    with pytest.raises(ImportError, match=r"pip install 'nnscratch\[onnx\]'"):
        nn.export_onnx(tmp_path / "m.onnx", model)
    assert list(tmp_path.iterdir()) == []


def test_scikit_learn_that_is_not_there_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.delitem(sys.modules, "nnscratch.sklearn", raising=False)
    with pytest.raises(ImportError, match=r"pip install 'nnscratch\[sklearn\]'"):
        import_module("nnscratch.sklearn")
