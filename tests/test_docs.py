"""Every number in the documentation is computed by the lines beside it."""

import doctest
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"


@pytest.mark.parametrize("page", ["elbo", "normalisation"])
def test_the_page_says_what_the_code_does(page: str) -> None:
    result = doctest.testfile(str(DOCS / f"{page}.md"), module_relative=False)
    assert result.attempted > 0
    assert result.failed == 0
