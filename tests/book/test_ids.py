"""Every equation of the book has a test, every test its equation, every number a rerun."""

import re
from importlib import import_module
from pathlib import Path

import pytest

import nnscratch as nn
from book import ids

HERE = Path(__file__).parent
for path in sorted(HERE.glob("test_*.py")):
    if path.stem not in ("test_ids", "test_site"):
        import_module(f"book.{path.stem}")

CHAPTERS = ids.chapters()
NAV = (ids.ROOT / "mkdocs.yml").read_text("utf-8")


def differences(on_pages: set[tuple[str, str]], in_tests: set[tuple[str, str]]) -> list[str]:
    """Return what only one side has."""
    alone = [f"docs/{c}.md: {name} has no test" for c, name in sorted(on_pages - in_tests)]
    return alone + [f"tests of {c}: {name} is not there" for c, name in sorted(in_tests - on_pages)]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_format(chapter: str) -> None:
    assert ids.faults(ids.text_of(chapter)) == []


def test_each_equation_has_a_test_and_each_test_an_equation() -> None:
    told = {(c, name) for c in CHAPTERS for name in ids.equations(ids.text_of(c))}
    assert differences(told, set(ids.EQUATIONS)) == []


def test_each_number_has_a_rerun_and_each_rerun_a_number() -> None:
    told = {(c, name) for c in CHAPTERS for name, _ in ids.numbers(ids.text_of(c))}
    assert differences(told, set(ids.NUMBERS)) == []


@pytest.mark.parametrize(
    ("chapter", "name", "text"),
    [
        pytest.param(c, name, text, marks=[pytest.mark.once] * ((c, name) in ids.LONG))
        for c in CHAPTERS
        for name, text in ids.numbers(ids.text_of(c))
    ],
)
def test_a_number_is_what_a_rerun_returns(chapter: str, name: str, text: str) -> None:
    found = ids.NUMBERS[chapter, name]()
    assert found == text or ((chapter, name) in ids.LONG and ids.agree(text, found))


@pytest.mark.parametrize(
    ("told", "found", "alike"),
    [
        ("0.996 ± 0.003", "0.996 ± 0.002", True),  # on an AMD EPYC and on an Intel Xeon
        ("0.84 ± 0.03", "0.87 ± 0.02", True),
        ("0.84 ± 0.03", "0.88 ± 0.03", False),
        ("0.84 ± 0.03", "0.84 ± 0.07", False),
        ("0.84 ± 0.03", "0.84 ± 0.01", False),
        ("-1.30 ± 0.03", "1.30 ± 0.03", False),
        ("0.0 ± 0.0", "0.1 ± 0.0", False),
        ("0.997", "0.997", True),
        ("0.997", "0.996", False),
        ("64 %", "65 %", False),
        ("0.84", "0.84 ± 0.03", False),
    ],
)
def test_a_mean_agrees_within_its_spread(told: str, found: str, alike: bool) -> None:
    assert ids.agree(told, found) == alike


# The checks themselves, on texts with a planted fault

GOOD = """# A chapter

Let $y = w x$, so that

<!-- equation: dx -->
$$
dx = w^\\top dy .
$$

It took <!-- number: steps -->12<!-- end --> steps, or `$5`.

<!-- step -->
$$
0 = 0
$$

    >>> "indented $ code"

```python
$$
```
"""


def test_a_good_text_has_no_fault() -> None:
    assert ids.faults(GOOD) == []
    assert ids.equations(GOOD) == ["dx"]
    assert ids.numbers(GOOD) == [("steps", "12")]


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("<!-- step -->\n", "", "line 12: no id and no step"),
        ("<!-- step -->\n", "<!-- step -->\n\n", "line 13: no equation after <!-- step -->"),
        ("<!-- equation: dx -->\n", "<!-- dx -->\n", "line 6: no id"),
        ("<!-- equation: dx -->\n", "<!-- dx -->\n", "what is this comment: dx"),
        ("<!-- step -->", "<!-- equation: dx -->", "dx: the id of two equations"),
        ("$$\ndx", "$$ dx", "$$ is not on a line of its own"),
        ("0 = 0\n$$", "0 = 0", "the last equation has no end"),
        ("w x$", "w x", "line 3: a formula has no end on its line"),
        ("w x$", "w\\, x$", "line 3: GitHub takes the backslash of \\,"),
        ("<!-- end -->", "", "number: steps: a number stands between"),
        ("<!-- number: steps -->", "", "end: a number stands between"),
    ],
)
def test_a_fault_is_found(right: str, wrong: str, said: str) -> None:
    assert right in GOOD
    assert any(said in fault for fault in ids.faults(GOOD.replace(right, wrong)))


def test_what_one_side_alone_has_is_told() -> None:
    found = differences({("dense", "dx"), ("dense", "dw")}, {("dense", "dx"), ("dense", "db")})
    assert found == ["docs/dense.md: dw has no test", "tests of dense: db is not there"]


def test_two_tests_of_one_id_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids, "EQUATIONS", {})

    def test_it() -> None: ...

    ids.equation("x")(test_it)
    assert list(ids.EQUATIONS) == [("ids", "x")]
    with pytest.raises(ValueError, match="x: test_it has this id already"):
        ids.equation("x")(test_it)


def test_an_equation_whose_function_pytest_would_not_run_is_refused() -> None:
    def check_it() -> None: ...

    with pytest.raises(ValueError, match="pytest does not run check_it"):
        ids.equation("x")(check_it)


def test_a_number_that_has_changed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ids.NUMBERS, ("dense", "steps"), lambda: "12")
    test_a_number_is_what_a_rerun_returns("dense", "steps", "12")
    with pytest.raises(AssertionError):
        test_a_number_is_what_a_rerun_returns("dense", "steps", "13")


def test_every_page_and_every_package_is_in_the_sites_nav() -> None:
    nav = set(re.findall(r"- (?:[\w ]+: )?([\w/]+\.md)$", NAV, re.MULTILINE))
    pages = {path.name for path in (ids.ROOT / "docs").glob("*.md")}
    assert pages | {f"reference/{package}.md" for package in nn.PACKAGES} <= nav


def test_each_chapter_is_a_page_and_each_file_of_tests_a_chapter() -> None:
    assert len(set(CHAPTERS)) == len(CHAPTERS)
    assert [c for c in CHAPTERS if not (ids.ROOT / "docs" / f"{c}.md").exists()] == []
    tested = {path.stem.removeprefix("test_") for path in HERE.glob("test_*.py")}
    assert tested - {"ids", "site"} <= set(CHAPTERS)
