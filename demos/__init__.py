"""Pages of the lesson that run: `python -m demos` lists them."""

import time

STARTED = time.perf_counter()
