"""Every number in the documentation is computed by the lines beside it."""

import doctest
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("page", ["docs/elbo.md", "docs/normalisation.md", "README.md"])
def test_the_page_says_what_the_code_does(page: str) -> None:
    result = doctest.testfile(str(ROOT / page), module_relative=False)
    assert result.attempted > 0
    assert result.failed == 0
