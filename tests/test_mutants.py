"""The script that plants faults: what it plants, and whether it tells survivors."""

import subprocess
import sys
from pathlib import Path

import pytest
from mutants.__main__ import equivalents
from mutants.faults import faults, files

import nnscratch

ROOT = Path(nnscratch.__file__).parent


def planted(tmp_path: Path, source: str) -> list[str]:
    (tmp_path / "f.py").write_text(source)
    found = faults(tmp_path, "f.py")
    return [fault.planted(source.encode()).decode() for fault in found]


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        ("y = a + b", ["y = (a - b)", "y = (a)", "y = (b)"]),
        ("y = a - b", ["y = (a + b)", "y = (a)"]),
        ("y = a * b", ["y = (a / b)", "y = (a)", "y = (b)"]),
        ("y = a @ b", ["y = (b @ a)"]),
        ("y = -a", ["y = (a)"]),
        ("y += a", ["y = a", "y -= a"]),
        ("y = a < 2", ["y = (a <= 2)", "y = a < (3)"]),
        ("y = a if b else c", ["y = (c if b else a)"]),
        ("y = w.T", ["y = (w)"]),
        ("y = a.sum(axis=0)", ["y = (a.mean)(axis=0)", "y = a.sum(axis=(1))"]),
        ("y = 0.5", ["y = (1.0)"]),
        ("y = x and True", ["y = (x or True)", "y = x and (False)"]),
        ("f(x)", ["pass"]),
        ("σ = a - b  # ä", ["σ = (a + b)  # ä", "σ = (a)  # ä"]),  # places are counted in bytes
        ('raise ValueError(f"{1 + 1}")', []),
        ('"""A docstring."""\nx: int = 1', ['"""A docstring."""\nx: int = (2)']),
    ],
)
def test_what_is_planted(tmp_path: Path, source: str, changed: list[str]) -> None:
    assert planted(tmp_path, source) == changed


def test_every_fault_is_python_and_has_a_name_of_its_own() -> None:
    """And there are far more than the 500 that are asked for."""
    keys = set()
    for file in files(ROOT):
        source = (ROOT / file).read_bytes()
        for fault in faults(ROOT, file):
            assert fault.key not in keys
            keys.add(fault.key)
            compile(fault.planted(source), file, "exec")
    assert len(keys) > 3000
    assert {"losses.py", "layers/dense.py", "kernels/plain.py", "optimizers.py"} <= set(files(ROOT))


def test_what_is_called_equivalent_is_there_and_has_a_reason() -> None:
    listed = equivalents()
    keys = {fault.key for file in files(ROOT) for fault in faults(ROOT, file)}
    assert set(listed) <= keys, set(listed) - keys
    assert all(reason.endswith(".") and len(reason) > 20 for reason in listed.values())


TRIAL = """
from pathlib import Path
from tests.mutants.faults import faults
from tests.mutants.trial import tried

tree = Path({tree!r})
for fault in faults(tree / "nnscratch", "small.py"):
    print(fault.new, tried(tree, fault, {{"test_small.py": 0.1}}))
"""


def test_a_fault_is_found_or_survives_and_is_taken_out_again(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "nnscratch").mkdir(parents=True)
    (tree / "tests").mkdir()
    source = "def double(x):\n    return 2 * x\n\n\ndef unseen(x):\n    return not x\n"
    (tree / "nnscratch" / "__init__.py").touch()
    (tree / "nnscratch" / "small.py").write_text(source)
    test = "from nnscratch.small import double\n\ndef test_double():\n    assert double(3) == 6\n"
    (tree / "tests" / "test_small.py").write_text(test)
    run = [sys.executable, "-c", TRIAL.format(tree=str(tree))]
    done = subprocess.run(run, capture_output=True, text=True, cwd=ROOT.parent, check=True)
    name = "tests/test_small.py::test_double"
    assert done.stdout.splitlines() == [
        *(f"{new} {name}" for new in ("(2 / x)", "(2)", "(x)", "(3)")),
        "(x) passed",
    ]
    assert (tree / "nnscratch" / "small.py").read_text() == source
