"""The site builds without a network, and a browser finds nothing wrong with any of its pages."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from inspect import ismodule
from pathlib import Path
from typing import Any

import pytest

from book import site_checks
from book.ids import ROOT

pytest.importorskip("mkdocs", reason="needs the extra `docs`")
pytest.importorskip("quickjax", reason="needs the extra `docs`")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [pytest.mark.once, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built in a minute at the most, by a process that finds no proxy and no server."""
    folder = tmp_path_factory.mktemp("site")
    nowhere = {f"{kind}_proxy": "http://127.0.0.1:9" for kind in ("http", "https", "all")}
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(folder)]
    start = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | nowhere | {"PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr
    assert time.perf_counter() - start <= 60
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs the extra `docs`")
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt install chromium")
    with playwright.sync_playwright() as p:
        yield p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


@pytest.mark.parametrize("width", site_checks.WIDTHS.values(), ids=site_checks.WIDTHS)
def test_a_browser_finds_nothing_wrong(site: Path, browser: Any, width: int) -> None:
    links, faults = set(), {}
    pages = sorted(path for path in site.rglob("*.html") if path.name != "404.html")
    for page in pages:
        name = str(page.relative_to(site))
        faults[name], seen = site_checks.look(browser, page, width)
        links |= set(seen["links"])
        source = ROOT / "docs" / f"{page.stem}.md"
        if page.parent == site and source.exists():
            equations = re.findall(r"^\$\$$", source.read_text("utf-8"), re.MULTILINE)
            assert seen["formulas"] == len(equations) // 2, name
    assert len(pages) >= 40
    assert {name: found for name, found in faults.items() if found} == {}
    assert site_checks.broken(list(links)) == []


def test_the_search_finds_a_word(site: Path, browser: Any) -> None:
    tab = browser.new_page()
    tab.goto((site / "index.html").as_uri())
    tab.fill("input[name=query]", "normalisation")
    tab.wait_for_selector(".md-search-result__link", timeout=20_000)
    assert "normalisation" in tab.inner_text(".md-search-result__list").lower()


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    nn = import_module("nnscratch")
    names = {
        f"nnscratch.{home}.{n}"
        for home, all_ in nn.PUBLIC.items()
        for n in all_.split()
        if not ismodule(getattr(nn, n))
    }
    for package in [*nn.PACKAGES, "data.midi"]:
        module = import_module(f"nnscratch.{package}")
        public = getattr(module, "__all__", ())
        names |= {f"{module.__name__}.{n}" for n in public if not ismodule(getattr(module, n))}
    names |= {"nnscratch.data.wav.write", "nnscratch.evaluation.attributes.note_density"}
    told = "".join(path.read_text("utf-8") for path in site.glob("reference/*.html"))
    ids = set(re.findall(r'id="(nnscratch\.[\w.]+)"', told))
    assert names - ids == set()
    assert {"nnscratch.layers.Dense", "nnscratch.kernels.paths.plain"} <= names


# The checks themselves, on pages with a planted fault

FAULTS = {
    '<img src="nowhere.png">': "no image",
    "<script>null.x</script>": "script:",
    "<script>console.error('oh')</script>": "console: oh",
    '<img src="http://127.0.0.1:9/a.png">': "outside: http://127.0.0.1:9/a.png",
    "<p>so $x = 1$ holds</p>": "not rendered: $x = 1$",
    "<p>so \\frac12</p>": "not rendered: \\frac",
    '<div style="width: 2000px">wide</div>': "wide on a screen of 390",
}


@pytest.mark.parametrize(("html", "said"), FAULTS.items(), ids=FAULTS.values())
def test_a_fault_is_found(browser: Any, tmp_path: Path, html: str, said: str) -> None:
    page = tmp_path / "page.html"
    page.write_text("<!doctype html><body><p>costs <code>$5$</code></p></body>", "utf-8")
    assert site_checks.look(browser, page, 390)[0] == []
    page.write_text(f"<!doctype html><body>{html}</body>", "utf-8")
    assert any(said in fault for fault in site_checks.look(browser, page, 390)[0])


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text('<h2 id="here">', "utf-8")
    good = [page.as_uri(), f"{page.as_uri()}#here", "https://elsewhere.org"]
    bad = [f"{page.as_uri()}#there", (tmp_path / "nowhere.html").as_uri()]
    assert site_checks.broken(good + bad) == sorted(bad)


@pytest.mark.parametrize(
    "tex", [r"\nosuch x", r"\frac{a}{b", r"a_b_c", r"\begin{foo}x\end{foo}", "a & b"]
)
def test_a_formula_that_cannot_be_set_stops_the_build(
    tex: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "site"))
    formulas = import_module("formulas").Formulas("docs/page.md")
    assert formulas.put(formulas.cut("so $x_1$ is, `$y$` is not")).count("<svg") == 1
    assert formulas.put(formulas.cut("so\n\n    $y$\n\nis not, $x_1$ is")).count("<svg") == 1
    with pytest.raises(ValueError, match=r"docs/page\.md"):
        formulas.cut(f"<!-- step -->\n$$\n{tex}\n$$\n")
