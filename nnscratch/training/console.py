"""What standard output can show."""

import sys


def printable(text: str) -> str:
    """Return the text with a ? for each character that the encoding of standard output has not.

    Windows' cp1252 has no β, and a print of one would end the program.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)
