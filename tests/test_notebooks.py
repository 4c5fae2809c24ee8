"""Each demo opened as a notebook runs clean, and shows its pictures in it."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

nbclient = pytest.importorskip("nbclient", reason="needs the extra `notebook`")
jupytext = pytest.importorskip("jupytext", reason="needs the extra `notebook`")
nbformat = pytest.importorskip("nbformat", reason="needs the extra `notebook`")
pytest.importorskip("ipykernel", reason="needs the extra `notebook`")

ROOT = Path(__file__).parents[1]
DEMOS = sorted(path.stem for path in (ROOT / "demos").glob("[a-z]*.py") if path.stem != "common")
pytestmark = pytest.mark.filterwarnings("default")  # Jupyter's own warnings are not ours to mend


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels find this checkout, wherever they are started."""
    places = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, places)))


def run(notebook: Any, folder: Path) -> list[Any]:
    """Execute a notebook that lies in a folder; return what its cells put out."""
    resources = {"metadata": {"path": str(folder)}}
    nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources=resources
    ).execute()
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def pictures(outputs: list[Any]) -> int:
    return sum("image/png" in output.get("data", {}) for output in outputs)


def said(outputs: list[Any], stream: str = "stdout") -> str:
    return "".join(o.text for o in outputs if o.output_type == "stream" and o.name == stream)


@pytest.mark.parametrize("name", DEMOS)
def test_a_demo_is_a_notebook(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NNSCRATCH_OPTIONS", f"--smoke --out '{tmp_path}'")
    outputs = run(jupytext.read(ROOT / "demos" / f"{name}.py"), ROOT)
    assert not [output for output in outputs if output.output_type == "error"]
    assert said(outputs, "stderr") == ""
    page = said(outputs).partition("This run again")[0]
    announced = set(re.findall(r"[a-z]+\.png", page))
    assert {path.name for path in tmp_path.glob("*.png")} == announced
    assert pictures(outputs) == len(announced)
    assert (tmp_path / "numbers.json").exists()


def test_options_in_a_first_cell_and_a_notebook_among_the_demos(tmp_path: Path) -> None:
    notebook = jupytext.read(ROOT / "demos" / "bugs.py")
    words = f"--smoke --only sigma --out {tmp_path}"
    notebook.cells.insert(0, nbformat.v4.new_code_cell(f"%env NNSCRATCH_OPTIONS={words}"))
    outputs = run(notebook, ROOT / "demos")
    assert [path.name for path in tmp_path.glob("*.png")] == ["sigma.png"]
    assert pictures(outputs) == 1


def test_data_that_is_not_there_is_told_by_the_error_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A notebook does not end, as a program does."""
    monkeypatch.setenv("NNSCRATCH_OPTIONS", f"--out {tmp_path} --data {tmp_path}/nowhere")
    with pytest.raises(nbclient.exceptions.CellExecutionError, match="nowhere: no such directory"):
        run(jupytext.read(ROOT / "demos" / "vae.py"), ROOT)


FIGURE = """
import numpy as np
from nnscratch.plots import image_grid
image_grid(np.zeros((3, 4, 4)))
"""


def test_a_notebook_shows_what_a_plot_returns() -> None:
    cells = [nbformat.v4.new_code_cell(FIGURE)]
    assert pictures(run(nbformat.v4.new_notebook(cells=cells), ROOT)) == 1


def test_python_without_a_kernel_reads_its_own_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where IPython has been imported, and whatever the environment says to notebooks."""
    monkeypatch.setenv("NNSCRATCH_OPTIONS", "--nonsense")
    code = "import IPython, sys; from demos.__main__ import main; sys.exit(main(sys.argv[1:]))"
    words = ("bugs", "--only", "sigma", "--smoke", "--out", tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "sigma.png").exists()
