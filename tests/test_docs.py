"""Every snippet of the documentation runs, and what it names is there."""

import re
import shlex
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pages import PAGES, ROOT, run, text_of
from PIL import Image

from nnscratch.gradcheck import gradcheck

SHORTER = {"README.md": {"epochs=10": "epochs=1"}}
"""What a page says, and what the tests run in its place."""

WITH_SNIPPETS = [page for page in PAGES if re.search(r">>>|^```python", text_of(page), re.M)]


@pytest.mark.parametrize("page", WITH_SNIPPETS)
def test_the_page_says_what_the_code_does(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where files that a page writes are welcome
    assert run(page, {"__name__": page}, SHORTER.get(page, {})) > 0


def test_the_readmes_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "README"}
    run("README.md", names, SHORTER["README.md"])
    assert names["accuracy"] == pytest.approx(0.92, abs=0.01)
    assert names["codes"].shape == (2000, 2)
    assert names["images"].shape == (16, 784)
    assert (tmp_path / "out" / "vae.safetensors").exists()
    layer = names["MyDense"](4, 3, rng=np.random.default_rng(0), dtype=np.float64)
    report = gradcheck(layer, (4, 5), rng=np.random.default_rng(0))
    report.raise_if_failed()
    assert {row.array for row in report.rows} == {"x", "weight", "bias"}


# Commands


def commands(page: str) -> list[str]:
    """Return the commands of a page: in backticks, or on indented lines."""
    text = re.sub(r"^```.*?^```$", "", text_of(page), flags=re.MULTILINE | re.DOTALL)
    spans = re.findall(r"`([^`\n]+)`", text) + re.findall(r"^    (\S.*)$", text, re.MULTILINE)
    parts = (part.strip() for span in spans for part in re.split(r"&&|\s{2,}", span))
    return [part for part in parts if re.match(r"(python|ruff|mypy|\.ci)\b|\.ci/", part)]


COMMANDS = [(page, command) for page in PAGES for command in commands(page)]


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_a_command_exists(page: str, command: str) -> None:
    """Its module or file is there, its demo or benchmark, each option, each extra of pip."""
    words = shlex.split(command)
    if words[0] != "python":
        assert (ROOT / words[0]).exists() or words[0] in ("ruff", "mypy")
    elif words[1] == "-m" and words[2] == "pip":
        extras = re.findall(r"\[(.*)\]", command)
        project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
        assert all(e in project["optional-dependencies"] for x in extras for e in x.split(","))
    elif words[1] == "-m":
        package, *rest = words[2:]
        assert find_spec(package) is not None
        if package in ("demos", "benchmarks") and rest and rest[0] not in ("…", "NAME"):
            assert (ROOT / package / f"{rest[0]}.py").exists()
            source = "".join(path.read_text("utf-8") for path in (ROOT / package).glob("*.py"))
            for option in (word for word in rest[1:] if word.startswith("--")):
                assert f'"{option}"' in source or f'"{option[2:]}"' in source
    else:
        assert (ROOT / words[1]).exists()


def test_commands_are_found() -> None:
    found = {command for _, command in COMMANDS}
    assert {"python -m demos vae", "python -m pip install -e .", "python -m pytest"} <= found
    assert "python docs/img/vae.py" in found


# Links and files


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", text_of(page))
    for target in (target for target in targets if not target.startswith("https://")):
        assert (ROOT / page).parent.joinpath(target).exists(), target


@pytest.mark.parametrize(
    "page",
    ["README.md", "CONTRIBUTING.md", "docs/architecture.md", "nnscratch/kernels/README.md"],
)
def test_files_that_are_named_exist(page: str) -> None:
    for path in re.findall(r"`([\w/]+/?[\w]+\.(?:py|md)|[\w/]+/)`", text_of(page)):
        if "NAME" not in path:
            folders = ("", "nnscratch", "nnscratch/kernels", "nnscratch/kernels/machine")
            places = [ROOT / folder / path for folder in folders]
            assert any(place.exists() for place in places), path


@pytest.mark.parametrize("page", ["README.md", "docs/demos.md", "docs/architecture.md"])
def test_no_cell_of_a_table_is_long(page: str) -> None:
    rows = [line for line in text_of(page).splitlines() if line.startswith("|")]
    cells = [cell.strip() for row in rows for cell in row.strip("|").split("|")]
    assert all(len(cell) <= 120 for cell in cells), [cell for cell in cells if len(cell) > 120]


def test_the_picture_of_the_readme_is_small_and_shows_something() -> None:
    [path] = re.findall(r"^!\[.+\]\((.+)\)$", text_of("README.md"), re.MULTILINE)
    assert (ROOT / path).stat().st_size <= 200_000
    with Image.open(ROOT / path) as picture:
        assert picture.width >= 1000
        assert np.ptp(np.asarray(picture.convert("L"))) > 100


def test_every_demo_is_in_the_readme_and_in_its_page() -> None:
    names = {p.stem for p in ROOT.glob("demos/[a-z]*.py")} - {"common", "results"}
    assert set(re.findall(r"^\| `(\w+)` \|", text_of("README.md"), re.MULTILINE)) == names
    told = set(re.findall(r"^\*\*`(\w+)`\*\*", text_of("docs/demos.md"), re.MULTILINE))
    assert told == names - {"gradcheck"}
