"""Runs the command: python -m nnscratch.exercises."""

import sys

from .command import main

sys.exit(main())
