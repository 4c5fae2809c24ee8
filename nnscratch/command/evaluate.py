"""What a model is worth on data: everything that applies to it, beside baselines."""

import argparse
from typing import Any

from .options import integer, model_file, seed, subcommand, threads
from .output import answer
from .saved import data_argument, load, read_for

EXAMPLES = """\
  nnscratch evaluate out/pets/model.safetensors pets-held-out
  nnscratch evaluate out/digits/model.safetensors digits --samples 500 --json
"""


def add(commands: Any) -> None:
    """Add the parser."""
    words = "print what a model is worth on data: its loss, its bound, its errors, beside PCA"
    parser = subcommand(commands, __name__, words, EXAMPLES)
    model_file(parser)
    data_argument(parser)
    threads(parser)
    words = (
        "codes drawn a sample for the importance-weighted bound of a VAE; default 50; 0 for none"
    )
    parser.add_argument(
        "--samples", type=integer(0, 1_000_000), default=50, metavar="K", help=words
    )
    words = "codes drawn a sample for the ELBO; default 10"
    parser.add_argument("--draws", type=integer(1, 1_000_000), default=10, metavar="K", help=words)
    seed(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Evaluate, and print a table."""
    from .figures import figures

    saved = load(options.model)
    data = read_for(saved, options, saved.model.input_shape)
    found, notes = figures(saved, data, options)
    print(f"{options.model} on {len(data):,} {data.nouns[1]}")
    width = max(map(len, found))
    for name, entry in found.items():
        error = f" ± {entry['error']:.2g}" if "error" in entry else ""
        unit = f" {entry['unit']}" if entry["unit"] else ""
        print(f"  {name:{width}}  {entry['value']:.4g}{error}{unit}")
    for note in notes:
        print(f"  {note}")
    answer(options, {"samples": len(data), "figures": found, "notes": notes})
    return 0
