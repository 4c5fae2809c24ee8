"""MusicVAEs by name: Magenta's configurations, and such as two cores can train.

    model = music_vae("mel_2bar", rng=rng, augmentation=Transposition(5))

Sizes, code and steps are those of Magenta's configurations, and so are β and the free bits; what
they do beside, their schedules and their optimiser, is in docs/music_vae.md.
"""

from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .conductor import HierarchicalDecoder
from .music_vae import MusicVAE
from .sequences import SequenceDecoder, SequenceEncoder

CLASSES, BAR = 90, 16
"""Events: hold, off and 88 pitches; steps a bar."""


@dataclass(frozen=True)
class Sizes:
    """The sizes of a MusicVAE, and what of its objective is not a schedule.

    encoder    hidden units of a direction, and layers
    decoder    hidden units and layers
    conductor  hidden units and layers, a segment a bar; None of a flat model
    beta       the highest β
    free_bits  of the KL of a sample, in bits
    """

    bars: int
    encoder: tuple[int, int]
    latent_dim: int
    decoder: tuple[int, int]
    conductor: tuple[int, int] | None = None
    beta: float = 1.0
    free_bits: float = 0.0


SIZES = {
    "cat-mel_2bar_small": Sizes(2, (512, 1), 256, (256, 2), beta=0.2),
    "cat-mel_2bar_big": Sizes(2, (2048, 1), 512, (2048, 3), beta=0.5),
    "flat-mel_16bar": Sizes(16, (2048, 2), 512, (2048, 3), beta=0.2, free_bits=256),
    "hierdec-mel_16bar": Sizes(16, (2048, 2), 512, (1024, 2), (1024, 2), beta=0.2, free_bits=256),
    "mel_2bar": Sizes(2, (128, 1), 64, (128, 2)),
    "flat-mel_16bar_small": Sizes(16, (128, 1), 128, (192, 2), beta=0.2, free_bits=64),
    "hierdec-mel_16bar_small": Sizes(16, (128, 1), 128, (128, 2), (128, 2), 0.2, 64),
}
"""The first four are Magenta's, the others ours."""


def music_vae(
    sizes: str | Sizes = "mel_2bar",
    *,
    rng: np.random.Generator,
    classes: int = CLASSES,
    dtype: DTypeLike = np.float32,
    **options: Any,
) -> MusicVAE:
    """Return an untrained MusicVAE of these sizes; options are those of MusicVAE, and go first.

    Raises
        ValueError if there are no sizes of this name.
    """
    if isinstance(sizes, str):
        if sizes not in SIZES:
            raise ValueError(f"music_vae: expected one of {', '.join(SIZES)}, got {sizes!r}")
        sizes = SIZES[sizes]
    words: Any = {"rng": rng, "dtype": dtype}
    hidden, layers = sizes.encoder
    encoder = SequenceEncoder(classes, hidden, sizes.latent_dim, layers=layers, **words)
    hidden, layers = sizes.decoder
    code = sizes.latent_dim if sizes.conductor is None else sizes.conductor[0]
    decoder: Any = SequenceDecoder(classes, hidden, code, layers=layers, **words)
    if sizes.conductor is not None:
        decoder = HierarchicalDecoder(
            decoder,
            sizes.latent_dim,
            segments=sizes.bars,
            steps=BAR,
            layers=sizes.conductor[1],
            rng=rng,
        )
    objective = {"beta": sizes.beta, "free_bits": sizes.free_bits * log(2)}
    return MusicVAE(encoder, decoder, steps=BAR * sizes.bars, **(objective | options))
