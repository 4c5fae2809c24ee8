"""What a run of `train` writes about a model of pictures: pictures, and the explorer."""

from pathlib import Path
from typing import Any

from ..data.dataset import Dataset

SAMPLES, SHOWN = 64, 10


def pictures(folder: Path, trainer: Any, data: Dataset) -> list[Path]:
    """Write samples and reconstructions, if they can be shown."""
    return []
