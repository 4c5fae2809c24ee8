"""Codes of data."""

import argparse
from typing import Any

from ..files import expanded
from .options import model_file, out, subcommand, threads
from .output import answer, wrote
from .saved import data_argument, in_parts, load, read_for

EXAMPLES = """\
  nnscratch encode out/pets/model.safetensors pets --out codes.npy
  nnscratch encode out/flowers/model.safetensors flowers.csv --out codes.csv
"""


def add(commands: Any) -> None:
    """Add the parser."""
    words = "write the codes of data; of a VAE the means of the posteriors"
    parser = subcommand(commands, __name__, words, EXAMPLES)
    model_file(parser)
    data_argument(parser)
    threads(parser)
    words = "codes (N, L), with labels in a .csv, with labels and a VAE's logvar in an .npz"
    out(parser, words, ".npy", ".csv", ".npz")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Encode, and write the codes."""
    import numpy as np

    from ..models import VAE
    from .results import write_array, write_arrays, write_csv

    saved = load(options.model)
    model, data = saved.model, read_for(saved, options, saved.model.corrupted_shape)
    posteriors, codes = [], []
    for images, labels in in_parts(data, saved):
        if isinstance(model, VAE):
            posteriors.append(model.posterior(images, labels, threads=options.threads))
            codes.append(posteriors[-1][0])
        else:
            codes.append(model.encode(images, labels, threads=options.threads))
    z, path = np.concatenate(codes), expanded(options.out)
    if path.suffix == ".npy":
        write_array(path, z)
    elif path.suffix == ".npz":
        logvar = {"logvar": np.concatenate([p[1] for p in posteriors])} if posteriors else {}
        write_arrays(path, {"codes": z, "labels": data.labels, **logvar})
    else:
        flat = z.reshape(len(z), -1)
        head = ["class", *(f"z{d + 1}" for d in range(flat.shape[1]))]
        rows = zip((data.class_name(int(k)) for k in data.labels), flat, strict=True)
        write_csv(path, head, ([name, *row] for name, row in rows))
    shape = "×".join(map(str, z.shape[1:]))
    wrote(path, f"{len(z):,} codes of {shape} numbers")
    answer(options, {"out": str(path), "codes": len(z), "code_shape": list(z.shape[1:])})
    return 0
