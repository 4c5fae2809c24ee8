"""What a file holds: architecture, parameters, format, and the settings of its training."""

import argparse
from typing import Any

from .options import model_file, subcommand
from .output import answer

EXAMPLES = """\
  nnscratch info out/pets/model.safetensors
  nnscratch info out/pets/checkpoint.safetensors --json
"""


def add(commands: Any) -> None:
    """Add the parser."""
    parser = subcommand(commands, __name__, "say what a model file holds", EXAMPLES)
    model_file(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print what the file holds."""
    from ..core import unique
    from ..training import checkpoint, load
    from ..training.model_file import read_notes

    arrays, header = checkpoint.unpack(options.model)
    kind = "weights of another program"
    info: dict[str, Any] = {}
    if checkpoint.is_ours(header):
        arrays, info = checkpoint.described(options.model, arrays, header, None)
        kind = "weights, without an architecture"
    weights = {k: a for k, a in arrays.items() if not k.startswith("training.")}
    found: dict[str, Any] = {"file": options.model, "format": header.get("format")}
    found |= {"kind": kind, "numbers": sum(a.size for a in weights.values())}
    if "architecture" in info:
        model = load(options.model)
        found["kind"] = "checkpoint of a run" if "progress" in info else "model"
        found["class"] = type(model).__name__
        found["parameters"] = sum(p.value.size for p in unique(model.parameters()))
        for name in ("input_shape", "code_shape"):
            if hasattr(model, name):
                found[name] = list(getattr(model, name))
        if hasattr(model, "settings"):
            found["settings"] = model.settings()
        if "progress" in info:
            found["epochs"] = info["progress"]["epoch"]
        found["notes"] = read_notes(options.model)
        found["architecture"] = info["architecture"]
        table = model.summary() if hasattr(model, "summary") else None
    print(f"{options.model}: {found['kind']}, format {found['format']}")
    if "architecture" not in info:
        for name, a in weights.items():
            print(f"  {name}  {a.shape} {a.dtype}")
        answer(options, found)
        return 0
    print(model)
    if table is not None:
        print(f"\n{table}")
    if "epochs" in found:
        print(f"\nepochs done: {found['epochs']}")
    for name, part in found["notes"].items():
        print(f"\n{name}:")
        for key, value in part.items() if isinstance(part, dict) else [("value", part)]:
            print(f"  {key} = {value}")
    answer(options, found)
    return 0
