"""Data as a model says them again, and how far off it is."""

import argparse
from typing import Any

from ..files import expanded
from .options import integer, model_file, out, out_file, subcommand, threads
from .output import answer, wrote
from .saved import data_argument, in_parts, load, read_for

EXAMPLES = """\
  nnscratch reconstruct out/pets/model.safetensors pets --out pairs.png
  nnscratch reconstruct out/pets/model.safetensors pets --out y.npy --errors errors.csv
"""

WORST = 3
"""Samples with the largest errors that are named."""


def add(commands: Any) -> None:
    """Add the parser."""
    words = "write the reconstructions of data, and the error of each"
    parser = subcommand(commands, __name__, words, EXAMPLES)
    model_file(parser)
    data_argument(parser)
    threads(parser)
    words = (
        "all reconstructions, or a sheet of the first with each picture above its reconstruction"
    )
    out(parser, words, ".npy", ".csv", ".png")
    words = "write the mean squared error of every sample, in the model's units (of pixels: white "
    words += "is 1)"
    parser.add_argument("--errors", metavar="FILE.csv", type=out_file(".csv"), help=words)
    words = "pictures on the sheet; default 16"
    parser.add_argument("--count", type=integer(1, 1024), default=16, metavar="N", help=words)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Reconstruct, and write what comes out."""
    import numpy as np

    from .results import write_csv, write_samples
    from .run_files import write_rows

    saved = load(options.model)
    model, data = saved.model, read_for(saved, options, saved.model.corrupted_shape)
    sheet = options.out.lower().endswith(".png")
    if sheet and not saved.paints:
        raise ValueError(f"{options.out}: expected .npy or .csv, as {saved.path} makes no pictures")
    outputs: list[Any] = []
    errors: list[Any] = []
    for images, labels in in_parts(data, saved):
        y = model.reconstruct(images, labels, threads=options.threads)
        if model.corrupted_shape == model.input_shape:
            scale = 255.0 if images.dtype == np.uint8 else 1.0
            d = images.reshape(len(y), -1) / scale - y.reshape(len(y), -1)
            errors.append((d * d).mean(axis=1))
        outputs.append(y if not sheet or not outputs else y[:0])
    if sheet:
        first = slice(0, min(options.count, len(outputs[0])))
        rows = [np.asarray(data.images[first]), outputs[0][first]]
        count = write_rows(expanded(options.out), rows, saved)
        wrote(expanded(options.out), f"{count} pictures, and below their reconstructions")
    else:
        write_samples(options.out, np.concatenate(outputs), saved, f"{len(data):,} reconstructions")
    found: dict[str, Any] = {"out": options.out, "samples": len(data)}
    if errors:
        mse = np.concatenate(errors)
        order = np.argsort(-mse, kind="stable")[:WORST].tolist()
        worst = ", ".join(f"row {n} {mse[n]:.4g}" for n in order)
        print(f"mean squared error: {mse.mean():.4g}; the largest: {worst}")
        found |= {"mse": float(mse.mean()), "errors": mse.astype(float)}
        if options.errors:
            path = expanded(options.errors)
            classes = (data.class_name(int(k)) for k in data.labels)
            write_csv(
                path, ("row", "class", "mse"), zip(range(len(mse)), classes, mse, strict=True)
            )
            wrote(path, "the error of each sample")
    elif options.errors:
        raise ValueError("--errors: the model makes larger samples than it takes: no errors")
    answer(options, found)
    return 0
