"""Takes the picture of docs/explorer.md, docs/img/explorer.png: the explorer in Chromium.

    python docs/img/explorer.py

It trains the VAE of `python -m demos vae`, half a minute on two cores, writes its page, decodes the
plane and draws ε thirty times. It needs the extra `docs` and Chromium.
"""

import shutil
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

import nnscratch as nn

EPOCHS, SIZE, DRAWS = 25, {"width": 1280, "height": 660}, 30
train, test = nn.digits()


def main() -> None:
    """Train, write the page, look at it."""
    vae = nn.models.lesson.dense_vae(rng=np.random.default_rng(0))
    rate = nn.schedules.Cosine(3e-3, EPOCHS * -(-len(train) // 128))
    nn.Trainer(vae, nn.Adam(rate), seed=0).fit(train.images, epochs=EPOCHS, progress=True)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with TemporaryDirectory() as folder, sync_playwright() as p:
        page = nn.explorer.write(Path(folder) / "explorer.html", vae, test)
        browser = p.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page(viewport=SIZE, color_scheme="light")
        tab.goto(page.as_uri())
        tab.wait_for_selector("body[data-ready]", state="attached")
        tab.check("#tiles")
        tab.wait_for_timeout(3000)  # it decodes some pictures a frame
        for _ in range(DRAWS):
            tab.click("#draw")
        tab.wait_for_timeout(300)
        picture = Image.open(BytesIO(tab.screenshot()))
        browser.close()
    path = Path(__file__).with_suffix(".png")
    picture.convert("RGB").quantize(128).save(path, optimize=True)
    print(f"{path}, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
