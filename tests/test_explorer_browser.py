"""The explorer in a browser: what it shows is what NumPy computes, and each way to use it acts."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnscratch as nn
from nnscratch.core import Array
from nnscratch.evaluation import PCA
from nnscratch.evaluation.metrics import bce, bce_floor
from nnscratch.explorer import write
from nnscratch.explorer.packing import rounded_model
from nnscratch.losses import bernoulli_nll, gaussian_kl
from nnscratch.models.interpolation import lerp, slerp
from nnscratch.models.lesson import mlp

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [pytest.mark.once, pytest.mark.filterwarnings("default")]

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
COUNT = 200


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs the extra `docs`")
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt install chromium")
    with playwright.sync_playwright() as p:
        yield p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


def colour() -> nn.Dataset:
    """Blobs of colour, 3×16×16, in three classes: which channel is the brightest."""
    rng = np.random.default_rng(0)
    labels, place = np.arange(300) % 3, np.arange(16)
    centre = rng.uniform(4, 12, (300, 2, 1))
    blobs = [np.exp(-((place - centre[:, a]) ** 2) / 20) for a in (0, 1)]
    shape = blobs[0][:, None, :, None] * blobs[1][:, None, None, :]
    tint = np.where(np.arange(3) == labels[:, None], 1, rng.uniform(0, 0.5, (300, 3)))
    return nn.Dataset(np.float32(0.1 + 0.85 * tint[:, :, None, None] * shape), labels)


def models() -> dict[str, tuple[Any, nn.Dataset, nn.Dataset]]:
    """A model of each kind, what it learns from and what its page shows."""
    rng, (train, test) = np.random.default_rng(0), nn.digits()
    train, test = train[:2000], test[:COUNT]
    lesson, pictures = nn.models.lesson, colour()
    filters, sizes = nn.Conv2d(1 + 10, 8, 4, stride=4, rng=rng), (8 * 7 * 7, 4)
    encoder = nn.Sequential(filters, nn.ReLU(), nn.Flatten(), *mlp(sizes, rng=rng))
    decoder = nn.Sequential(*mlp((2 + 10, 64, 784), rng=rng), nn.Reshape(1, 28, 28))
    return {
        "dense": (lesson.dense_vae((64,), 2, rng=rng), train, test),
        "large": (lesson.dense_vae((512,), 2, rng=rng), train, test),
        "conv": (lesson.kvfrans_vae(5, rng=rng), train, test),
        "autoencoder": (lesson.dense_autoencoder((64,), 32, rng=rng), train, test),
        "conditional": (
            nn.ConditionalVAE(encoder, decoder, 2, classes=10, input_shape=(1, 28, 28)),
            train,
            test,
        ),
        "colour": (
            lesson.keras_conv_vae(
                3, likelihood=nn.Gaussian(0.002), beta=0.1, image=(3, 16, 16), rng=rng
            ),
            pictures,
            pictures,
        ),
        "colour, Gaussian": (learned(nn.LearnedGaussian()), pictures, pictures),
        "colour, levels": (learned(nn.DiscretisedLogistic()), pictures, pictures),
    }


def learned(likelihood: Any) -> nn.VAE:
    """A model of colour whose decoder returns a mean and a scale for each number."""
    rng, shape = np.random.default_rng(1), (3, 16, 16)
    more = {"latent_dim": 3, "channels": (8,), "likelihood": likelihood, "rng": rng}
    return nn.models.build("conv_vae", shape, **more)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, nn.Dataset, Path]]:
    """Trained for a moment, with the weights of their pages, each with its page."""
    folder, found = tmp_path_factory.mktemp("pages"), {}
    for name, (model, train, test) in models().items():
        trainer = nn.Trainer(model, nn.Adam(5e-3), seed=0, batch_size=32)
        trainer.fit(train, epochs=40 if "colour" in name else 1, progress=False)
        path = write(folder / f"{name}.html", model, test)
        bits = re.findall(r"rounded to ([\d.]+) bits", path.read_text("utf-8"))
        assert (bits != []) == (name == "large")
        found[name] = rounded_model(model, float(bits[0]) if bits else None)[0], test, path
    return found


class Page:
    """A page in a tab; whatever it asks for or says is a fault."""

    def __init__(self, browser: Any, path: Path, *, phone: bool = False, **more: Any) -> None:
        size = PHONE if phone else DESK
        self.context = browser.new_context(viewport=size, has_touch=phone, **more)
        self.tab, self.faults = self.context.new_page(), list[str]()
        self.tab.on("console", lambda message: self.faults.append(message.text))
        self.tab.on("pageerror", lambda error: self.faults.append(str(error)))
        self.tab.on("request", lambda request: self.faults.append(request.url))
        self.tab.goto(path.as_uri())
        self.tab.wait_for_selector("body[data-ready]", state="attached")

    def __enter__(self) -> "Page":
        return self

    def __exit__(self, *error: object) -> None:
        faults = [fault for fault in self.faults[1:] if not fault.startswith("data:")]
        self.context.close()
        assert error[0] or faults == []

    def settle(self) -> None:
        """Wait for the pictures that follow from what was just done."""
        frames = "new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))"
        self.tab.evaluate(frames)

    def pixels(self, selector: str, channels: int = 1) -> Array:
        """Return what a canvas shows, (C, H, W) in grey levels."""
        code = """selector => {
            const canvas = document.querySelector(selector), { width, height } = canvas;
            const copy = new OffscreenCanvas(width, height);  // to read from is to be slow
            const c = copy.getContext("2d", { willReadFrequently: true });
            c.drawImage(canvas, 0, 0);
            return [height, width, [...c.getImageData(0, 0, width, height).data]];
        }"""
        H, W, data = self.tab.evaluate(code, selector)
        return np.array(data, np.float64).reshape(H, W, 4).transpose(2, 0, 1)[:channels]

    def z(self) -> Array:
        return np.array([json.loads(self.tab.get_attribute("#z", "data-value"))], np.float32)

    def terms(self) -> dict[str, float]:
        code = "() => [...document.querySelectorAll('#terms td')].map(c => [c.id, c.dataset.value])"
        return {name.removeprefix("term-"): float(v) for name, v in self.tab.evaluate(code)}

    def text(self, selector: str) -> str:
        return self.tab.inner_text(selector)

    def place(self, selector: str, x: float, y: float) -> tuple[float, float]:
        """Return the place on the screen, given as a share of an element."""
        self.tab.locator(selector).scroll_into_view_if_needed()
        box = self.tab.locator(selector).bounding_box()
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def drag(self, selector: str, *places: tuple[float, float]) -> None:
        self.tab.mouse.move(*self.place(selector, *places[0]))
        self.tab.mouse.down()
        for place in places[1:]:
            self.tab.mouse.move(*self.place(selector, *place), steps=6)
        self.tab.mouse.up()
        self.settle()


def levels(pictures: Array) -> Array:
    return 255 * pictures.clip(0, 1)


def check_all(page: Page, model: Any, data: nn.Dataset, label: int | None = None) -> None:
    """All that is shown, computed once more by NumPy from x and z."""
    channels = data.images.shape[1] if data.images.ndim == 4 else 1
    x, z = page.pixels("#x", channels)[None] / 255, page.z()
    y = None if label is None else np.array([label])
    want = model.decode(z.reshape(1, *model.code_shape), y).reshape(x.shape)
    assert np.abs(page.pixels("#decoded", channels) - levels(want)[0]).max() <= 1
    pca = PCA(min(z.size, 32)).fit(to_bytes(data.images))
    linear = pca.reconstruct(np.rint(255 * x).astype(np.uint8).reshape(1, *data.images.shape[1:]))
    assert np.abs(page.pixels("#by-pca", channels) - levels(linear)[0]).max() <= 1
    terms = page.terms()
    a = model.decoder.forward(with_label(z.reshape(1, *model.code_shape), label))[0]
    target = np.moveaxis(x.reshape(1, *model.input_shape), 0, -1).astype(np.float32)
    nll = model.likelihood.nll(a, target)[0]
    assert terms["nll"] == pytest.approx(nll, abs=0.01)
    if isinstance(model, nn.VAE):
        mu, logvar = model.posterior(x.reshape(1, *model.input_shape).astype(np.float32), y)
        kl = gaussian_kl(mu.T, logvar.T)[0]
        assert terms["kl"] == pytest.approx(kl, abs=0.01)
        assert terms["sum"] == pytest.approx(nll + kl, abs=0.01)
    else:
        assert set(terms) == {"nll", "floor", "pca"}
    if isinstance(model.likelihood, nn.Bernoulli):
        assert terms["nll"] == pytest.approx(bernoulli_nll(a, target)[0], abs=0.01)
        assert terms["floor"] == pytest.approx(bce_floor(x), abs=0.01)
        assert terms["pca"] == pytest.approx(bce(x, linear.reshape(x.shape)), abs=0.01)
    for name in terms:
        shown = page.text(f"#term-{name}").replace("−", "-")
        assert shown == f"{terms[name]:.2f} nats"


def with_label(z: Array, label: int | None) -> Array:
    z = np.moveaxis(z, 0, -1)
    if label is None:
        return z
    return np.concatenate([z, np.eye(10, dtype=z.dtype)[:, [label]]])


def to_bytes(images: Any) -> Any:
    return images if images.dtype == np.uint8 else np.rint(255 * images).astype(np.uint8)


@pytest.mark.parametrize("name", models())
def test_a_page_shows_what_numpy_computes(name: str, pages: Any, browser: Any) -> None:
    """At the mean, at a draw of ε, where one has dragged to, and of a drawing."""
    model, data, path = pages[name]
    given = int(data.labels[0]) if model.classes else None
    assert path.stat().st_size <= 1_500_000
    with Page(browser, path) as page:
        channels = data.images.shape[1] if data.images.ndim == 4 else 1
        np.testing.assert_array_equal(
            page.pixels("#x", channels).ravel(), to_bytes(data.images[0]).ravel()
        )
        check_all(page, model, data, given)
        mean = page.z()
        if isinstance(model, nn.VAE):
            for _ in range(3):
                page.tab.click("#draw")
            page.settle()
            assert not np.array_equal(page.z(), mean)
            assert "draw 3" in page.text("#origin")
            assert "of 3 draws" in page.text("#draws")
            check_all(page, model, data, given)
        before = page.pixels("#decoded", channels)
        page.drag("#plane", (0.5, 0.5), (0.1, 0.9))
        moved = page.z()
        assert (np.abs(moved - mean) > 1e-3).sum() >= 2
        assert np.abs(page.pixels("#decoded", channels) - before).max() > 20
        check_all(page, model, data, given)
        page.drag("#pad", (0.4, 0.2), (0.6, 0.3), (0.45, 0.8))
        assert page.text("#subject") == "x: your drawing"
        check_all(page, model, data, given)
        page.tab.click("#mean")
        page.settle()
        check_all(page, model, data, given)


def test_pointing_holding_and_keys(pages: Any, browser: Any) -> None:
    _, _, path = pages["dense"]
    with Page(browser, path) as page:
        page.tab.mouse.move(*page.place("#plane", 0.5, 0.5))
        seen = set()
        for x in np.linspace(0.3, 0.7, 9):
            page.tab.mouse.move(*page.place("#plane", x, 0.5))
            page.settle()
            seen.add(page.text("#subject"))
        assert len(seen) > 2
        page.drag("#plane", (0.5, 0.5), (0.4, 0.4))
        held = page.text("#subject")
        page.tab.mouse.move(*page.place("#plane", 0.55, 0.5))
        page.settle()
        assert page.text("#subject") == held
        assert "held" in page.text("#origin")
        page.tab.focus("#plane")
        page.tab.keyboard.press("Escape")
        page.settle()
        assert "held" not in page.text("#origin")
        before, step = page.z(), {"ArrowRight": (1, 0), "ArrowUp": (0, 1), "ArrowLeft": (-1, 0)}
        for key, way in step.items():
            page.tab.keyboard.press(key)
            page.settle()
            after = page.z()
            assert np.sign(np.round(after - before, 6)).tolist() == [list(way)]
            before = after
        for key, words in (("n", "digit"), ("e", "digit"), ("m", "digit"), ("p", "digit")):
            was = page.text("#subject") + page.text("#z")
            page.tab.keyboard.press(key)
            page.settle()
            assert page.text("#subject") + page.text("#z") != was
            assert words in page.text("#subject")
        page.tab.focus("#pad")
        page.tab.keyboard.press("ArrowUp")
        assert page.text("#subject") != "x: your drawing"
        page.tab.keyboard.press("Shift+ArrowUp")
        page.settle()
        assert page.text("#subject") == "x: your drawing"


def test_fingers(pages: Any, browser: Any) -> None:
    """A tap picks what is near it; a drag over the plane decodes and does not scroll."""
    _, _, path = pages["dense"]
    with Page(browser, path, phone=True) as page:
        session = page.context.new_cdp_session(page.tab)

        def touch(kind: str, *places: tuple[float, float]) -> None:
            points = [{"x": x, "y": y} for x, y in places]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        before = page.text("#subject")
        page.tab.touchscreen.tap(*page.place("#plane", 0.5, 0.5))
        page.settle()
        assert page.text("#subject") != before
        top, seen = page.tab.evaluate("scrollY"), []
        touch("touchStart", page.place("#plane", 0.5, 0.4))
        for y in np.linspace(0.45, 0.8, 8):
            touch("touchMove", page.place("#plane", 0.5, y))
            page.settle()
            seen.append(float(page.z()[0, 1]))
        assert len(set(seen)) == 8
        assert seen == sorted(seen, reverse=True)
        assert page.text("#origin").startswith("where you put it")
        touch("touchEnd")
        assert page.tab.evaluate("scrollY") == top
        page.tab.locator("#pad").scroll_into_view_if_needed()
        touch("touchStart", page.place("#pad", 0.5, 0.2))
        for y in np.linspace(0.25, 0.8, 8):
            touch("touchMove", page.place("#pad", 0.5, y))
        touch("touchEnd")
        page.settle()
        assert page.text("#subject") == "x: your drawing"
        assert page.pixels("#pad").max() == 255


def test_paths(pages: Any, browser: Any) -> None:
    model, data, path = pages["conv"]
    with Page(browser, path) as page:
        other = int(np.flatnonzero(data.labels != data.labels[0])[0])
        ends = model.encode(data.images[[0, other]])
        for name, way in (("straight", lerp), ("spherical", slerp)):
            codes = way(ends[:1], ends[1:], np.linspace(0, 1, 9, dtype=np.float32))[0]
            want = levels(model.decode(codes))
            for k in range(9):
                got = page.pixels(f"#{name}-strip > :nth-child({k + 1}) > canvas")
                assert np.abs(got - want[k]).max() <= 1
            page.tab.click(f"#{name}-strip > :nth-child(4)")
            page.settle()
            np.testing.assert_allclose(page.z()[0], codes[3], atol=1e-4)
        page.tab.click("#next")
        page.settle()
        page.tab.click("#to")
        page.settle()
        end = page.pixels("#straight-strip > :last-child > canvas")
        np.testing.assert_array_equal(end, page.pixels("#decoded"))
        page.tab.fill("#t", "1")
        page.settle()
        np.testing.assert_allclose(page.z(), model.encode(data.images[[1]]), atol=1e-4)


def test_sliders_stand_in_the_order_of_the_kl(pages: Any, browser: Any) -> None:
    model, data, path = pages["conv"]
    with Page(browser, path) as page:
        inputs = "[...document.querySelectorAll('#sliders input')]"
        order = page.tab.evaluate(f"() => {inputs}.map(each => Number(each.dataset.index))")
        kl = nn.elbo(model, data, rng=np.random.default_rng(0)).kl_per_dimension
        assert order == np.argsort(-kl).tolist()
        page.tab.fill(f"#sliders input[data-index='{order[-1]}']", "1.5")
        page.settle()
        assert page.z()[0, order[-1]] == pytest.approx(1.5, abs=0.02)
        check_all(page, model, data)


def test_ten_digits_of_one_hand(pages: Any, browser: Any) -> None:
    model, data, path = pages["conditional"]
    with Page(browser, path) as page:
        page.drag("#plane", (0.5, 0.5), (0.4, 0.4))
        want = levels(model.decode(page.z().repeat(10, axis=0), np.arange(10)))
        for k in range(10):
            got = page.pixels(f"#ten > :nth-child({k + 1}) > canvas")
            assert np.abs(got - want[k]).max() <= 1
        page.tab.select_option("#label", "3")
        page.settle()
        check_all(page, model, data, 3)


def test_the_plane_can_be_decoded_and_classes_hidden(pages: Any, browser: Any) -> None:
    _, _, path = pages["dense"]
    with Page(browser, path) as page:
        before = page.pixels("#plane", 4)
        page.tab.click("#classes button")
        page.settle()
        hidden = page.pixels("#plane", 4)
        assert (hidden != before).any()
        page.tab.check("#tiles")
        page.tab.wait_for_timeout(1500)
        assert (page.pixels("#plane", 4)[3] == 255).mean() > 0.99
        page.tab.uncheck("#tiles")
        page.settle()
        np.testing.assert_array_equal(page.pixels("#plane", 4), hidden)


@pytest.mark.parametrize("name", models())
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("phone", [False, True])
def test_nothing_is_wider_than_the_screen(
    name: str, scheme: str, phone: bool, pages: Any, browser: Any
) -> None:
    with Page(browser, pages[name][2], phone=phone, color_scheme=scheme) as page:
        assert page.tab.evaluate("document.scrollingElement.scrollWidth") <= page.tab.evaluate(
            "innerWidth"
        )
        if phone:  # one sees what one drags
            seen = page.tab.locator("#decoded").bounding_box()
            assert seen["y"] + seen["height"] <= PHONE["height"]


def test_without_scripts_there_is_a_picture(pages: Any, browser: Any) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(pages["dense"][2].as_uri())
    box = tab.locator("noscript img").bounding_box()
    assert min(box["width"], box["height"]) > 300
    assert not tab.locator("main").is_visible()
    context.close()


def test_a_foreign_script_does_not_run(pages: Any, browser: Any, tmp_path: Path) -> None:
    """Not even one that somebody writes into the file, nor a request of the page's own."""
    text = pages["dense"][2].read_text("utf-8")
    page = tmp_path / "page.html"
    evil = "<script>document.title = 'taken'</script><img src='http://127.0.0.1:9/a.png'>"
    page.write_text(text.replace("<header>", f"<header>{evil}"), "utf-8")
    tab, asked = browser.new_page(), list[str]()
    tab.on("requestfinished", lambda request: asked.append(request.url))
    tab.goto(page.as_uri())
    tab.wait_for_selector("body[data-ready]", state="attached")
    assert tab.title() != "taken"
    assert tab.evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'no')") == "no"
    assert not any(url.startswith("http") for url in asked)
    tab.close()
