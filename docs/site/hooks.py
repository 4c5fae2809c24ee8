"""What mkdocs does besides building docs/: formulas, the reference, and pages of source.

The pages of docs/ are written for GitHub, so they link to files of the repository. Here such a file
is a page of the site: README.md is the first page, a source file a page that shows it.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

from formulas import Formulas
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from reference import pages

ROOT = Path(__file__).parents[2]
OUTSIDE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "nnscratch/kernels/README.md": "kernels.md",
}
"""The pages of the repository that are not in docs/, and their places in the site."""

LINK = re.compile(r"(?<=\]\()(?!https?:|#|mailto:)([^)#\s]+)(?=[)#])")
PROMPT = re.compile(r"^    >>> .*\n(?:(?:    .*|[ ]*)\n)*?(?=^\S|\Z)", re.MULTILINE)
_formulas: dict[str, Formulas] = {}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not in docs/, and one for every source file that is linked to."""
    texts = {path: (ROOT / path).read_text("utf-8") for path in OUTSIDE}
    for path, place in OUTSIDE.items():
        files.append(File.generated(config, place, content=texts[path]))
    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    for page in ROOT.glob("docs/*.md"):
        texts[f"docs/{page.name}"] = page.read_text("utf-8")
    linked = {_target(page, link) for page, text in texts.items() for link in LINK.findall(text)}
    for path in sorted(linked):
        if not path.startswith("docs/") and path not in OUTSIDE and (ROOT / path).is_file():
            files.append(File.generated(config, _place(path), content=_source(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links to the repository into links within the site, and take out the formulas."""
    place = page.file.src_uri
    if place.startswith(("source/", "reference/")):
        return markdown
    path = next((p for p, to in OUTSIDE.items() if to == place), f"docs/{place}")

    def moved(link: re.Match[str]) -> str:
        return posixpath.relpath(_place(_target(path, link[1])), posixpath.dirname(place) or ".")

    markdown = PROMPT.sub(_fenced, LINK.sub(moved, markdown))
    _formulas[place] = Formulas(path)
    return _formulas[place].cut(markdown)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put the formulas back, also into the table of contents."""
    formulas = _formulas.get(page.file.src_uri)
    if formulas is None:
        return html
    entries = list(page.toc)
    for entry in entries:
        entry.title = formulas.put(entry.title)
        entries += entry.children
    return formulas.put(html)


def _target(page: str, link: str) -> str:
    """Return the path in the repository that a link on a page leads to."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), link))


def _place(path: str) -> str:
    """Return where a file of the repository is in the site."""
    if path in OUTSIDE:
        return OUTSIDE[path]
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return f"source/{path.removeprefix('.')}.md"  # mkdocs leaves out what begins with a dot


def _source(path: str) -> str:
    """Return the page of a source file; it is left out of the search."""
    text = (ROOT / path).read_text("utf-8")
    language = {".py": "python", ".js": "javascript", ".css": "css"}.get(Path(path).suffix, "text")
    head = f"---\ntitle: {path}\nsearch:\n  exclude: true\n---\n# {path}\n\n"
    return f'{head}````{language} linenums="1"\n{text}\n````\n'


def _fenced(match: re.Match[str]) -> Any:
    """Return a console's lines as a block that is coloured."""
    lines = [line[4:] for line in match[0].rstrip().split("\n")]
    return "```pycon\n" + "\n".join(lines) + "\n```\n\n"
