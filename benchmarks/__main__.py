"""List the benchmarks, or run one: python -m benchmarks [NAME [options]]."""

import sys
from importlib import import_module
from io import TextIOWrapper

NAMES = (
    "training",
    "inference",
    "precision",
    "layers",
    "recurrent",
    "music",
    "batches",
    "threads",
    "cold",
)
NAMES += ("memory", "ladder", "tiles", "ranks")


def main() -> None:
    """Run the benchmark that is named first; without a name, say what there is."""
    if isinstance(sys.stdout, TextIOWrapper):  # a ? for what its encoding does not know, say a ×
        sys.stdout.reconfigure(errors="replace")
    name, options = (sys.argv[1:2] or [""])[0], sys.argv[2:]
    if name in NAMES:
        import_module(f"benchmarks.{name}").main(options)
        return
    print("python -m benchmarks NAME [--help | options]\n")
    for known in NAMES:
        page = import_module(f"benchmarks.{known}").__doc__ or ""  # there is none with python -OO
        print(f"    {known:10} {page.partition(chr(10))[0]}")
    if name not in ("", "-h", "--help"):
        sys.exit(f"\nbenchmarks: expected one of {', '.join(NAMES)}, got {name!r}")


if __name__ == "__main__":
    main()
