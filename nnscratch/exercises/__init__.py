"""Exercises in backpropagation, graded by proofs: python -m nnscratch.exercises.

An exercise is a file with a statement, the start of a derivation and functions that raise
NotImplementedError. `start DIR` copies the files; you fill them in; `check` proves them right or
says which entry of which array is wrong, and what the likely mistake is.

    catalogue.py   the exercises, in their order
    files/         what `start` copies           hints/   three for each
    graders/       what an answer to each exercise must fulfil
    trial.py       how a claim is tried: calls, comparisons, gradients, promises
    problem.py     a function whose derivative is asked for, at one point
    diagnosis.py   from two arrays that differ to the likely mistake
    trained.py     models that were trained for the lesson's tasks, and our own runs (bands.json)
    guard.py       what an answer may import
    worker.py      the process in which an answer runs, with a time limit
    command.py     list, start, check, hint, status

No answer is compared with another answer. A derivative is compared with differences or the complex
step of the function's definition, a sampler with its moments, a divergence with an integral.
"""
