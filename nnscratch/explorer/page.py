"""The explorer as one HTML file: everything it needs is in it, and it may fetch nothing."""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from ..core import Array
from ..data.dataset import Dataset, Images
from ..files import write_whole
from ..models.vae import VAE
from ..plots.page import CLASSES
from .form import WHO, as_numbers
from .network import entries
from .packing import Block, rounded_model
from .subject import Model, Subject, subject
from .words import about, caption, heading, notes, words

LIMIT = 1_500_000
"""Bytes that a page may have."""

MOST, ROOM = 400, 500_000
"""So many samples are shown, if nothing is said, or as many as take so many bytes of the page."""

HALF_BITS = range(16, 33)
"""Halves of a bit of a weight, where float32 makes the page too large: 8 to 16 bits."""

HERE = Path(__file__).parent
MODULES = (
    "functions", "network", "data", "drawing", "chart", "plane", "state", "view", "controls",
)  # fmt: skip
"""The page's script, each file after those that it imports."""


def write(
    path: str | Path,
    model: Model,
    data: Images | Dataset,
    *,
    count: int | None = None,
    columns: Sequence[str] = (),
    title: str | None = None,
) -> Path:
    """Write a page on which one explores a trained autoencoder, and return its path.

    It opens as a file, runs without a network, and holds the model and the first `count` samples of
    `data`, at most 1.5 MB in all. Where float32 weights would be too many, they are rounded to
    integers of as many bits as fit, 8 at the least, and the page says what that changes.

    model    an Autoencoder, VAE or ConditionalVAE of the library's layers
    data     images (N, H, W) or (N, C, H, W), or flat ones of a square, in bytes or in [0, 1];
             sequences (N, T, D) or (N, T), shown as curves; rows of a table (N, D), shown as bars;
             a Dataset tells their classes, which a conditional model needs
    count    None: 400 samples, or fewer if they take more than a third of the page, or more than
             the weights leave
    columns  the names of the numbers in a row, or in a step of a sequence; with them a vector is
             taken for a row, without them for a picture if it may be one
    title    of the page; None: the length of a code

    Raises
        ValueError, before anything is written, if the page cannot run such a model or show such
        samples: it names the layer, likelihood or shape; or if there are too many weights.
        OSError if the file cannot be written.
    """
    return write_whole(path, made(model, data, count, columns, title).html, "explorer")


@dataclass(frozen=True)
class Page:
    """A page, and how many samples it holds."""

    html: bytes
    count: int


def made(
    model: Model,
    data: Images | Dataset,
    count: int | None = None,
    columns: Sequence[str] = (),
    title: str | None = None,
) -> Page:
    """Return the page that `write` writes; ValueError as there."""
    found = subject(model, data, MOST if count is None else count, columns)
    title = heading(found) if title is None else title
    if count is None:
        found = _few(found, ROOM)
    html = None
    if 3 * _size(found) < LIMIT:  # no float32 is compressed to less than its significant digits
        html = _page(found, None, title)
    if html is None or len(html) > LIMIT:
        found, least = _least(found, title, fewer=count is None)
        html = _finest(found, title, least)
    return Page(html, len(found.shown))


def _few(found: Subject, room: int) -> Subject:
    """Return the same with as many samples as take so many bytes, two at the least."""
    n = len(found.shown)
    return found.first(min(n, max(2, n * room // _bytes(found))))


def _bytes(found: Subject) -> int:
    """Return how many bytes of the page the samples take."""
    block = Block()
    block.add(found.shown)
    return len(block.text())


def _least(found: Subject, title: str, *, fewer: bool) -> tuple[Subject, bytes]:
    """Return the page whose weights have the fewest bits, and what it is about.

    fewer  may it have fewer samples than were found, if all are too many?
    """
    html = _page(found, HALF_BITS.start / 2, title)
    while len(html) > LIMIT and fewer and len(found.shown) > 2:
        found = _few(found, _bytes(found) - (len(html) - LIMIT))  # at least one less
        html = _page(found, HALF_BITS.start / 2, title)
    if len(html) > LIMIT:
        raise ValueError(
            f"{WHO}: expected a model and samples that fit in {LIMIT:,} bytes, got {len(html):,} "
            f"with weights of {HALF_BITS.start // 2} bits; a smaller network or fewer samples do"
        )
    return found, html


def _finest(found: Subject, title: str, best: bytes) -> bytes:
    """Return the page whose weights have the most bits of those that fit; `best` has the fewest.

    Half a bit more of each of M weights takes M/16 bytes, and a byte takes 5/4 letters: what room
    is left tells the next guess.
    """
    low, high = HALF_BITS.start, HALF_BITS.stop
    each = _size(found) / 16 * 1.25
    while high - low > 1:
        guess = low + int((LIMIT - len(best)) / each)
        half_bits = min(max(guess, low + 1), high - 1)
        html = _page(found, half_bits / 2, title)
        if len(html) <= LIMIT:
            best, low = html, half_bits
        else:
            high = half_bits
    return best


def _size(found: Subject) -> int:
    """Return how many numbers the page holds that may be rounded."""
    return found.weights + found.pca.components.size


def _page(found: Subject, bits: float | None, title: str) -> bytes:
    """Return the page, in bytes, with weights of so many bits; None: float32."""
    V = found.pca.components.astype(np.float32)
    model, [V], table = rounded_model(found.model, bits, [V])
    block = Block(table)
    script, style = _script(), (HERE / "style.css").read_text("utf-8")
    content = _content(found, model, V, block) | {
        "words": words(found) | {"notes": notes(found, model, bits)}
    }
    parts = {
        "policy": "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"script-src '{_hash(script)}'; style-src '{_hash(style)}'",
        "title": escape(title),
        "about": escape(about(found)),
        "caption": escape(caption(found)),
        "picture": found.picture,
        "model": json.dumps(content, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c"),
        "block": block.text(),
        "script": script,
        "style": style,
    }
    template = Template((HERE / "template.html").read_text("utf-8"))
    return template.substitute(parts).encode()


def _content(found: Subject, model: Model, V: Array, block: Block) -> dict[str, Any]:
    """Return what state.mjs reads: sizes, names, networks, the places of arrays.

    V  PCA's directions, as the page has them
    """
    shape, labels = found.form.shape, found.labels
    networks = {
        name: block.network(entries(WHO, network)) for name, (network, _) in model.parts().items()
    }
    return networks | {
        "noun": found.nouns[0],
        "form": _form(found),
        "input": list(model.input_shape),
        "code": list(model.code_shape),
        "latents": found.latents,
        "variational": isinstance(model, VAE),
        "conditional": model.classes,
        "likelihood": found.likelihood,
        "classes": list(found.classes),
        "labels": None if labels is None else labels.tolist(),
        "colours": list(CLASSES),
        "inverted": bool(shape[0] == 1 and np.median(found.shown) == 0)
        and found.form.kind == "image",
        "dimensions": found.dimensions,
        "samples": block.add(found.shown),
        "means": block.add(np.asarray(found.codes_by(model).means, np.float32)),
        "pca": _pca(found, V, block),
    }


def _form(found: Subject) -> dict[str, Any]:
    """Return how a sample is shown; of a chart also the least and the largest of each number."""
    form = found.form
    content = {"kind": form.kind, "shape": list(form.shape), "names": list(form.names)}
    if form.kind == "image":
        return content
    numbers = found.shown.reshape(-1, form.shape[1]).astype(np.float64)
    low, high = numbers.min(axis=0), numbers.max(axis=0)
    edge = np.where(high > low, (high - low) / 20, 1)
    ends = {"low": low - edge, "middle": numbers.mean(axis=0), "high": high + edge}
    return content | {name: a.tolist() for name, a in ends.items()}


def _pca(found: Subject, V: Array, block: Block) -> dict[str, Any]:
    """Return PCA as two networks, z = V x + (-V m) and Vᵀ z + m, and its codes on the plane."""
    pca, mean = found.pca, found.pca.mean.astype(np.float32)
    to_code = (-V.astype(np.float64) @ mean).astype(np.float32)
    dense, tied = ({"kind": kind, "weight": V} for kind in ("Dense", "TiedDense"))
    codes = as_numbers(found.shown) @ V[:2].T.astype(np.float64) + to_code[:2]
    return {
        "name": f"PCA-{pca.k}",
        "encoder": block.network([dense | {"bias": to_code}]),
        "decoder": block.network([tied | {"bias": mean}]),
        "codes": block.add(codes.astype(np.float32)),
    }


def _script() -> str:
    """Return the page's modules as one: they lie in one scope, and import nothing."""
    texts = [(HERE / f"{name}.mjs").read_text("utf-8") for name in MODULES]
    lines = re.sub(r"^import .* from .*;\n", "", "\n".join(texts), flags=re.MULTILINE)
    return re.sub(r"^export ", "", lines, flags=re.MULTILINE)


def _hash(text: str) -> str:
    """Return the source expression by which a content security policy allows this text alone."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
