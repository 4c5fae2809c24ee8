"""The pages of the documentation, and how their snippets are run."""

import doctest
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "nnscratch/kernels/README.md"]
PAGES += sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/*.md"))

FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text_of(page: str) -> str:
    """Return a page."""
    return (ROOT / page).read_text("utf-8")


def pieces(page: str) -> Iterator[tuple[str, int, bool]]:
    """Yield all of a page as text, the line on which it begins, and whether it is a python block.

    A block that has prompts is not told from text: its output is there to be compared.
    """
    text, start = text_of(page), 0
    for fence in FENCE.finditer(text):
        if ">>>" not in fence[1]:
            yield text[start : fence.start()], text.count("\n", 0, start), False
            yield fence[1], text.count("\n", 0, fence.start(1)), True
            start = fence.end()
    yield text[start:], text.count("\n", 0, start), False


def run(page: str, names: dict[str, Any], changes: dict[str, str]) -> int:
    """Run the snippets of a page in order, in one namespace; return how many there are.

    changes  what is replaced in python blocks, where a page trains for longer than a test should
    """
    count, left = 0, set(changes)
    runner = doctest.DocTestRunner()
    for text, line, is_block in pieces(page):
        if is_block:
            for old in changes:
                left -= {old} if old in text else set()
                text = text.replace(old, changes[old])
            exec(compile("\n" * line + text, str(ROOT / page), "exec"), names)
            count += 1
            continue
        test = doctest.DocTestParser().get_doctest(text, names, page, str(ROOT / page), line)
        result = runner.run(test, clear_globs=False)
        names.update(test.globs)
        assert result.failed == 0, f"{page}: what it prints is something else, see above"
        count += result.attempted
    assert not left, f"{page} has no {left}"
    return count
