"""The lesson's convolutional autoencoder, an epoch long, beside PyTorch: the same losses."""

import numpy as np
import pytest

from nnscratch.data import digits
from nnscratch.models.lesson import conv_autoencoder
from nnscratch.optimizers import Adam
from nnscratch.training import Trainer
from nnscratch.training.streams import SHUFFLE

torch = pytest.importorskip("torch")

IMAGES, BATCH = 1280, 128


def torch_twin(dtype: "torch.dtype") -> "torch.nn.Sequential":
    """The same network in PyTorch's words; its state is overwritten with ours."""
    nn = torch.nn

    def conv(C: int, F: int, padding: int = 1) -> list["torch.nn.Module"]:
        return [nn.Conv2d(C, F, 3, padding=padding), nn.ReLU()]

    def pool() -> "torch.nn.Module":
        return nn.MaxPool2d(2, ceil_mode=True)

    def up() -> "torch.nn.Module":
        return nn.Upsample(scale_factor=2)

    return nn.Sequential(
        *(*conv(1, 16), pool(), *conv(16, 8), pool(), *conv(8, 8), pool()),
        *(*conv(8, 8), up(), *conv(8, 8), up(), *conv(8, 16, padding=0), up()),
        nn.Conv2d(16, 1, 3, padding=1),
    ).to(dtype)


@pytest.mark.parametrize(("name", "rtol"), [("float32", 1e-4), ("float64", 1e-9)])
def test_an_epoch_ends_with_the_loss_of_pytorch(name: str, rtol: float) -> None:
    images = digits().train.images[:IMAGES]
    model = conv_autoencoder(rng=np.random.default_rng(0), dtype=name)
    trainer = Trainer(model, Adam(1e-3), seed=0, batch_size=BATCH)
    order = trainer.stream(SHUFFLE, 0).permutation(IMAGES)

    twin = torch_twin(getattr(torch, name))
    ours = [torch.from_numpy(p.value.copy()) for p in model.parameters().values()]
    with torch.no_grad():
        for theirs, value in zip(twin.parameters(), ours, strict=True):
            theirs.copy_(value)
    adam = torch.optim.Adam(twin.parameters(), lr=1e-3)
    losses = []
    for start in range(0, IMAGES, BATCH):
        rows = order[start : start + BATCH]
        x = torch.from_numpy((images[rows] / 255).astype(name))[:, None]
        adam.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(twin(x), x, reduction="sum")
        (loss / BATCH).backward()
        adam.step()
        losses.append(float(loss.detach()) / BATCH)

    history = trainer.fit(images, epochs=1)
    assert history[0]["train"]["total"] == pytest.approx(np.mean(losses), rel=rtol)
    rows = order[:BATCH]
    x = torch.from_numpy((images[rows] / 255).astype(name))[:, None]
    with torch.no_grad():
        after = torch.nn.functional.binary_cross_entropy_with_logits(twin(x), x, reduction="sum")
    assert trainer.evaluate(images[rows])["total"] == pytest.approx(float(after) / BATCH, rel=rtol)
