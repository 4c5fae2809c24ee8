"""The strength of the tests: one small fault at a time in the source, and whether a test fails.

    python -m tests.mutants --at DIR --count 600 --seed 0

plants in `--count` places, drawn at random from the files of `faults.FILES`, and prints the score
and every survivor. DIR gets a copy of the tree, in which all of it happens, and the results so far:
with `--minutes` a run stops early, and the next one goes on. equivalent.txt lists the faults that
nobody can see, each with the reason.
"""
