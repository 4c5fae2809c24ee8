"""LaTeX becomes SVG while the site is built, so that a reader's browser needs no script, no font.

A page's formulas are cut out of the Markdown and put back into the HTML, for Markdown would take
an underscore in a formula for emphasis.
"""

import re
from functools import cache
from html import escape

from quickjax import MathJaxRenderer

DISPLAYED = re.compile(
    r"^(?:<!-- (?:equation: (?P<id>[\w-]+)|step) -->\n)?\$\$\n(?P<tex>.*?)\n\$\$$", re.M | re.S
)
INLINE = re.compile(r"(?<![\\$\w])\$(?![\s$])([^$\n]+?)(?<!\s)\$(?!\w)([.,;:)]*)")
COMMENT = re.compile(r"<!--.*?-->", re.S)
CODE = re.compile(
    r"^```.*?^```[ ]*$|^~~~.*?^~~~[ ]*$|(?:^ {4}[^\n]*\n|^[ ]*\n(?=^ {4}))+|`[^`\n]+`", re.M | re.S
)


class Formulas:
    """The formulas of one page: `cut` takes them out of its Markdown, `put` into its HTML."""

    def __init__(self, page: str) -> None:
        self.page, self.html = page, list[str]()

    def cut(self, markdown: str) -> str:
        """Return the Markdown with a mark in the place of each formula; code stays as it is."""
        code: list[str] = []

        def hide(match: re.Match[str]) -> str:
            code.append(match[0])
            return f"\x02{len(code) - 1}\x03"

        markdown = CODE.sub(hide, markdown)
        markdown = DISPLAYED.sub(self._displayed, markdown)
        markdown = COMMENT.sub("", markdown)
        markdown = INLINE.sub(self._inline, markdown)
        return re.sub("\x02(\\d+)\x03", lambda m: code[int(m[1])], markdown)

    def put(self, html: str) -> str:
        """Return the HTML with each formula in its place."""
        html = re.sub(r"<p>(FORMULA\d+E)</p>", r"\1", html)
        return re.sub(r"FORMULA(\d+)E", lambda m: self.html[int(m[1])], html)

    def _displayed(self, match: re.Match[str]) -> str:
        name = f' id="equation-{match["id"]}"' if match["id"] else ""
        svg = self._svg(match["tex"], display=True)
        mark = self._mark(f'<div class="formula"{name}>{svg}</div>')
        return f"\n\n{mark}\n\n"

    def _inline(self, match: re.Match[str]) -> str:
        """Return the mark of a formula and the punctuation behind it, which stay on one line."""
        return self._mark(f'<span class="in-text">{self._svg(match[1], False)}{match[2]}</span>')

    def _mark(self, html: str) -> str:
        self.html.append(html)
        return f"FORMULA{len(self.html) - 1}E"

    def _svg(self, tex: str, display: bool) -> str:
        """Return a picture of the formula; ValueError if MathJax does not understand all of it."""
        svg = _renderer().render(tex, display=display)
        if "merror" in svg or 'fill="red"' in svg or "<text" in svg:
            reason = re.search(r"<title>(.*?)</title>", svg)
            raise ValueError(f"{self.page}: {reason[1] if reason else 'unknown'} in {tex}")
        svg = re.sub(r' data-(?!mml-node)[\w-]+="[^"]*"| focusable="false"', "", svg)
        return svg.replace('role="img"', f'role="img" aria-label="{escape(tex, quote=True)}"', 1)


@cache
def _renderer() -> MathJaxRenderer:
    return MathJaxRenderer()
