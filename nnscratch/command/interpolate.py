"""The way from one sample to another, through the space of codes."""

import argparse
from typing import Any

from .options import integer, model_file, out, subcommand, threads
from .output import answer
from .saved import data_argument, load, read_for

EXAMPLES = """\
  nnscratch interpolate out/pets/model.safetensors pets --rows 3 17 --out way.png
  nnscratch interpolate model.safetensors digits --rows 0 1 2 3 --steps 11 --spherical --out w.npy
"""


def add(commands: Any) -> None:
    """Add the parser."""
    words = "write the way from one sample to another, through the space of codes"
    parser = subcommand(commands, __name__, words, EXAMPLES)
    model_file(parser)
    data_argument(parser)
    threads(parser)
    words = "where a way starts and ends: rows of DATA, counted from 0; more pairs, more ways"
    parser.add_argument(
        "--rows", nargs="+", type=integer(0), required=True, metavar="N", help=words
    )
    words = "samples on a way, with both ends; default 9"
    parser.add_argument("--steps", type=integer(2, 1000), default=9, metavar="N", help=words)
    words = "along the arc, not along the straight line"
    parser.add_argument("--spherical", action="store_true", help=words)
    out(parser, "arrays (ways, steps, …), or a sheet with a way a row", ".npy", ".png")
    parser.set_defaults(run=run, parser=parser)


def run(options: argparse.Namespace) -> int:
    """Write the ways."""
    import numpy as np

    from .results import write_samples

    if len(options.rows) % 2:
        options.parser.error(f"--rows: expected pairs, got {len(options.rows)} rows")
    saved = load(options.model)
    data = read_for(saved, options, saved.model.corrupted_shape)
    if max(options.rows) >= len(data):
        raise ValueError(f"--rows: expected 0 to {len(data) - 1}, got {max(options.rows)}")
    ends = np.asarray(data.images[np.array(options.rows)])
    labels = data.labels[np.array(options.rows[::2])] if saved.model.classes else None
    ways = saved.model.interpolate(
        ends[::2],
        ends[1::2],
        options.steps,
        labels,
        spherical=options.spherical,
        threads=options.threads,
    )
    what = f"{len(ways)} ways of {options.steps} steps"
    flat = ways.reshape(-1, *ways.shape[2:]) if options.out.lower().endswith(".png") else ways
    write_samples(options.out, flat, saved, what, columns=options.steps)
    answer(options, {"out": options.out, "ways": len(ways), "steps": options.steps})
    return 0
