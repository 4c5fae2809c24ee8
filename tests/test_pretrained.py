"""The trained networks of the package: what they are worth, and that they can be made again."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages import text_of
from safetensors.numpy import load_file, save_file

import nnscratch as nn
from nnscratch import pretrained
from nnscratch.command import main as nnscratch
from nnscratch.models.lesson import dense_autoencoder
from nnscratch.pretrained.__main__ import differences, main, row
from nnscratch.pretrained.make import held_out, make, margin
from nnscratch.pretrained.recipes import RECIPES, Recipe
from nnscratch.training.checkpoint import arrays_of

FLOATS = st.floats(-60000, 60000, allow_nan=False)


def test_every_network_has_a_recipe_and_a_file_and_no_file_is_left_over() -> None:
    assert tuple(RECIPES) == pretrained.NAMES
    files = Path(pretrained.__file__).parent.glob("*.safetensors")
    assert {path.stem for path in files} == set(pretrained.NAMES)


def test_all_take_a_megabyte_and_a_half() -> None:
    assert sum(pretrained.file(name).stat().st_size for name in pretrained.NAMES) <= 1_500_000


@pytest.mark.parametrize("name", pretrained.NAMES)
def test_a_network_loses_on_held_out_digits_what_its_file_says(name: str) -> None:
    """In float64 to a thousandth; in float32, where noise has other draws, to a percent."""
    exact = RECIPES[name].make(rng=np.random.default_rng(1), dtype=np.float64)
    nn.load_model(pretrained.file(name), exact)
    said = pretrained.about(name)["held_out"]
    assert held_out(exact) == pytest.approx(said, rel=1e-9, abs=6e-4)
    model = pretrained.load(name)
    assert {a.dtype for a in arrays_of(model).values()} == {np.dtype(np.float32)}
    assert {a.dtype for a in load_file(pretrained.file(name)).values()} == {np.dtype(np.float16)}
    assert held_out(model)["total"] == pytest.approx(said["total"], rel=1e-2)


@pytest.mark.parametrize("name", pretrained.NAMES)
def test_the_page_has_the_row_of_every_network(name: str) -> None:
    assert f"| {' | '.join([f'`{name}`', *row(name)[1:]])} |" in text_of("docs/files.md")


def test_an_unknown_name_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(ValueError, match=r"expected one of dense_autoencoder, .*, got 'gan'"):
        nn.pretrained.load("gan")


# Made again


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of the VAE, a network that is trained in a second."""
    recipe = Recipe(partial(dense_autoencoder, (), 4), "", 1)
    monkeypatch.setitem(RECIPES, "vae", recipe)


@pytest.mark.usefixtures("small")
def test_kernels_and_numpy_on_one_thread_or_two_make_the_same_file(tmp_path: Path) -> None:
    make("vae", tmp_path / "a", threads=1)
    make("vae", tmp_path / "b", threads=2)
    with nn.plain():
        make("vae", tmp_path / "c")
    one, two, plain = ((tmp_path / name).read_bytes() for name in "abc")
    assert one == two == plain
    model = nn.load(tmp_path / "a")
    assert held_out(model)["total"] < 230  # 275 for the mean image


@pytest.mark.usefixtures("small")
def test_the_command_says_what_differs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["vae"]) == 1
    assert "vae: other arrays" in capsys.readouterr().out
    assert nnscratch(["pretrained", "gan"]) == 2
    assert "expected one or more of dense_autoencoder" in capsys.readouterr().err


def test_a_bit_that_differs_is_counted(tmp_path: Path) -> None:
    path = pretrained.file("super_resolution")
    arrays = load_file(path)
    assert differences(path, path) == ""
    save_file(arrays, tmp_path / "same")
    assert differences(path, tmp_path / "same") == "same weights, other description"
    for a in list(arrays.values())[:2]:
        a.ravel()[:1].view(np.uint16)[...] ^= 1
    save_file(arrays, tmp_path / "other")
    assert differences(path, tmp_path / "other") == "2 of 4,945 weights differ"


@given(st.lists(FLOATS, min_size=1, max_size=5), st.floats(-0.99, 0.99))
def test_within_the_margin_nothing_is_rounded_to_another_number(w: Any, share: float) -> None:
    exact = np.array(w)
    moved = exact + share * margin(exact) * np.maximum(np.abs(exact), 2.0**-14)
    assert np.array_equal(exact.astype(np.float16), moved.astype(np.float16))


@given(FLOATS)
def test_beyond_the_margin_a_weight_is_rounded_to_another_number(w: float) -> None:
    least = 1.01 * margin(np.array([w])) * max(abs(w), 2.0**-14)
    assert len({float(np.float16(w + step)) for step in (-least, 0, least)}) > 1


@pytest.mark.once
@pytest.mark.parametrize("name", ["dense_autoencoder", "adversarial_autoencoder"])
def test_a_network_is_made_again_to_the_bit(name: str, tmp_path: Path) -> None:
    make(name, tmp_path / name)
    assert (tmp_path / name).read_bytes() == pretrained.file(name).read_bytes()


# From the command line


@pytest.mark.parametrize("name", ["vae", "conditional_vae", "adversarial_autoencoder"])
def test_commands_take_a_network_by_its_name(name: str, tmp_path: Path) -> None:
    out = tmp_path / "samples.npy"
    assert nnscratch(["sample", f"pretrained:{name}", "-n", "3", "--out", str(out)]) == 0
    assert len(np.load(out)) == 3


def test_a_command_lists_the_names_if_there_is_none_of_this_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert nnscratch(["info", "pretrained:gan"]) == 2
    assert "pretrained: expected one of dense_autoencoder" in capsys.readouterr().err
    assert nnscratch(["info", "pretrained:vae"]) == 0
    assert "epochs = 30" in capsys.readouterr().out
