"""Every number in the documentation is computed by the lines beside it."""

import doctest
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


PAGES = [
    "README.md",
    *sorted(f"docs/{p.name}" for p in ROOT.glob("docs/*.md") if ">>>" in p.read_text()),
]


@pytest.mark.parametrize("page", PAGES)
def test_the_page_says_what_the_code_does(page: str) -> None:
    result = doctest.testfile(str(ROOT / page), module_relative=False)
    assert result.attempted > 0
    assert result.failed == 0
