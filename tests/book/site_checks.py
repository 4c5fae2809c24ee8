"""What a browser finds wrong with a page of the site, and what its links lead to."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urlparse

WIDTHS = {"phone": 390, "desk": 1280}

LOOK = """() => ({
    images: [...document.images].filter(i => !i.naturalWidth).map(i => i.src),
    links: [...document.querySelectorAll('a[href]')].map(a => a.href),
    width: document.scrollingElement.scrollWidth,
    formulas: document.querySelectorAll('.formula > svg').length,
    text: [...document.querySelectorAll('p, li, td, th, h1, h2, h3')].map(e => {
        const copy = e.cloneNode(true)
        copy.querySelectorAll('code, pre').forEach(c => c.remove())
        return copy.textContent
    }).join('\\n'),
})"""

UNRENDERED = re.compile(r"\$[^\s$][^$\n]*\$|\$\$|\\(?:frac|sum|begin|mathrm)|FORMULA\d+E")


def look(browser: Any, page: Path, width: int) -> tuple[list[str], dict[str, Any]]:
    """Open a page; return its faults, and what it holds."""
    tab = browser.new_page(viewport={"width": width, "height": 900})
    faults: list[str] = []
    tab.on("console", lambda m: faults.append(f"console: {m.text}") if m.type == "error" else None)
    tab.on("pageerror", lambda error: faults.append(f"script: {error}"))
    tab.on("request", lambda request: faults.extend(outside(request.url)))
    tab.on("requestfailed", lambda request: faults.append(f"not loaded: {request.url}"))
    try:
        tab.goto(page.as_uri())
        seen = tab.evaluate(LOOK)
    finally:
        tab.close()
    faults += [f"no image: {source}" for source in seen["images"]]
    faults += [f"not rendered: {text}" for text in UNRENDERED.findall(seen["text"])]
    if seen["width"] > width:
        faults.append(f"{seen['width']} wide on a screen of {width}")
    return faults, seen


def outside(url: str) -> list[str]:
    """Return a fault if this address is not of the site."""
    return [] if url.startswith(("file:", "data:", "blob:", "about:")) else [f"outside: {url}"]


def broken(links: list[str]) -> list[str]:
    """Return the links to files that are not there, or to places that a page does not have."""
    found = []
    for link in sorted({link for link in links if link.startswith("file:")}):
        address, place = urldefrag(link)
        path = Path(unquote(urlparse(address).path))
        if not path.is_file() or (place and f'id="{unquote(place)}"' not in path.read_text()):
            found.append(link)
    return found
