"""What every test shares: a seeded generator and one Hypothesis profile."""

import numpy as np
import pytest
from hypothesis import settings

# Compiling a kernel takes longer than any deadline; the same examples each run keep CI honest.
settings.register_profile("nnscratch", deadline=None, derandomize=True, max_examples=25)
settings.load_profile("nnscratch")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)
