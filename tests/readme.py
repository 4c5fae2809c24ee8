"""The layer that the README shows, taken from the README."""

from typing import Any

import numpy as np
from pages import pieces

NAMES: dict[str, Any] = {}
[BLOCK] = [
    text for text, _, is_block in pieces("README.md") if is_block and "class MyDense" in text
]
exec(BLOCK, NAMES)


class Readme(NAMES["MyDense"]):
    """The README's dense layer: no need_dx, no check of anything."""

    def __init__(self, D: int, M: int, seed: int = 0, dtype: Any = np.float32) -> None:
        super().__init__(D, M, rng=np.random.default_rng(seed), dtype=dtype)
