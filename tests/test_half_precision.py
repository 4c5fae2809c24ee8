"""A model file with weights in float16: `nn.save(path, model, half=True)`."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

import nnscratch as nn
from nnscratch.training import checkpoint

pytestmark = [pytest.mark.plain, pytest.mark.oldest]


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(["float32", "float64"]), st.integers(0, 2**32 - 1))
def test_weights_come_back_rounded_in_the_dtype_they_had(
    tmp_path_factory: pytest.TempPathFactory, dtype: Any, seed: int
) -> None:
    path = tmp_path_factory.mktemp("half") / "model"
    model = tiny.vae(nn.BatchNorm(tiny.H, dtype=dtype), dtype=dtype)
    rng = np.random.default_rng(seed)
    for a in checkpoint.arrays_of(model).values():
        a[...] = rng.standard_normal(a.shape) * 10.0 ** rng.integers(-9, 4)
    nn.save(path, model, half=True)
    assert {a.dtype for a in load_file(path).values()} == {np.dtype(np.float16)}
    for other in (nn.load(path), tiny.vae(nn.BatchNorm(tiny.H, dtype=dtype), dtype=dtype)):
        nn.load_model(path, other)
        theirs = checkpoint.arrays_of(other)
        for name, a in checkpoint.arrays_of(model).items():
            assert theirs[name].dtype == dtype
            assert np.array_equal(theirs[name], a.astype(np.float16))


def test_a_model_of_such_weights_is_the_same_to_the_bit(tmp_path: Path) -> None:
    nn.save(tmp_path / "a", tiny.vae(), half=True)
    model = nn.load(tmp_path / "a")
    nn.save(tmp_path / "b", model, half=True)
    x = tiny.images(3).reshape(3, -1)
    again = nn.load(tmp_path / "b")
    assert again.reconstruct(x).tobytes() == model.reconstruct(x).tobytes()
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("value", [65520.0, -1e30])
def test_a_weight_beyond_the_range_is_refused_by_name(value: float, tmp_path: Path) -> None:
    model = tiny.vae()
    model.decoder[0].b.value[0] = value
    with pytest.raises(ValueError, match=r"save VAE as float16: .* infinity in decoder\.0\.bias"):
        nn.save(tmp_path / "model", model, half=True)
    assert list(tmp_path.iterdir()) == []


def test_half_is_true_or_false(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="save VAE: expected half, True or False, got 'float16'"):
        nn.save(tmp_path / "model", tiny.vae(), half="float16")  # type: ignore[arg-type]


def test_no_other_dtype_takes_the_place_of_the_models(tmp_path: Path) -> None:
    """A float16 number is one of float32 too; a float32 model is not one of float64."""
    nn.save_model(tmp_path / "single", tiny.vae())
    with pytest.raises(ValueError, match=r"expected decoder.* float64, got .* float32"):
        nn.load_model(tmp_path / "single", tiny.vae(dtype="float64"))
