"""`nnscratch demo`, in a checkout and from a wheel that is installed away from it."""

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from nnscratch.command import demo, main

ROOT = Path(__file__).parents[1]
DEMOS = sorted(path.stem for path in (ROOT / "demos").glob("[a-z]*.py") if path.stem != "common")

MOST = 5_000_000
"""Bytes that a wheel may have, of which most are digits, melodies and trained weights."""


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo what the command does to this process: sys.path, sys.argv, and the demos' own name."""
    monkeypatch.syspath_prepend(ROOT)
    import demos

    monkeypatch.setattr(demos, "COMMAND", demos.COMMAND)
    monkeypatch.setattr(sys, "argv", [])


@pytest.mark.usefixtures("here")
def test_the_list_and_a_help_name_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("nnscratch demo NAME [options], where NAME is one of")
    assert all(f"\n    {name} " in said for name in DEMOS)
    assert main(["demo", "vae", "--help"]) == 0
    said = capsys.readouterr().out
    assert "usage: nnscratch demo vae " in said
    assert "\n    nnscratch demo vae --network conv " in said
    assert "python -m demos" not in said


@pytest.mark.usefixtures("here")
def test_what_is_wrong_is_a_sentence_and_an_exit_code(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["demo", "var"]) == 2
    assert "expected one of " in capsys.readouterr().err
    assert main(["demo", "vae", "--data", str(tmp_path), "--out", str(tmp_path)]) == 1
    found = capsys.readouterr()
    assert found.err.startswith("error: ")
    assert "This run again:  nnscratch demo vae --network dense " in found.out


def test_without_demos_the_command_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "__file__", str(tmp_path / "nnscratch" / "command" / "demo.py"))
    assert main(["demo"]) == 1
    assert "installed without its demos" in capsys.readouterr().err


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the sources."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", str(ROOT), "--no-deps", "-w", str(folder)]
    subprocess.run([*command, "--quiet", "--disable-pip-version-check"], check=True)
    [path] = folder.glob("nnscratch-*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the wheel is installed; what it depends on is that of this Python."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--target", str(folder)]
    subprocess.run([*command, "--quiet", "--disable-pip-version-check", str(wheel)], check=True)
    return folder


@pytest.mark.once
def test_a_wheel_holds_the_library_and_the_demos_and_nothing_else(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"nnscratch"}
    sources = (
        path.relative_to(ROOT).as_posix()
        for package in ("nnscratch", "demos")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )
    wanted = {f"nnscratch/bundled/{n}" if n.startswith("demos/") else n for n in sources}
    assert {name for name in names if not name.partition("/")[0].endswith(".dist-info")} == wanted
    print(f"{wheel.name}: {wheel.stat().st_size:,} bytes, {len(names)} files")
    assert wheel.stat().st_size < MOST


@pytest.mark.once
def test_demos_run_from_a_wheel_in_any_folder(installed: Path, tmp_path: Path) -> None:
    env = os.environ | {"PYTHONPATH": str(installed)}

    def run(*words: str) -> str:
        command = [sys.executable, installed / "bin" / "nnscratch", "demo", *words]
        found = subprocess.run(
            command, cwd=tmp_path, env=env, capture_output=True, text=True, check=True
        )
        assert found.stderr == ""
        return found.stdout

    code = "import nnscratch; print(nnscratch.__file__)"
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert found.stdout.strip() == str(installed / "nnscratch" / "__init__.py")
    listed = run()
    assert all(f"\n    {name} " in listed for name in DEMOS)
    for name, file in (("vae", "explorer.html"), ("music", "index.html")):  # digits, melodies
        assert f"This run again:  nnscratch demo {name} " in run(name, "--smoke")
        assert (tmp_path / "out" / name / file).exists()
