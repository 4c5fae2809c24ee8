"""The explorer as one HTML file: everything it needs is in it, and it may fetch nothing."""

import base64
import hashlib
import json
import re
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from ..core import Array, unique
from ..data.dataset import Dataset, Images
from ..files import write_whole
from ..models.vae import VAE
from ..plots.page import CLASSES
from .network import entries
from .packing import Block, rounded_model
from .subject import WHO, Model, Subject, subject
from .words import about, caption, heading, notes, words

LIMIT = 1_500_000
"""Bytes that a page may have."""

HALF_BITS = range(16, 33)
"""Halves of a bit of a weight, where float32 makes the page too large: 8 to 16 bits."""

HERE = Path(__file__).parent
MODULES = ("functions", "network", "data", "drawing", "plane", "state", "view", "controls")
"""The page's script, each file after those that it imports."""


def write(
    path: str | Path,
    model: Model,
    data: Images | Dataset,
    *,
    count: int = 400,
    title: str | None = None,
) -> Path:
    """Write a page on which one explores a trained autoencoder, and return its path.

    It opens as a file, runs without a network, and holds the model and the first `count` images of
    `data`, at most 1.5 MB in all. Where float32 weights would be too many, they are rounded to
    integers of as many bits as fit, 8 at the least, and the page says what that changes.

    model  an Autoencoder, VAE or ConditionalVAE of pictures, of the library's layers
    data   images (N, H, W) or (N, C, H, W), or flat ones of a square, in bytes or in [0, 1]; a
           Dataset tells their classes, which a conditional model needs
    title  of the page; None: the length of a code

    Raises
        ValueError, before anything is written, if the page cannot run such a model or show such
        images: it names the layer, likelihood or shape; or if there are too many weights.
        OSError if the file cannot be written.
    """
    found = subject(model, data, count)
    title = heading(found) if title is None else title
    numbers = sum(p.value.size for p in unique(model.parameters()))
    html = None
    if 3 * numbers < LIMIT:  # no float32 is compressed to less than its significant digits
        html = _page(found, None, title)
    if html is None or len(html) > LIMIT:
        html = _finest(found, title)
    return write_whole(path, html, "explorer")


def _finest(found: Subject, title: str) -> bytes:
    """Return the page whose weights have the most bits of those that fit, sought by bisection."""
    best, smallest, low, high = None, 0, HALF_BITS.start, HALF_BITS.stop - 1
    while low <= high:
        half_bits = (low + high) // 2
        html = _page(found, half_bits / 2, title)
        if len(html) <= LIMIT:
            best, low = html, half_bits + 1
        else:
            smallest, high = len(html), half_bits - 1
    if best is None:
        raise ValueError(
            f"{WHO}: expected a model and images that fit in {LIMIT:,} bytes, got {smallest:,} "
            f"with weights of {HALF_BITS.start // 2} bits; a smaller network or fewer images do"
        )
    return best


def _page(found: Subject, bits: float | None, title: str) -> bytes:
    """Return the page, in bytes, with weights of so many bits; None: float32."""
    model, table = rounded_model(found.model, bits)
    block = Block(table)
    means = found.codes_by(model).means
    script, style = _script(), (HERE / "style.css").read_text("utf-8")
    content = _content(found, model, block, means) | {
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


def _content(found: Subject, model: Model, block: Block, means: Array) -> dict[str, Any]:
    """Return what state.mjs reads: sizes, names, networks, the places of arrays."""
    variational = isinstance(model, VAE)
    image, labels, pca = found.images.shape[1:], found.labels, found.pca
    V, mean = pca.components.astype(np.float32), pca.mean.astype(np.float32)
    to_code = (-V.astype(np.float64) @ mean).astype(np.float32)
    networks = {
        name: block.network(entries(WHO, network)) for name, (network, _) in model.parts().items()
    }
    dense, tied = ({"kind": kind, "weight": V} for kind in ("Dense", "TiedDense"))
    return networks | {
        "noun": found.nouns[0],
        "image": list(image),
        "input": list(model.input_shape),
        "code": list(model.code_shape),
        "latents": found.latents,
        "variational": variational,
        "conditional": model.classes,
        "likelihood": found.likelihood,
        "classes": list(found.classes),
        "labels": None if labels is None else labels.tolist(),
        "colours": list(CLASSES),
        "inverted": bool(image[0] == 1 and np.median(found.images) == 0),
        "dimensions": found.dimensions,
        "images": block.add(found.images),
        "means": block.add(np.asarray(means, np.float32)),
        "pca": {
            "name": f"PCA-{pca.k}",
            "encoder": block.network([dense | {"bias": to_code}]),
            "decoder": block.network([tied | {"bias": mean}]),
            "codes": block.add(_plane(found)),
        },
    }


def _plane(found: Subject) -> Array:
    """Return the first two numbers of PCA's codes."""
    rows = found.images.reshape(len(found.images), -1)
    return found.pca.encode(rows)[:, :2].astype(np.float32)


def _script() -> str:
    """Return the page's modules as one: they lie in one scope, and import nothing."""
    texts = [(HERE / f"{name}.mjs").read_text("utf-8") for name in MODULES]
    lines = re.sub(r"^import .* from .*;\n", "", "\n".join(texts), flags=re.MULTILINE)
    return re.sub(r"^export ", "", lines, flags=re.MULTILINE)


def _hash(text: str) -> str:
    """Return the source expression by which a content security policy allows this text alone."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
