"""The equations of docs/vq_vae.md."""

from typing import Any

import numpy as np

import nnscratch as nn
from book.ids import equation
from book.numerics import close, jacobian
from nnscratch.core import Array, pack
from nnscratch.latent_losses import codebook_error
from nnscratch.likelihoods import Gaussian
from nnscratch.models.codebook import perplexity
from nnscratch.models.sequences import SequenceDecoder

BETA, V, P = 0.4, 0.3, 2


def model(seed: int = 0, decay: float | None = None) -> nn.VQVAE:
    """6 numbers to two places of two numbers, of five codes, and back."""
    rng = np.random.default_rng(seed)
    new: Any = {"rng": rng, "dtype": np.float64}
    encoder = nn.Sequential(nn.Dense(6, 4, **new), nn.Reshape(P, 2))  # a sequence (T, D)
    decoder = nn.Sequential(nn.Flatten(), nn.Dense(4, 6, **new))
    book = nn.Codebook(5, 2, decay=decay, **new)
    book.w.value[...] = rng.standard_normal((5, 2))
    return nn.VQVAE(encoder, decoder, book, Gaussian(V), BETA, input_shape=(6,))


def decoded(vq: nn.VQVAE, q: Array) -> Array:
    """The decoder by hand, of q (D, P, N)."""
    dense = vq.decoder[1]
    flat = np.moveaxis(q, 0, 1).reshape(4, -1)
    return dense.w.value @ flat + dense.b.value[:, None]


def nll(vq: nn.VQVAE, q: Array, x: Array) -> float:
    """-log p(x|q), the mean over a batch."""
    d = x - decoded(vq, q)
    return float((d**2).sum() / (2 * V) / x.shape[1] + 3 * np.log(2 * np.pi * V))


def frozen(vq: nn.VQVAE, z: Array, e: Array, x: Array, sg: Any) -> float:
    """The function of z and e in which what is stopped is constant."""
    N = x.shape[1]
    codes = sum(
        ((sg.z[:, p, n] - e[sg.tokens[p, n]]) ** 2).sum() for p in range(P) for n in range(N)
    )
    return float(nll(vq, z + sg.q - sg.z, x) + codes / N + BETA * ((z - sg.q) ** 2).sum() / N)


@equation("nearest")
def test_nearest(rng: np.random.Generator) -> None:
    vq, z = model(), rng.standard_normal((2, P, 7))
    e, found = vq.codebook.w.value, vq.codebook.nearest(z)
    for p in range(P):
        for n in range(7):
            assert found[p, n] == np.argmin([((z[:, p, n] - code) ** 2).sum() for code in e])
            close(vq.codebook.vectors(found)[:, p, n], e[found[p, n]])
            assert found[p, n] == np.argmin([code @ code / 2 - code @ z[:, p, n] for code in e])


@equation("bound")
def test_bound(rng: np.random.Generator) -> None:
    """Two codes, a prior of its own: -log Σ_k p(k) p(x|k) is less than any one summand's."""
    vq, images = model(), rng.random((4, 6))
    prior = nn.LanguageModel(SequenceDecoder(5, 4, 0, rng=rng, dtype=np.float64), steps=P)
    every = np.stack(np.meshgrid(np.arange(5), np.arange(5)), axis=-1).reshape(-1, P)
    log_prior = prior.log_prob(every)
    close(np.exp(log_prior).sum(), 1.0)
    pictures = vq.decode_tokens(every)
    for image, tokens in zip(images, vq.tokens(images), strict=True):
        log_x = -((image - pictures) ** 2).sum(axis=1) / (2 * V) - 3 * np.log(2 * np.pi * V)
        exact = -np.log(np.exp(log_x + log_prior).sum())
        own = (every == tokens).all(axis=1)
        bound = -vq.log_prob(image[None])[0] - prior.log_prob(tokens[None])[0]
        close(bound, -(log_x + log_prior)[own][0])
        assert exact < bound
    close(-np.log(np.full(25, 1 / 25)), np.full(25, P * np.log(5)))


@equation("objective")
def test_objective(rng: np.random.Generator) -> None:
    vq, x = model(), rng.random((6, 5))
    sg = vq.stop(x)
    close(vq.loss(x, rng=rng)[0]["total"], frozen(vq, sg.z, vq.codebook.w.value, x, sg))


@equation("codebook-gradient")
def test_codebook_gradient(rng: np.random.Generator) -> None:
    vq, x, N = model(), rng.random((6, 5)), 5
    sg, e = vq.stop(x), vq.codebook.w.value
    de = np.zeros((5, 2))
    for p in range(P):
        for n in range(N):
            de[sg.tokens[p, n]] += 2 / N * (e[sg.tokens[p, n]] - sg.z[:, p, n])
    close(codebook_error(e, sg.tokens, sg.z)[1], de)
    pack(vq.parameters())
    vq.loss(x, rng=rng)[1](1.0)
    close(vq.codebook.w.grad, de)
    dz = jacobian(lambda q: nll(vq, q, x), sg.q) + 2 * BETA / N * (sg.z - sg.q)
    db = np.moveaxis(dz, 0, 1).reshape(4, N).sum(axis=1)  # of the encoder's bias: z = w x + b
    close(vq.encoder[0].b.grad, db, 1e-8)


@equation("frozen")
def test_frozen(rng: np.random.Generator) -> None:
    """Its derivatives, by differences of the function as written, are what backward adds."""
    vq, x = model(1), rng.random((6, 4))
    sg, e = vq.stop(x), vq.codebook.w.value.copy()
    pack(vq.parameters())
    vq.loss(x, rng=rng, stopped=sg)[1](1.0)
    close(vq.codebook.w.grad, jacobian(lambda e: frozen(vq, sg.z, e, x, sg), e), 1e-8)
    dz = jacobian(lambda z: frozen(vq, z, e, x, sg), sg.z)
    close(vq.encoder[0].b.grad, np.moveaxis(dz, 0, 1).reshape(4, 4).sum(axis=1), 1e-8)


@equation("not-the-gradient")
def test_not_the_gradient(rng: np.random.Generator) -> None:
    vq, x = model(), rng.random((6, 5))
    z = vq.stop(x).z

    def reconstruction(z: Array) -> float:
        return nll(vq, vq.codebook.vectors(vq.codebook.nearest(z)), x)

    close(jacobian(reconstruction, z, 1e-6), np.zeros_like(z))
    assert np.abs(jacobian(lambda q: nll(vq, q, x), vq.stop(x).q)).max() > 0.1


def after_two(gamma: float = 0.9) -> tuple[Any, list[Any], Array, Array]:
    """A codebook after two batches; the batches; its first counts and sums."""
    rng = np.random.default_rng(3)
    book = nn.Codebook(3, 2, decay=gamma, dead=0, rng=rng, dtype=np.float64)
    n, m, batches = book.counts.copy(), book.sums.copy(), []
    for _ in range(2):
        z = rng.standard_normal((2, P, 4))
        batches.append((z, book.nearest(z)))
        book.learn(*batches[-1], book.draw(8, None))
    return book, batches, n, m


@equation("averages")
def test_averages() -> None:
    book, batches, n, m = after_two()
    for z, k in batches:
        for j in range(3):
            n[j] = 0.9 * n[j] + 0.1 * (k == j).sum()
            m[j] = 0.9 * m[j] + 0.1 * z[:, k == j].sum(axis=1)
    close(book.counts, n)
    close(book.sums, m)


@equation("smoothing")
def test_smoothing() -> None:
    book, *_ = after_two()
    n, eps = book.counts, book.EPS
    smooth = (n + eps) / (n.sum() + 3 * eps) * n.sum()
    close(book.w.value, book.sums / smooth[:, None])
    close(smooth.sum(), n.sum())


@equation("perplexity")
def test_perplexity(rng: np.random.Generator) -> None:
    tokens = rng.integers(0, 4, (3, 9))
    p = np.array([(tokens == k).mean() for k in range(4)])
    close(perplexity(tokens, 6), np.exp(-sum(s * np.log(s) for s in p if s)))
    close(perplexity(np.arange(5)[None], 6), 5.0)


@equation("prior")
def test_prior(rng: np.random.Generator) -> None:
    """A step at a time, by the decoder's own step."""
    decoder = SequenceDecoder(4, 3, 0, rng=rng, dtype=np.float64)
    prior, k = nn.LanguageModel(decoder, steps=3), rng.integers(0, 4, (5, 3))
    step, before, total = decoder.start(None), np.full(5, 4), np.zeros(5)
    for i in range(3):
        a = step(before)
        total += (a - np.log(np.exp(a).sum(axis=0)))[k[:, i], np.arange(5)]
        before = k[:, i]
    close(prior.log_prob(k), total)
