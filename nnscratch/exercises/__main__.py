"""Runs the command: python -m nnscratch.exercises."""

import sys

from ..exits import exit_code
from .command import main

sys.exit(exit_code(main))
