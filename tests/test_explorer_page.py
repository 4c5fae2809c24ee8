"""The explorer's page as a file: what is in it, what it refuses, and that it fits."""

import base64
import hashlib
import json
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from checks.explorer import NODE, SOURCES

import nnscratch as nn
from nnscratch.core import Array
from nnscratch.evaluation.baselines import PCA
from nnscratch.evaluation.metrics import mse
from nnscratch.explorer import page as pages
from nnscratch.explorer import write
from nnscratch.models.lesson import mlp


class Read(HTMLParser):
    """The texts of a page by the id of their element, its policy, its addresses."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.texts, self.tags, self.here = dict[str, str](), list[tuple[str, dict[str, Any]]](), ""
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.tags.append((tag, dict(attributes)))
        self.here = dict(attributes).get("id") or tag

    def handle_endtag(self, tag: str) -> None:
        self.here = ""

    def handle_data(self, data: str) -> None:
        self.texts[self.here] = self.texts.get(self.here, "") + data

    @property
    def model(self) -> Any:
        return json.loads(self.texts["model"])


def dataset(N: int = 20, shape: tuple[int, ...] = (4, 4), classes: int = 3) -> nn.Dataset:
    rng = np.random.default_rng(0)
    return nn.Dataset(rng.integers(0, 256, (N, *shape), np.uint8), np.arange(N) % classes)


def conditional() -> nn.ConditionalVAE:
    rng = np.random.default_rng(0)
    encoder, decoder = mlp((16 + 3, 8, 4), rng=rng), mlp((2 + 3, 8, 16), rng=rng)
    return nn.ConditionalVAE(encoder, decoder, 2, classes=3, input_shape=(16,))


def coloured() -> nn.VAE:
    rng = np.random.default_rng(0)
    encoder = nn.Sequential(
        nn.Conv2d(3, 4, 2, stride=2, rng=rng), nn.Flatten(), *mlp((16, 6), rng=rng)
    )
    decoder = nn.Sequential(*mlp((3, 48), rng=rng), nn.Reshape(3, 4, 4))
    return nn.VAE(encoder, decoder, 3, nn.Gaussian(0.1), input_shape=(3, 4, 4))


def test_a_page_holds_all_it_needs_and_may_fetch_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "page.html", tiny.vae(), dataset(), title="A & <b>")
    page = Read(path)
    assert path.stat().st_size < 300_000
    assert page.texts["title"] == "A & <b>"
    [policy] = [
        a["content"]
        for tag, a in page.tags
        if tag == "meta" and "content" in a and "http-equiv" in a
    ]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["img-src"] == "data:"
    assert set(rules) == {
        "default-src",
        "base-uri",
        "form-action",
        "img-src",
        "script-src",
        "style-src",
    }
    for rule, tag in (("script-src", "script"), ("style-src", "style")):
        digest = base64.b64encode(hashlib.sha256(page.texts[tag].encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    addresses = [a[key] for _, a in page.tags for key in ("src", "href") if key in a]
    assert addresses
    assert all(address.startswith("data:") for address in addresses)
    assert not re.findall(r"https?:|import\s|fetch\(|\bexport\b", page.texts["script"])


@pytest.mark.skipif(NODE is None, reason="needs Node: apt install nodejs")
def test_the_modules_are_one_script_without_a_name_twice(tmp_path: Path) -> None:
    (tmp_path / "page.mjs").write_text(pages._script(), "utf-8")
    subprocess.run([str(NODE), "--check", str(tmp_path / "page.mjs")], check=True)


def test_every_module_is_in_the_page() -> None:
    assert {path.stem for path in SOURCES.glob("*.mjs")} == set(pages.MODULES)


def test_the_same_model_makes_the_same_page(tmp_path: Path) -> None:
    a, b = (write(tmp_path / name, tiny.vae(), dataset()).read_bytes() for name in "ab")
    assert a == b


def test_a_model_that_was_saved_and_loaded_makes_the_same_page(tmp_path: Path) -> None:
    model, data = coloured(), dataset(shape=(3, 4, 4))
    nn.save(tmp_path / "model.safetensors", model)
    loaded: Any = nn.load(tmp_path / "model.safetensors")
    before, after = (write(tmp_path / "page", m, data).read_bytes() for m in (model, loaded))
    assert before == after


def test_sources_are_short() -> None:
    """As Python's are, which ruff sees to."""
    for path in SOURCES.glob("*.*"):
        lines = path.read_text("utf-8").splitlines()
        assert len(lines) <= 250, path.name
        assert path.suffix != ".mjs" or max(map(len, lines)) <= 100, path.name


def test_what_each_kind_of_model_says(tmp_path: Path) -> None:
    vae = Read(write(tmp_path / "a", tiny.vae(beta=4.0), dataset(), count=7))
    assert vae.model["variational"] is True
    assert vae.model["samples"]["shape"] == [7, 1, 4, 4]
    assert any("trained with β = 4" in line for line in vae.model["words"]["notes"])
    plain = Read(write(tmp_path / "b", tiny.autoencoder(), dataset().images)).model
    assert (plain["variational"], plain["labels"], plain["classes"]) == (False, None, [])
    assert "KL" not in json.dumps(plain["words"], ensure_ascii=False)
    model = Read(write(tmp_path / "c", conditional(), dataset())).model
    assert (model["conditional"], model["classes"]) == (3, ["0", "1", "2"])
    colour = Read(write(tmp_path / "d", coloured(), dataset(shape=(3, 4, 4)))).model
    assert (colour["form"]["shape"], colour["inverted"]) == ([3, 4, 4], False)
    assert colour["likelihood"] == {"kind": "Gaussian", "settings": {"variance": 0.1}}
    worth = [dimension["worth"] for dimension in colour["dimensions"]]
    assert worth == sorted(worth, reverse=True)


def test_a_likelihood_says_what_javascript_needs_of_it(tmp_path: Path) -> None:
    rng, data = np.random.default_rng(0), dataset(shape=(3, 4, 4))
    rows = data.images.reshape(20, -1)
    of_pca = mse(rows, PCA(2).fit(rows).reconstruct(rows))
    for likelihood, least in ((nn.LearnedGaussian(1e-4), 1e-4), (nn.DiscretisedLogistic(), 1e-3)):
        model = nn.models.build(
            "conv_vae", (3, 4, 4), 2, channels=(4,), likelihood=likelihood, rng=rng
        )
        found = Read(write(tmp_path / "a", model, data)).model["likelihood"]
        assert found["kind"] == type(likelihood).__name__
        assert found["settings"] == {"least": least, "row": 48, "error": pytest.approx(of_pca)}


def test_dimensions_are_ordered_by_their_kl(tmp_path: Path) -> None:
    model, data = coloured(), dataset(shape=(3, 4, 4))
    bound = nn.elbo(model, data, rng=np.random.default_rng(0)).kl_per_dimension
    found = Read(write(tmp_path / "a", model, data)).model["dimensions"]
    np.testing.assert_allclose([d["worth"] for d in found], np.sort(bound)[::-1], rtol=1e-5)
    assert [d["index"] for d in found] == np.argsort(-bound).tolist()


def test_floats_are_shown_as_the_nearest_bytes(tmp_path: Path) -> None:
    """Also (N, 16) of a square: the page is the same to the byte."""
    data = dataset()
    floats = nn.Dataset(data.images / np.float32(255), data.labels)
    flat = nn.Dataset(data.images.reshape(-1, 16), data.labels)
    a, b, c = (write(tmp_path / "a", tiny.vae(), d).read_bytes() for d in (data, floats, flat))
    assert a == b == c


def test_a_model_that_is_too_large_is_rounded_as_little_as_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    model, data = nn.models.lesson.dense_vae((300,), 2, rng=rng), nn.digits().test[:50]
    before = {name: p.value.copy() for name, p in model.parameters().items()}
    sizes = {}
    for limit in (2_500_000, 900_000, 750_000):
        monkeypatch.setattr(pages, "LIMIT", limit)
        page = Read(write(tmp_path / "page", model, data))
        sizes[limit] = (tmp_path / "page").stat().st_size
        notes = " ".join(page.model["words"]["notes"])
        bits = re.findall(r"rounded to ([\d.]+) bits", notes)
        assert (bits == []) == (limit == 2_500_000)
        assert 0.9 * limit < sizes[limit] <= limit or not bits
    monkeypatch.setattr(pages, "LIMIT", 300_000)
    with pytest.raises(
        ValueError, match=r"fit in 300,000 bytes, got \d+,\d+ with weights of 8 bits"
    ):
        write(tmp_path / "none", model, data)
    assert not (tmp_path / "none").exists()
    for name, p in model.parameters().items():
        np.testing.assert_array_equal(p.value, before[name])


@pytest.mark.parametrize(
    ("limit", "room", "want"), [(9e6, 9e6, 400), (9e6, 40_000, 40), (400_000, 9e6, 100)]
)
def test_as_many_samples_are_shown_as_have_room(
    limit: float, room: float, want: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """400; or as many as take a part of the page, 980 letters each; or as the weights leave."""
    monkeypatch.setattr(pages, "LIMIT", int(limit))
    monkeypatch.setattr(pages, "ROOM", int(room))
    model = nn.models.lesson.dense_vae((64,), 2, rng=np.random.default_rng(0))
    data = dataset(500, (28, 28))
    page = pages.made(model, data)
    assert 0.8 * want <= page.count <= want
    assert len(page.html) <= limit
    assert f"The page holds {page.count} of 500 images." in page.html.decode()
    if limit < 9e6:
        assert len(page.html) > 0.9 * limit
        with pytest.raises(ValueError, match="expected a model and samples that fit"):
            pages.made(model, data, count=400)


# What is refused


class Blur(nn.Tanh):
    """A layer of somebody's own."""


class Odd(nn.Bernoulli):
    """A likelihood of somebody's own."""


def of_noise(*shape: int) -> Array:
    return np.random.default_rng(0).random(shape, np.float32)


RNG = np.random.default_rng(0)
SMALLER = nn.Autoencoder(
    nn.Sequential(nn.Flatten(), nn.Dense(4, 2, rng=RNG)),
    nn.Sequential(nn.Dense(2, 16, rng=RNG), nn.Reshape(1, 4, 4)),
    corruption=nn.Downsampling(2),
    input_shape=(1, 4, 4),
)
ONE = nn.Autoencoder(nn.Dense(16, 1, rng=RNG), nn.Dense(1, 16, rng=RNG), input_shape=(16,))
SIGNAL = nn.Autoencoder(
    nn.Dense(15, 2, rng=RNG), nn.Dense(2, 15, rng=RNG), nn.SquaredError(), input_shape=(15,)
)
CLASSIFIER = nn.Classifier(nn.Dense(16, 3, rng=RNG), input_shape=(16,))


@pytest.mark.parametrize(
    ("model", "data", "message"),
    [
        (CLASSIFIER, dataset(), "expected an Autoencoder, VAE or ConditionalVAE, got Classifier"),
        (tiny.vae(Blur()), dataset(), r" encoder, layer 2: the explorer runs .*got Blur\(\)"),
        (tiny.vae(likelihood=Odd()), dataset(), "likelihoods Bernoulli, .*; got Odd"),
        (SMALLER, dataset(), r"encodes samples as they are, got Downsampling\(factor=2\) in front"),
        (tiny.vae(), dataset(shape=(5, 5)), r"expected \(N, 16\), got \(20, 5, 5\)"),
        (tiny.vae(), dataset().images[:1], "expected two samples or more, got 1"),
        (conditional(), dataset().images, "expected a Dataset with labels"),
        (
            tiny.vae(likelihood=nn.SquaredError()),
            9 * of_noise(9, 4, 4),
            r"which shows pictures: expected numbers in \[0, 1\]",
        ),
        (tiny.vae(), nn.Pairs(of_noise(9, 16), of_noise(9, 16)), "or a Dataset, got Pairs"),
    ],
)
def test_what_no_page_can_show_is_refused_before_it_is_written(
    model: Any, data: Any, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=rf"explorer\.write.*{message}"):
        write(tmp_path / "page.html", model, data)
    assert list(tmp_path.iterdir()) == []


def test_a_count_below_two_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"explorer\.write: expected count ≥ 2, got 1"):
        write(tmp_path / "page.html", tiny.vae(), dataset(), count=1)
