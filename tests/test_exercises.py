"""The exercises as a learner meets them: the command, its files, its messages."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from exercises import right

from nnscratch.exercises.catalogue import ALL, EXERCISES, find
from nnscratch.exercises.command import PROGRESS, main
from nnscratch.exercises.report import WIDTH, report
from nnscratch.exercises.worker import Verdict, grade, run

DENSE = EXERCISES[0]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder into which the exercises have been put; the current one is above it."""
    monkeypatch.chdir(tmp_path)
    assert main(["start", "study"]) == 0
    return tmp_path / "study"


def answered(tmp_path: Path, source: str, seconds: float = 20.0) -> tuple[Verdict, str]:
    """Grade a source as dense in a process of its own; return the verdict and the report."""
    path = tmp_path / DENSE.file
    path.write_text(source, "utf-8")
    verdict = run(DENSE.name, path, seed=0, seconds=seconds)
    return verdict, report(DENSE, verdict)


# Files


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_a_blank_file_is_not_written_yet(exercise, tmp_path: Path) -> None:
    findings = grade(exercise.name, exercise.text, exercise.file, seed=0)
    assert findings
    assert not any(finding.ok for finding in findings)
    assert all("not written yet" in finding.found for finding in findings)
    assert Verdict(findings).blank


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.name)
def test_a_file_states_its_exercise(exercise) -> None:
    head = f"Lesson, task {exercise.name[-1]}" if exercise.free else f"Exercise {exercise.number}"
    assert exercise.text.startswith(f'"""{head}. ')
    assert f"exercises check {exercise.name}\n" in exercise.text
    functions = len(re.findall(r"^def (?!train)", exercise.text, re.MULTILINE))
    assert exercise.text.count("raise NotImplementedError") == functions
    assert len(exercise.hints) == 3
    pages = [exercise.text, *exercise.hints]
    assert max(len(line) for page in pages for line in page.splitlines()) <= 80


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_an_answer_has_the_functions_of_its_file(exercise) -> None:
    def signatures(source: str) -> list[str]:
        return re.findall(r"^def [a-z]\w*\(.*\)", source, re.MULTILINE)

    assert set(signatures(exercise.text)) <= set(signatures(right(exercise.name)))


# What can go wrong in a process


def test_the_right_answer_passes(tmp_path: Path) -> None:
    verdict, text = answered(tmp_path, right("dense"))
    assert verdict.ok
    assert "passed" in text
    assert "WRONG" not in text


def test_a_syntax_error_is_shown_with_its_line(tmp_path: Path) -> None:
    verdict, text = answered(tmp_path, "import numpy as np\n\ndef forward(x, w, b)\n    return 1\n")
    assert not verdict.ok
    assert "line 3: def forward(x, w, b)" in text
    assert "SyntaxError: expected ':'" in text


def test_a_crash_is_shown_with_its_line(tmp_path: Path) -> None:
    verdict, text = answered(tmp_path, right("dense").replace("dx = w.T", "dx = undefined.T"))
    assert not verdict.ok
    assert "dx = undefined.T @ dy" in text
    assert "NameError: name 'undefined' is not defined" in text


def test_a_file_that_crashes_as_it_is_read(tmp_path: Path) -> None:
    _, text = answered(tmp_path, "1 / 0\n")
    assert "the file runs" in text
    assert "line 1: 1 / 0" in text
    assert "ZeroDivisionError" in text


def test_a_missing_function_is_named(tmp_path: Path) -> None:
    _, text = answered(tmp_path, right("dense").replace("def forward", "def forwards"))
    assert "there is no function `forward`" in text


@pytest.mark.parametrize("loop", ["while True:\n        pass", "while True:\n        x = x + 0"])
def test_an_endless_loop_is_stopped_and_its_line_shown(tmp_path: Path, loop: str) -> None:
    source = right("dense").replace(
        "    dx = ", f"    {loop.replace('print(x)', 'x = x + 0')}\n    dx = "
    )
    verdict, text = answered(tmp_path, source, seconds=1.0)
    assert not verdict.ok
    assert "still running after 1 s" in text
    assert "a loop that does not end?" in text
    assert re.search(r"line \d+: (while True:|pass|x = x \+ 0)", text)


def test_a_loop_that_swallows_everything_is_stopped_from_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = "    while True:\n        try:\n            w + 0\n        except:\n            pass\n"
    verdict, text = answered(tmp_path, loop.join(["def forward(x, w, b):\n", ""]), seconds=0.5)
    assert not verdict.ok
    assert "still running after 0.5 s" in text


def test_an_endless_print_fills_no_disk(tmp_path: Path) -> None:
    source = "def forward(x, w, b):\n    while True:\n        print('again')\n"
    verdict, text = answered(tmp_path, source, seconds=2.0)
    assert not verdict.ok
    assert "lines more" in text
    assert len(text) < 10_000


@pytest.mark.parametrize(
    "way", ["exit()", "quit(3)", "raise SystemExit", "raise KeyboardInterrupt"]
)
def test_an_answer_that_leaves_fails(tmp_path: Path, way: str) -> None:
    verdict, _ = answered(tmp_path, f"def forward(x, w, b):\n    {way}\n")
    assert not verdict.ok


def test_endless_recursion_is_a_crash(tmp_path: Path) -> None:
    _, text = answered(tmp_path, "def forward(x, w, b):\n    return forward(x, w, b)\n")
    assert "RecursionError" in text


def test_all_memory_is_a_crash(tmp_path: Path) -> None:
    _, text = answered(
        tmp_path, "import numpy as np\ndef forward(x, w, b):\n    return np.zeros(10**12)\n"
    )
    assert "MemoryError" in text


def test_what_an_answer_prints_is_shown(tmp_path: Path) -> None:
    _, text = answered(tmp_path, f"print('here: ∂L')\n{right('dense')}")
    assert "Your file printed:\n    here: ∂L" in text


def test_other_results_than_arrays_are_named(tmp_path: Path) -> None:
    for result, words in {
        "None": "returns None",
        "'y'": "returns for y str; expected real numbers",
        "x, w": "returns 2 values; expected y",
        "1j * (w @ x)": "returns for y ndarray; expected real numbers",
        "[[1], [2, 3]]": "returns for y list; expected real numbers",
    }.items():
        source = right("dense").replace("w @ x + b[:, None]", result)
        found = grade("dense", source, "dense.py", seed=0)[0]
        assert words in found.found, result


# Importing the answer


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("import nnscratch", "`nnscratch` is not allowed: it has the answer"),
        ("import nnscratch.losses as l", "`nnscratch.losses` is not allowed"),
        ("from nnscratch import Dense", "`nnscratch` is not allowed"),
        ("import torch.nn.functional as F", "`torch.nn.functional` is not allowed"),
        ("from scipy.special import expit", "`scipy.special` is not allowed"),
        ("import importlib", "`importlib` is not allowed here"),
        ("import sys", "`sys` is not allowed here"),
        ("from . import losses", "relative imports"),
        ("n = __import__('nnscratch')", "`__import__` is not allowed"),
        ("exec('import nnscratch')", "`exec` is not allowed"),
        ("m = np.sys.modules", "is not allowed"),
    ],
)
def test_an_import_of_the_answer_is_refused_before_anything_runs(line: str, words: str) -> None:
    source = f"import numpy as np\nraise ZeroDivisionError\n\n\ndef forward(x, w, b):\n    {line}\n"
    [finding] = grade("dense", source, "dense.py", seed=0)
    assert not finding.ok
    assert words in finding.found
    assert "line 6" in finding.found


def test_an_import_of_the_answer_is_refused_at_run_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the reading of a source cannot see: here, nothing is read."""
    monkeypatch.setattr("nnscratch.exercises.worker.check_source", lambda tree: None)
    for line in (
        "import nnscratch",
        "from nnscratch.losses import gaussian_kl",
        "import sys; sys.modules['nnscratch.losses']",
        "__import__('torch')",
        "exec('import nnscratch')",
        "eval('1')",
        "compile('1', '', 'eval')",
        "open('/etc/passwd')",
        "import importlib",
    ):
        source = right("dense").replace("    dx = ", f"    {line}\n    dx = ")
        failed = [f for f in grade("dense", source, "dense.py", seed=0) if not f.ok]
        assert failed, line
        assert "not allowed" in failed[0].found, line


def test_modules_that_have_the_answer_are_out_of_reach_while_an_answer_runs() -> None:
    from nnscratch.exercises.guard import NotAllowed, hidden

    before = {name for name in sys.modules if name.startswith("nnscratch")}
    with hidden():
        assert not any(name.startswith("nnscratch") for name in sys.modules)
        with pytest.raises(NotAllowed, match="nnscratch"):
            __import__("nnscratch.losses")
    assert {name for name in sys.modules if name.startswith("nnscratch")} == before


# The command


def test_from_the_start_to_a_pass(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["start", "study"]) == 0
    assert "check dense" in capsys.readouterr().out
    assert main(["status"]) == 0
    assert f"0 of {len(ALL)}" in capsys.readouterr().out
    assert main(["check", "dense"]) == 1
    assert "01 dense: not written yet" in capsys.readouterr().out
    assert main(["hint", "dense"]) == 0
    assert "hint 1 of 3" in capsys.readouterr().out
    (folder / DENSE.file).write_text(right("dense").replace("dy @ x.T", "x @ dy.T"))
    assert main(["check", "1"]) == 1
    assert "it is transposed" in capsys.readouterr().out
    (folder / DENSE.file).write_text(right("dense"))
    assert main(["check", f"study/{DENSE.file}"]) == 0
    out = capsys.readouterr().out
    assert "01 dense: passed" in out
    assert f"Next: {EXERCISES[1].file}" in out
    assert main(["status"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"01 dense +right", out)
    assert f"1 of {len(ALL)}" in out
    (folder / DENSE.file).write_text(right("dense") + "\n")
    main(["status"])
    assert "right, changed since" in capsys.readouterr().out


def test_check_without_a_name_grades_what_has_been_begun(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check"]) == 1
    assert "Nothing has been begun" in capsys.readouterr().out
    (folder / DENSE.file).write_text(right("dense"))
    assert main(["check"]) == 0
    out = capsys.readouterr().out
    assert "01 dense: passed" in out
    assert not any(line.strip().startswith("02 ") for line in out.splitlines())


def test_start_keeps_what_is_there(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / DENSE.file).write_text("mine")
    (folder / EXERCISES[1].file).unlink()
    capsys.readouterr()
    assert main(["start", "study"]) == 0
    assert f"1 files written to study, {len(ALL) - 1} kept" in capsys.readouterr().out
    assert (folder / DENSE.file).read_text() == "mine"


def test_a_seed_repeats_a_check(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / DENSE.file).write_text(right("dense").replace("dy @ x.T", "3 * dy @ x.T"))
    capsys.readouterr()
    reports = []
    for _ in range(2):
        main(["check", "dense", "--seed", "7"])
        reports.append(capsys.readouterr().out)
    assert reports[0] == reports[1]
    assert "--seed 7" in reports[0]
    main(["check", "dense"])
    assert capsys.readouterr().out != reports[0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["check", "nothing"], "expected a number or one of dense, "),
        (["hint", "99"], "got '99'"),
        (["check", "dense", "--dir", "nowhere"], "no exercises in nowhere"),
        (["check", "dense", "--seconds", "-1"], "expected a positive number, got -1"),
        (["start", "study/01_dense.py"], "is a file"),
    ],
)
def test_a_wrong_word_is_refused(
    folder: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert message in capsys.readouterr().err


def test_without_a_folder_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["check", "dense"]) == 2
    assert "start DIR" in capsys.readouterr().err
    main(["start", "one"])
    main(["start", "two"])
    assert main(["status"]) == 2
    assert "several folders" in capsys.readouterr().err
    assert main(["status", "--dir", "two"]) == 0
    monkeypatch.chdir(tmp_path / "one")
    assert main(["status"]) == 0


def test_a_broken_progress_file_is_begun_anew(folder: Path) -> None:
    for text in ("{", "[]", '{"dense": 3}'):
        (folder / PROGRESS).write_text(text)
        (folder / DENSE.file).write_text(right("dense"))
        assert main(["check", "dense"]) == 0
        assert json.loads((folder / PROGRESS).read_text())["dense"]["right"] is True


def test_every_exercise_is_found_by_name_number_and_file() -> None:
    for exercise in ALL:
        words = (exercise.name, str(exercise.number), f"{exercise.number:02}", exercise.file)
        assert {find(word) for word in words} == {exercise}


def test_the_module_runs_as_a_command_without_colours_in_eighty_columns(folder: Path) -> None:
    (folder / DENSE.file).write_text(right("dense").replace("w.T @ dy", "w @ dy * np.ones(9)"))
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    for words in ([], ["list"], ["check", "dense"], ["hint", "dense"], ["status"]):
        command = [sys.executable, "-m", "nnscratch.exercises", *words]
        done = subprocess.run(command, capture_output=True, text=True, env=env)
        assert done.returncode == (1 if words[:1] == ["check"] else 0), done.stderr
        assert "\x1b" not in done.stdout
        lines = [line for line in done.stdout.splitlines() if str(folder) not in line]
        assert max(map(len, lines)) <= WIDTH
