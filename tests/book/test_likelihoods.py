"""The equations of docs/likelihoods.md."""

import numpy as np

import nnscratch as nn
from book.ids import equation, number
from book.numerics import close, jacobian
from nnscratch.learned_scale import with_floor
from nnscratch.losses import binary_entropy


@equation("bernoulli")
def test_bernoulli(rng: np.random.Generator) -> None:
    a, x = rng.standard_normal((4, 1)), rng.integers(0, 2, (4, 1)).astype(float)
    p = 1 / (1 + np.exp(-a))
    middle = -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum()
    close(nn.bernoulli_nll(a, x)[0], middle)
    close(-nn.Bernoulli().log_prob(a, x)[0], middle)
    close((np.log1p(np.exp(a)) - x * a).sum(), middle)


@equation("bernoulli-gradient")
def test_bernoulli_gradient(rng: np.random.Generator) -> None:
    a, x = rng.standard_normal((4, 1)), rng.integers(0, 2, (4, 1)).astype(float)
    p = 1 / (1 + np.exp(-a))
    close(nn.bernoulli_nll(a, x)[1], p - x)
    close(
        jacobian(lambda a: -(x * np.log(p_of(a)) + (1 - x) * np.log(1 - p_of(a))).sum(), a), p - x
    )


def p_of(a: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-a))


@equation("floor")
def test_floor(rng: np.random.Generator) -> None:
    """At σ(a) = x it is the entropy, and it is more around there."""
    x = rng.uniform(0.05, 0.95, (4, 1))
    best = np.log(x / (1 - x))
    entropy = -(x * np.log(x) + (1 - x) * np.log(1 - x)).sum()
    close(nn.bernoulli_nll(best, x)[0], entropy)
    close(binary_entropy(x), entropy)
    for _ in range(20):
        assert nn.bernoulli_nll(best + 0.1 * rng.standard_normal(x.shape), x)[0] > entropy


@equation("continuous")
def test_continuous() -> None:
    """The integral of exp(-BCE) by the library, with Gauss and Legendre's nodes."""
    nodes, weights = np.polynomial.legendre.leggauss(40)
    x = (nodes[None] + 1) / 2
    for a in (-3.0, 0.5, 2.0):
        log_p = nn.Bernoulli().log_prob(np.full_like(x, a), x)
        close((weights * np.exp(log_p)).sum() / 2, (2 * p_of(np.array(a)) - 1) / a)


@equation("gaussian")
def test_gaussian(rng: np.random.Generator) -> None:
    a, x = rng.standard_normal((2, 3, 4))
    for v in (0.1, 0.5, 2.0):
        right = ((x - a) ** 2).sum(axis=0) / (2 * v) + 3 / 2 * np.log(2 * np.pi * v)
        close(-nn.Gaussian(v).log_prob(a, x), right)
        close(nn.Gaussian(v).nll(a, x)[0], right.mean())
    close(nn.squared_error(a, x)[0], nn.Gaussian(0.5).nll(a, x)[0] - 3 / 2 * np.log(np.pi))


@equation("beta")
def test_beta(rng: np.random.Generator) -> None:
    """Two VAEs with one set of weights and one noise; their constants taken off."""
    x, beta, v = rng.random((6, 5)), 3.0, 0.2
    value = {}
    for likelihood, weight in ((nn.Gaussian(v), beta), (nn.Gaussian(beta * v), 1.0)):
        vae = nn.models.lesson.dense_vae(
            (4,),
            2,
            likelihood=likelihood,
            beta=weight,
            pixels=6,
            rng=np.random.default_rng(1),
            dtype=np.float64,
        )
        total = vae.loss(x, rng=np.random.default_rng(2))[0]["total"]
        value[weight] = total - 6 / 2 * np.log(2 * np.pi * likelihood.variance)
    close(value[beta], beta * value[1.0])


@equation("best-variance")
def test_best_variance(rng: np.random.Generator) -> None:
    a, x = rng.standard_normal((2, 3, 4))
    best = ((x - a) ** 2).mean()
    least = nn.Gaussian(best).nll(a, x)[0]
    close(least, 3 / 2 * (np.log(2 * np.pi * best) + 1))
    assert all(nn.Gaussian(best * factor).nll(a, x)[0] > least for factor in (0.9, 1.1))


@equation("categorical")
def test_categorical(rng: np.random.Generator) -> None:
    a, k = rng.standard_normal((5, 1)), np.array([3])
    close(nn.categorical_nll(a, k)[0], np.log(np.exp(a).sum()) - a[3, 0])
    two = np.array([[0.0], [1.3]])
    close(nn.categorical_nll(two, np.array([1]))[0], nn.bernoulli_nll(two[1:], np.ones((1, 1)))[0])


@equation("mean")
def test_mean(rng: np.random.Generator) -> None:
    """A mean over pixels is minimised where a sum with β = D is: gradients are proportional."""
    D, theta = 6, []
    x = rng.random((D, 5))
    for share, beta in ((1 / D, 1.0), (1.0, float(D))):
        vae = nn.models.lesson.dense_vae(
            (4,), 2, pixels=D, rng=np.random.default_rng(1), dtype=np.float64
        )
        vae.beta = beta / share  # the total is share · (R + β/share KL)
        terms, backward = vae.loss(x, rng=np.random.default_rng(2))
        backward(share)
        gradient = np.concatenate([p.grad.ravel() for p in vae.parameters().values()])
        theta.append((share * terms["total"], gradient))
        close(share * terms["total"], share * terms["reconstruction"] + beta * terms["kl"])
    close(theta[0][0], theta[1][0] / D)
    close(theta[0][1], theta[1][1] / D)


@number("old-blog")
def old_blog() -> str:
    """The weight of Σ KL in (mean BCE + mean KL), times what makes the weight of Σ BCE one."""
    return f"{(1 / 2) / (1 / 784):.0f}"


@number("script")
def script() -> str:
    return f"{1 / (1 / 784):.0f}"


@number("text")
def text() -> str:
    """The weight of KL against the sum of squares, by the library's loss of a mean over pixels."""
    a, x = np.random.default_rng(0).random((2, 784, 5))
    return f"{nn.squared_error(a, x)[0] / ((a - x) ** 2).mean():.0f}"


@equation("floor-slope")
def test_floor_slope(rng: np.random.Generator) -> None:
    b, least = rng.standard_normal((4, 1)), 0.3
    logvar, slope = with_floor(b, least)
    close(logvar, np.log(least + np.exp(b)))
    close(slope, np.exp(b) / (least + np.exp(b)))
    close(
        np.diag(jacobian(lambda b: np.log(least + np.exp(b)).ravel(), b).reshape(4, 4)), slope[:, 0]
    )


def ends(m: np.ndarray, s: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return (x + 1 / 510 - m) / s, (x - 1 / 510 - m) / s


@equation("level")
def test_level(rng: np.random.Generator) -> None:
    m, b = rng.random((5, 1)), rng.standard_normal((5, 1))
    x = rng.integers(1, 255, (5, 1)) / 255
    u, l = ends(m, np.exp(b), x)  # noqa: E741
    value, _ = nn.discretised_logistic_nll(m, b, x)
    close(-value, np.log(p_of(u) - p_of(l)).sum())
    close(-value, (np.log(p_of(u)) + np.log(p_of(-l)) + np.log(1 - np.exp(l - u))).sum())


@equation("level-gradients")
def test_level_gradients(rng: np.random.Generator) -> None:
    m, b = rng.random((5, 1)), rng.standard_normal((5, 1))
    x, s = rng.integers(1, 255, (5, 1)) / 255, np.exp(b)
    u, l = ends(m, s, x)  # noqa: E741
    _, (dm, db) = nn.discretised_logistic_nll(m, b, x)
    close(-dm, -(p_of(-u) - p_of(l)) / s)
    close(-db, -u * p_of(-u) + l * p_of(l) - (u - l) / np.expm1(u - l))


@equation("level-mean")
def test_level_mean(rng: np.random.Generator) -> None:
    """The integral by Gauss and Legendre's nodes."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    m, s = 0.3, 0.1
    a = np.array([[m], [np.log(s - 1e-3)]])
    close(nn.DiscretisedLogistic().mean(a)[0, 0], (p_of((m - (nodes + 1) / 2) / s) @ weights) / 2)
