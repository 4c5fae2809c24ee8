"""ReLU and the sigmoid."""

import numpy as np

from ...gradcheck import without_kinks
from ..problem import Problem
from ..trial import Trial


def grade(trial: Trial) -> None:
    """Both functions, their derivatives, the corner of ReLU, and large arguments."""
    rng = trial.rng
    D, N = map(int, rng.permutation([4, 5]))
    x = without_kinks((D, N), rng=rng) * rng.uniform(1, 3)
    sizes = {"N": N, "D": D}

    with trial.claim("relu: y = max(x, 0)"):
        (y,) = trial.call("relu", {"x": x}, "y")
        wrong = {
            "it is the absolute value |x|": np.abs(x),
            "it is min(x, 0): negative numbers are kept": np.where(x < 0, x, 0),
            "it is the step [x > 0]: the slope of ReLU and not ReLU": (x > 0) * 1.0,
            "nothing is cut off: y = x": x,
        }
        trial.equal("y", y, [[max(v, 0.0) for v in row] for row in x], wrong)
    relu = Problem(lambda x: np.where(x > 0, x, 0), {"x": x}, analytic=False)
    trial.gradients(
        "relu_backward",
        relu,
        lambda dy: {"dy": dy, "x": x},
        lambda dy: {
            "x": {
                "the mask is taken from dy, and must be taken from x": dy * (dy > 0),
                "dy is left out: this is the slope alone": (x > 0) * 1.0,
                "the mask is the wrong way round: x < 0": dy * (x < 0),
                "dy is passed on everywhere: the mask [x > 0] is missing": dy,
                "it is dy · y: the slope is 1, and not x": dy * np.where(x > 0, x, 0),
            }
        },
        sizes,
    )
    with trial.claim("relu_backward: nothing passes where x = 0 or below, by convention"):
        dy = rng.standard_normal((1, 3))
        corner = np.array([[0.0, -0.0, -1.0]])
        (dx,) = trial.call("relu_backward", {"dy": dy, "x": corner}, "dx")
        wrong = {"x = 0 lets dy pass: x > 0 is meant, and x ≥ 0 written": dy * [1, 1, 0]}
        trial.equal("dx", dx, np.zeros((1, 3)), wrong)

    with trial.claim("sigmoid: y = 1 / (1 + e^(-x))"):
        (y,) = trial.call("sigmoid", {"x": x}, "y")
        want = [[0.5 * (1 + np.tanh(v / 2)) for v in row] for row in x]
        wrong = {
            "it is σ(-x): the sign of the exponent": 1 / (1 + np.exp(x)),
            "it is tanh": np.tanh(x),
            "it is e^(-x) without the fraction": np.exp(-x),
        }
        trial.equal("y", y, want, wrong)
    with trial.claim("sigmoid: x = ±1000 gives 1 and 0, without an overflow"):
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            (y,) = trial.call("sigmoid", {"x": np.array([[1000.0, -1000.0]])}, "y")
        trial.equal("y", y, [[1.0, 0.0]])
    with trial.claim("sigmoid: small probabilities keep their digits, σ(-30) = 9.4e-14"):
        (y,) = trial.call("sigmoid", {"x": np.array([[-30.0]])}, "y")
        want = np.exp([[-30.0]]) / (1 + np.exp(-30.0))
        lost = {"1 minus a number near 1 has few digits left": 1 - 1 / (1 + np.exp([[-30.0]]))}
        trial.equal("y", y, want, lost)
    sigmoid = Problem(lambda x: 1 / (1 + np.exp(-x)), {"x": x})
    s = 1 / (1 + np.exp(-x))
    trial.gradients(
        "sigmoid_backward",
        sigmoid,
        lambda dy: {"dy": dy, "x": x},
        lambda dy: {
            "x": {
                "x (1 - x): the slope in terms of y, with x in its place": dy * x * (1 - x),
                "σ (1 - x): y is meant in both factors": dy * s * (1 - x),
                "the factor 1 - σ is missing": dy * s,
                "the factor σ is missing": dy * (1 - s),
                "1 - σ²: that is the slope of tanh": dy * (1 - s**2),
                "dy is left out: this is the slope alone": s * (1 - s),
                "σ (1 + σ): a sign": dy * s * (1 + s),
                "σ of σ: the function is applied twice": _twice(dy, s),
            }
        },
        sizes,
    )
    trial.promises("relu_backward", relu, lambda dy, x: {"dy": dy, "x": x})
    trial.promises("sigmoid_backward", sigmoid, lambda dy, x: {"dy": dy, "x": x})


def _twice(dy: np.ndarray, s: np.ndarray) -> np.ndarray:
    """The slope at y instead of x."""
    t = 1 / (1 + np.exp(-s))
    return dy * t * (1 - t)
