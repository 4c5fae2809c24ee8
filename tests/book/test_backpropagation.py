"""The equations of docs/backpropagation.md: closures against products of Jacobians."""

from math import prod

import numpy as np

import nnscratch as nn
from book.ids import equation, number
from book.numerics import close, jacobian
from nnscratch.core import Array

SIZES = [784, 512, 2, 512, 784]


def layers(rng: np.random.Generator) -> list[nn.Layer]:
    """Layers of 5, 4, 4, 3 and 3 numbers."""
    first = nn.Dense(5, 4, rng=rng, dtype=np.float64)
    last = nn.Dense(4, 3, rng=rng, dtype=np.float64)
    return [first, nn.Tanh(), last, nn.Sigmoid()]


@equation("chain")
def test_reversed_closures_are_the_product_of_transposed_jacobians(
    rng: np.random.Generator,
) -> None:
    stack = layers(rng)
    x, dy = rng.standard_normal((5, 1)), rng.standard_normal((3, 1))
    _, backward = nn.Sequential(*stack).forward(x)
    here, product = x, np.eye(5)
    for layer in stack:
        J = jacobian(lambda x, f=layer: f.forward(x)[0][:, 0], here)[..., 0]
        here, product = layer.forward(here)[0], product @ J.T
    close(backward(dy), product @ dy)


def multiplications(shapes: list[tuple[int, int]]) -> int:
    """Multiply matrices of these shapes from the left; return the multiplications."""
    count, rows = 0, shapes[0][0]
    for inner, columns in shapes[1:]:
        count += rows * inner * columns
    return count


def of_both(n: list[int]) -> tuple[int, int]:
    """Return the multiplications of J₁ᵀ … J_Kᵀ dy from the right, and from the left."""
    K = len(n) - 1
    transposed = [(n[k - 1], n[k]) for k in range(1, K + 1)] + [(n[K], 1)]
    mirrored = [(columns, rows) for rows, columns in reversed(transposed)]
    return multiplications(mirrored), multiplications(transposed)


@equation("cost")
def test_multiplications_from_both_ends() -> None:
    for n in (SIZES, [7, 3, 5], [2, 9]):
        steps = [prod(pair) for pair in zip(n[1:], n[:-1], strict=True)]
        assert of_both(n) == (sum(steps), n[0] * (n[-1] + sum(steps[1:])))


@number("right")
def right() -> str:
    return f"{of_both(SIZES)[0]:,}"


@number("left")
def left() -> str:
    return f"{of_both(SIZES)[1]:,}"


@number("ratio")
def ratio() -> str:
    from_right, from_left = of_both(SIZES)
    return f"{from_left / from_right:.0f}"


@equation("vjp")
def test_backward_multiplies_by_the_transposed_jacobian(rng: np.random.Generator) -> None:
    for layer in (nn.Softmax(), nn.Tanh(), nn.GELU()):
        x, dy = rng.standard_normal((2, 4, 2))
        J = jacobian(lambda x, f=layer: f.forward(x)[0], x)
        sums = [[(dy * J[..., d, n]).sum() for n in range(2)] for d in range(4)]
        close(layer.forward(x)[1](dy), sums)


@equation("two-uses")
def test_a_weight_that_acts_twice_has_the_sum_of_both_derivatives(
    rng: np.random.Generator,
) -> None:
    shared = nn.Dense(3, 3, rng=rng, bias=False, dtype=np.float64)
    x, dy = rng.standard_normal((2, 3, 2))

    def g(w1: Array, w2: Array) -> float:
        return float((dy * (w2 @ np.tanh(w1 @ x))).sum())

    h, first = shared.forward(x)
    a, tanh = nn.Tanh().forward(h)
    _, second = shared.forward(a)
    first(tanh(second(dy)))
    w = shared.w.value.copy()
    parts = jacobian(lambda v: g(v, w), w), jacobian(lambda v: g(w, v), w)
    close(shared.w.grad, parts[0] + parts[1])
    close(shared.w.grad, jacobian(lambda v: g(v, v), w))


@equation("parts")
def test_a_batch_in_parts(rng: np.random.Generator) -> None:
    net = nn.Sequential(*layers(rng))
    theta = nn.pack(net.parameters())
    x, dy = rng.standard_normal((5, 7)), rng.standard_normal((3, 7))
    net.forward(x)[1](dy)
    whole = theta.grad.copy()
    theta.grad[...] = 0
    for part in ([4, 0], [1, 2, 6], [5, 3]):
        net.forward(np.ascontiguousarray(x[:, part]))[1](np.ascontiguousarray(dy[:, part]))
    close(theta.grad, whole, 1e-13)


@equation("residual")
def test_a_value_that_is_used_twice(rng: np.random.Generator) -> None:
    f = nn.Softmax()
    x, dy = rng.standard_normal((2, 4, 1))
    want = jacobian(lambda x: (dy * (x + f.forward(x)[0])).sum(), x)
    close(dy + f.forward(x)[1](dy), want)
