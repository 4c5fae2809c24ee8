"""The museum: every check tells the right version from the wrong one, and gradients are right."""

import numpy as np
import pytest
import tiny

from demos._exhibits import BUGS, LogSigmaVAE, clipped_bce, sample_variance
from nnscratch.core import pack
from nnscratch.gradcheck import gradcheck
from nnscratch.layers import Dense
from nnscratch.likelihoods import SquaredError


@pytest.mark.parametrize("name", BUGS)
def test_a_check_passes_what_is_right_and_catches_what_is_wrong(name: str) -> None:
    bug = BUGS[name]
    assert bug.check(bug.right)
    assert not bug.check(bug.wrong)


def test_a_gradient_check_catches_none_of_them(rng: np.random.Generator) -> None:
    eps, t = rng.standard_normal((3, 4)), rng.random((3, 4))
    assert gradcheck(lambda mu, s: sample_variance(mu, s, eps), (3, 4), (3, 4), rng=rng)
    assert gradcheck(lambda a: BUGS["averaged"].wrong.nll(a, t), (3, 4), rng=rng)
    assert gradcheck(lambda a: clipped_bce(a, t), (3, 4), rng=rng)


@pytest.mark.parametrize("scale", [BUGS["scale"].right, BUGS["scale"].wrong])
def test_nor_does_one_of_the_whole_vae(scale: int, rng: np.random.Generator) -> None:
    nets = (Dense(5, 4, rng=rng, dtype=np.float64), Dense(2, 5, rng=rng, dtype=np.float64))
    model, x = LogSigmaVAE(*nets, 2, SquaredError(), input_shape=(5,)), rng.random((5, 3))
    model.scale = scale
    theta = pack(model.parameters())
    model.loss(x, rng=np.random.default_rng(1))[1](1.0)

    def loss():
        return model.loss(x, rng=np.random.default_rng(1))[0]["total"]

    np.testing.assert_allclose(theta.grad, tiny.slopes(loss, theta.value), rtol=1e-6, atol=1e-8)
