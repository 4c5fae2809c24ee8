"""Lesson, task 2. Noise on the code

"Encode digits, add noise to the code, and see what becomes of them." Seeing is
a picture; this task is a number. With a code z, a decoder g and ε ~ N(0, I),

    E(σ) = the mean over images of E ‖ g(z + σ ε) - g(z) ‖²

is how far the decoded image moves, the sum of squares over its pixels. The
network is the one of task 1, so train that first.

The start of a derivation, for small σ: g(z + σ ε) ≈ g(z) + σ J ε, with the
Jacobian J = ∂g/∂z. Then E ‖σ J ε‖² = σ² E(εᵀ Jᵀ J ε), and the expectation of
ε_i ε_j is 1 for i = j and 0 otherwise. What is left is σ² times a norm that you
have met in exercise 13. So E grows with σ², until the noise is larger than what
the decoder tells apart.

The checker compares your numbers with its own draws, and for small σ with the
norm of the Jacobian.

Check your answer:   python -m nnscratch.exercises check lesson_2
"""

import numpy as np

import nnscratch as nn


def effect(model, images, sigma, rng):
    """Return E(σ), one draw of ε for each of the images: a float.

    model has encode(images), which returns codes (N, 2), and decode(codes),
    which returns pictures; the batch comes first in all of them.
    """
    raise NotImplementedError
