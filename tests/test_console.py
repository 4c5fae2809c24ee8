"""What standard output cannot show does not end a training."""

import io
import sys

import numpy as np
import pytest
import tiny

from nnscratch.losses import l1_penalty
from nnscratch.optimizers import SGD
from nnscratch.training import Trainer
from nnscratch.training.console import printable


class Old:
    """A stream without an encoding, as programs put in the place of standard output."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


@pytest.mark.parametrize(
    ("encoding", "shown"), [("ascii", "? ? 1"), ("latin-1", "? ± 1"), ("utf-8", "β ± 1")]
)
def test_what_cannot_be_shown_is_a_question_mark(
    encoding: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding))
    assert printable("β ± 1") == shown


@pytest.mark.parametrize("stream", [Old(), io.StringIO(), None])
def test_a_stream_without_an_encoding_takes_all(
    stream: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", stream)
    assert printable("β ± 1") == "β ± 1"


def test_progress_is_printed_on_a_narrow_stream_which_stays_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    narrow = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr(sys, "stdout", narrow)
    model = tiny.autoencoder(penalties={"λ |z|": (0.5, l1_penalty)})
    Trainer(model, SGD(0.1), seed=0, batch_size=8).fit(tiny.images(8), epochs=1, progress=True)
    assert narrow.errors == "strict"
    narrow.flush()
    said = narrow.buffer.getvalue()  # type: ignore[attr-defined]
    assert b"epoch 1/1 | train total" in said
    assert b"? |z|" in said
    assert np.isfinite(float(said.rpartition(b" ")[2]))
