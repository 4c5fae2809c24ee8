"""A part of a model as an ONNX file."""

import argparse
from typing import Any

from ..files import expanded
from .options import model_file, out, subcommand
from .output import answer, wrote
from .saved import load

EXAMPLES = """\
  nnscratch export out/pets/model.safetensors --part encoder --out encoder.onnx
"""


def add(commands: Any) -> None:
    """Add the parser."""
    words = "write a part of a model as an ONNX file, which other programs run"
    parser = subcommand(commands, __name__, words, EXAMPLES)
    model_file(parser)
    words = "which; default reconstruct, from samples to samples"
    parts = ("encoder", "decoder", "reconstruct")
    parser.add_argument("--part", choices=parts, default="reconstruct", help=words)
    out(parser, "the file; needs pip install 'nnscratch[onnx]'", ".onnx")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the file."""
    from ..export import export_onnx

    saved, path = load(options.model), expanded(options.out)
    export_onnx(path, saved.model, options.part)
    wrote(path, f"{options.part} of {type(saved.model).__name__}, ONNX")
    answer(options, {"out": options.out, "part": options.part, "bytes": path.stat().st_size})
    return 0
