"""New samples, of codes that are drawn."""

import argparse
from typing import Any

from .options import integer, model_file, out, seed, subcommand, threads
from .output import answer
from .saved import load, read_for
from .sources import PLACE

EXAMPLES = """\
  nnscratch sample out/pets/model.safetensors -n 64 --out samples.png
  nnscratch sample out/digits/model.safetensors -n 10 --label 7 --out sevens.npy
  nnscratch sample pretrained:conv_vae --out digits.png
"""


def add(commands: Any) -> None:
    """Add the parser."""
    words = "write new samples, whose codes are drawn from the prior of a VAE"
    parser = subcommand(commands, __name__, words, EXAMPLES)
    model_file(parser)
    words = "how many; default 64"
    parser.add_argument("-n", "--count", type=integer(1), default=64, metavar="N", help=words)
    words = "of a conditional model: the class of all samples, its name or number; default: one "
    words += "class after the other"
    parser.add_argument("--label", metavar="CLASS", help=words)
    words = "draw from the Gaussian that fits the codes of these data: for a plain autoencoder, "
    words += f"which has no prior. {PLACE}"
    parser.add_argument("--like", metavar="DATA", dest="data", help=words)
    seed(parser)
    threads(parser)
    words = "arrays, a table (in the units of the one learned from), a sheet, a picture a sample"
    out(parser, words, ".npy", ".csv", ".png", folder=True)
    parser.set_defaults(run=run, part="test", skip_bad=False)


def run(options: argparse.Namespace) -> int:
    """Draw codes, decode them, and write what comes out."""
    import numpy as np

    from ..models import VAE, AdversarialAutoencoder
    from .decode import labels_for
    from .results import write_samples

    saved = load(options.model)
    N = options.count
    labels = labels_for(saved, N, None if options.label is None else [options.label] * N)
    rng, like, whence = np.random.default_rng(options.seed), None, "the prior"
    if options.data is not None:
        data = read_for(saved, options, saved.model.corrupted_shape)
        like, whence = np.asarray(data.images), f"the Gaussian of the codes of {options.data}"
    elif not isinstance(saved.model, VAE | AdversarialAutoencoder):
        raise ValueError(f"{saved.path}: has no prior to draw codes from; --like DATA stands in")
    samples = saved.model.sample(N, labels, rng=rng, like=like, threads=options.threads)
    write_samples(options.out, samples, saved, f"{N:,} samples, their codes drawn from {whence}")
    answer(options, {"out": options.out, "samples": N, "seed": options.seed})
    return 0
