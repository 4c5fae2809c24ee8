"""A model and data as a page for a browser."""

import argparse
from typing import Any

from ..files import expanded
from .options import integer, model_file, out, subcommand
from .output import answer, wrote
from .saved import data_argument, load, read_for

EXAMPLES = """\
  nnscratch explore out/pets/model.safetensors pets --out explorer.html
  nnscratch explore out/digits/model.safetensors digits --count 1000 --out digits.html
  nnscratch explore pretrained:vae digits --out explorer.html
"""


def add(commands: Any) -> None:
    """Add the parser."""
    words = "write a page on which one explores a model, in any browser, offline"
    parser = subcommand(commands, __name__, words, EXAMPLES)
    model_file(parser)
    data_argument(parser)
    words = "samples on the page; default: 400, or as many as take a third of it"
    parser.add_argument("--count", type=integer(2, 100_000), metavar="N", help=words)
    parser.add_argument("--title", metavar="TEXT", help="of the page")
    out(parser, "the page, at most 1.5 MB", ".html")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the page."""
    from .run_files import write_explorer

    saved = load(options.model)
    data = read_for(saved, options, saved.model.input_shape)
    path = expanded(options.out)
    count = write_explorer(path, saved, data, options.count, options.title)
    wrote(path, f"the explorer, with {count:,} {data.nouns[1]}; it opens in any browser")
    answer(options, {"out": options.out, "count": count, "bytes": path.stat().st_size})
    return 0
