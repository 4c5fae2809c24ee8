"""Networks of the lesson that are trained already, on the package's digits.

    vae = nn.pretrained.load("vae")

    python -m nnscratch.pretrained          which there are, and what they are worth
    python -m nnscratch.pretrained vae      trains one again and compares all bits of its weights

A file is an ordinary model file with weights in float16; recipes.py says what is trained and how,
make.py why the bits are the same on other processors.
"""

from pathlib import Path
from typing import Any

NAMES = (
    "dense_autoencoder",
    "conv_autoencoder",
    "denoiser",
    "super_resolution",
    "vae",
    "conv_vae",
    "conditional_vae",
    "adversarial_autoencoder",
    "seq2seq",
)
"""The networks, in the order of the lesson."""


def file(name: str) -> Path:
    """Return the model file of a network.

    Raises
        ValueError listing the names if there is none of this name.
    """
    if name not in NAMES:
        raise ValueError(f"pretrained: expected one of {', '.join(NAMES)}, got {name!r}")
    return Path(__file__).parent / f"{name}.safetensors"


def load(name: str) -> Any:
    """Return a trained network, in float32.

    Raises
        ValueError listing the names if there is none of this name.
    """
    from ..training import load as load_file

    return load_file(file(name))


def about(name: str) -> dict[str, Any]:
    """Return what the file of a network says beside its weights: data, training, held-out loss."""
    from ..training.model_file import read_notes

    return read_notes(file(name))
