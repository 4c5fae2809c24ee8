"""The equations of docs/music_vae.md: formulas step by step, differences, and draws."""

from typing import Any

import numpy as np

from book.ids import equation
from book.numerics import close, jacobian
from demos._music_tables import blended, vector
from nnscratch.core import Array, IntArray
from nnscratch.evaluation.attributes import note_density
from nnscratch.losses import categorical_nll
from nnscratch.models.conductor import HierarchicalDecoder
from nnscratch.models.interpolation import lerp, slerp
from nnscratch.models.music_sizes import Sizes, music_vae
from nnscratch.models.sequences import SequenceDecoder, SequenceEncoder
from nnscratch.models.tokens import before

K, T, N, H, L = 5, 4, 3, 6, 2


def tokens(rng: np.random.Generator) -> IntArray:
    return rng.integers(0, K, (T, N))


def sigmoid(a: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-a)))


def cell(theta: dict[str, Array], end: str, x: Array, h: Array, c: Array) -> tuple[Array, Array]:
    """Return h and c after a step, by the formulas."""
    s = theta[f"weight_ih_{end}"] @ x + theta[f"bias_ih_{end}"][:, None]
    s = s + theta[f"weight_hh_{end}"] @ h + theta[f"bias_hh_{end}"][:, None]
    i, f, g, o = np.split(s, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def values(part: Any) -> dict[str, Array]:
    return {name: p.value for name, p in part.parameters().items()}


@equation("encoder")
def test_the_encoder(rng: np.random.Generator) -> None:
    made = SequenceEncoder(K, H, L, rng=rng, dtype=np.float64)
    x, theta, ends = tokens(rng), values(made.lstm), []
    for end, steps in (("l0", range(T)), ("l0_reverse", reversed(range(T)))):
        h = c = np.zeros((H, N))
        for t in steps:
            h, c = cell(theta, end, np.eye(K)[:, x[t]], h, c)
        ends.append(h)
    w, b = values(made.output).values()
    close(made.forward(x)[0], w @ np.concatenate(ends) + b[:, None])


@equation("decoder")
def test_the_decoder(rng: np.random.Generator) -> None:
    made = SequenceDecoder(K, H, L, layers=1, rng=rng, dtype=np.float64)
    z, inputs = rng.standard_normal((L, N)), before(tokens(rng), K)
    logits, _ = made.forward(z, inputs)
    w, b = values(made.initial.dense).values()  # type: ignore[union-attr]
    h, c = np.split(np.tanh(w @ z + b[:, None]), 2)
    v, d = values(made.output).values()
    for t in range(T):
        h, c = cell(values(made.lstm), "l0", np.concatenate([np.eye(K + 1)[:, inputs[t]], z]), h, c)
        close(logits[t], v @ h + d[:, None])


@equation("dz")
def test_both_ways_to_the_code(rng: np.random.Generator) -> None:
    """By the formula with gradients that differences give, and by differences through it all."""
    made = SequenceDecoder(K, H, L, layers=1, rng=rng, dtype=np.float64)
    z, inputs, dy = rng.standard_normal((L, 1)), before(tokens(rng)[:, :1], K), None
    logits, backward = made.forward(z, inputs)
    dy = rng.standard_normal(logits.shape)
    w, b = values(made.initial.dense).values()  # type: ignore[union-attr]
    s, theta, (v, d) = np.tanh(w @ z + b[:, None]), values(made.lstm), values(made.output).values()

    def value(s: Array, more: Array) -> float:
        """Return the loss, with `more` (T, 4H, 1) added to what enters the gates."""
        (h, c), total = np.split(s, 2), 0.0
        for t in range(T):
            x = np.concatenate([np.eye(K + 1)[:, inputs[t]], z])
            plus = theta | {"bias_ih_l0": theta["bias_ih_l0"] + more[t, :, 0]}
            h, c = cell(plus, "l0", x, h, c)
            total += float((dy[t] * (v @ h + d[:, None])).sum())
        return total

    nothing = np.zeros((T, 4 * H, 1))
    ds = jacobian(lambda s: value(s, nothing), s)
    delta = jacobian(lambda more: value(s, more), nothing)
    through_inputs = theta["weight_ih_l0"][:, K + 1 :].T @ delta.sum(axis=0)
    close(backward(dy), w.T @ (ds * (1 - s * s)) + through_inputs)
    close(backward(dy), jacobian(lambda z: (dy * made.forward(z, inputs)[0]).sum(), z))


@equation("objective")
def test_the_objective(rng: np.random.Generator) -> None:
    made = music_vae(Sizes(1, (H, 1), L, (H, 1)), rng=rng, classes=K, dtype=np.float64, beta=0.3)
    x = rng.integers(0, K, (made.steps, N))
    mu, logvar = (a.T for a in made.posterior(x.T))
    z = mu + np.exp(logvar / 2) * np.random.default_rng(9).standard_normal(mu.shape)
    a, _ = made.decoder.forward(z, before(x, K))
    p = np.exp(a) / np.exp(a).sum(axis=1, keepdims=True)
    steps, columns = np.indices(x.shape)
    nll = -np.log(p[steps, x, columns]).sum(axis=0)
    kl = (mu**2 + np.exp(logvar) - 1 - logvar).sum(axis=0) / 2
    made.free_bits = float(np.sort(kl)[:2].mean())
    right = (nll + 0.3 * np.maximum(kl - made.free_bits, 0)).mean()
    close(made.loss(x, rng=np.random.default_rng(9))[0]["total"], right)


@equation("conductor")
def test_the_conductor(rng: np.random.Generator) -> None:
    """log p of whole sequences is a sum over segments, each decoded by itself from its code."""
    words: Any = {"rng": rng}
    core = SequenceDecoder(K, H, 3, layers=1, dtype=np.float64, **words)
    made = HierarchicalDecoder(core, L, segments=2, steps=T // 2, layers=1, **words)
    x, z = tokens(rng), rng.standard_normal((L, N))
    w, b = values(made.initial.dense).values()
    h, c = np.split(np.tanh(w @ z + b[:, None]), 2)
    seen, right = before(x, K), 0.0
    for s in range(2):
        h, c = cell(values(made.conductor), "l0", np.zeros((1, N)), h, c)
        here = slice(s * T // 2, (s + 1) * T // 2)
        right += categorical_nll(core.forward(h, seen[here])[0], x[here])[0]
    close(categorical_nll(made.forward(z, seen)[0], x)[0], right)


@equation("middle")
def test_the_middle_of_a_line(rng: np.random.Generator) -> None:
    """Five standard errors."""
    a, b = rng.standard_normal((2, 20_000, 8))
    middle = (lerp(a, b, np.array([0.5]))[:, 0] ** 2).sum(axis=1)
    for squares, mean in ((middle, 4.0), ((a**2).sum(axis=1), 8.0)):
        assert abs(squares.mean() - mean) < 5 * squares.std() / np.sqrt(len(squares))


@equation("slerp")
def test_the_arc(rng: np.random.Generator) -> None:
    a, b = rng.standard_normal((2, 6, L + 3))
    b *= (np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1))[:, None]
    t = np.linspace(0, 1, 7)
    way = slerp(a, b, t)
    omega = np.arccos((a * b).sum(axis=1) / (a * a).sum(axis=1))
    for n in range(6):
        of_a, of_b = np.sin((1 - t) * omega[n]), np.sin(t * omega[n])
        close(way[n], (np.outer(of_a, a[n]) + np.outer(of_b, b[n])) / np.sin(omega[n]))
        close(np.linalg.norm(way[n], axis=1), np.full(7, np.linalg.norm(a[n])))


@equation("blend")
def test_the_blend(rng: np.random.Generator) -> None:
    """Four standard errors at each place."""
    a, b = rng.integers(0, K, (2, 4000, 32))
    way = (blended(a, b, 5, rng) != a[:, None]).mean(axis=2)
    right = np.linspace(0, 1, 5)[None] * (a != b).mean(axis=1)[:, None]
    errors = 4 * (way - right).std(axis=0) / np.sqrt(len(a))
    assert (np.abs((way - right).mean(axis=0)) <= errors + 1e-12).all()


@equation("attribute")
def test_the_vector_of_an_attribute(rng: np.random.Generator) -> None:
    made = music_vae(Sizes(2, (H, 1), L, (H, 1)), rng=rng, dtype=np.float64)
    x = np.where(rng.random((40, 32)) < rng.random((40, 1)), 0, rng.integers(30, 60, (40, 32)))
    density = (x >= 2).mean(axis=1)
    order, codes = np.argsort(density, kind="stable"), made.encode(x)
    right = sum(codes[i] for i in order[30:]) / 10 - sum(codes[i] for i in order[:10]) / 10
    close(vector(made, x, note_density), right)
