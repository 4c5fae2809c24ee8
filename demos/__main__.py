"""Lists the demos, or runs one.

python -m demos                 what there is
python -m demos NAME            run one
python -m demos NAME --help     its options
"""

import runpy
import sys
from io import TextIOWrapper

import demos
from demos import names, page
from nnscratch.exits import exit_code


def main(arguments: list[str]) -> int:
    """Run the demo that the first argument names; return the exit code."""
    if isinstance(sys.stdout, TextIOWrapper):  # a ? for what its encoding does not know, say a β
        sys.stdout.reconfigure(errors="replace")
    known = {name: page(name).partition("\n")[0] for name in names()}
    width = max(map(len, known))
    listing = "\n".join(f"    {name:{width}}  {line}" for name, line in known.items())
    if not arguments or arguments[0] in ("-h", "--help"):
        print(f"{demos.COMMAND} NAME [options], where NAME is one of\n\n{listing}\n")
        print(f"{demos.COMMAND} NAME --help says which options a demo has.")
        return 0
    name, *rest = arguments
    if name not in known:
        print(
            f"demos: expected one of {', '.join(known)}, got {name!r}\n\n{listing}", file=sys.stderr
        )
        return 2
    sys.argv = [f"{demos.COMMAND} {name}", *rest]
    try:
        runpy.run_module(f"demos.{name}", run_name="__main__")
    except OSError as error:  # a folder that cannot be written, a full disk
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(lambda: main(sys.argv[1:])))
