"""Which path an operation takes: the fast one, or its definition, and for how long."""

import inspect
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from operations import OF_IMAGES, OF_SEQUENCES, OPERATIONS

import nnscratch
from nnscratch.kernels import paths, rectifiers
from nnscratch.kernels.machine.threads import pool
from nnscratch.kernels.paths import accelerated, from_environment, on_plain_path
from nnscratch.kernels.plain import relu

pytestmark = pytest.mark.plain

FAST = pytest.mark.fast("here the fast path is the usual one")


ONES = np.ones(3)


@pytest.fixture
def which(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Calls relu and returns which of its two implementations has run."""
    monkeypatch.setattr(rectifiers, "relu", lambda x: None)
    return lambda x=ONES: "fast" if relu(x) is None else "definition"


@pytest.mark.parametrize("name", OPERATIONS | OF_IMAGES | OF_SEQUENCES)
def test_a_fast_operation_has_the_signature_of_its_definition(name: str) -> None:
    operation = (OPERATIONS | OF_IMAGES | OF_SEQUENCES)[name]
    fast, definition = operation.fast(), operation.definition
    assert fast.__name__ == definition.__name__ == name
    assert str(inspect.signature(fast)) == str(inspect.signature(definition))
    assert definition.__doc__ == operation.__doc__


@FAST
def test_the_fast_one_runs(which: Any) -> None:
    assert which() == "fast"
    assert not on_plain_path()


@FAST
def test_within_plain_the_definition_runs(which: Any) -> None:
    with nnscratch.plain():
        assert which() == "definition"
        with nnscratch.plain():
            assert on_plain_path()
        assert which() == "definition"
    assert which() == "fast"


@FAST
def test_an_exception_ends_it(which: Any) -> None:
    with pytest.raises(KeyError), nnscratch.plain():
        raise KeyError
    assert which() == "fast"


@FAST
def test_complex_numbers_take_the_definition(which: Any) -> None:
    assert which(np.ones(3, np.complex128)) == "definition"
    assert which(np.ones(3, np.float32)) == "fast"


@FAST
def test_another_thread_is_not_concerned(which: Any) -> None:
    found = []
    with nnscratch.plain():
        other = threading.Thread(target=lambda: found.append(which()))
        other.start()
        other.join()
    assert found == ["fast"]


@FAST
@pytest.mark.parametrize("outside", [True, False])
def test_threads_of_a_pool_are_on_the_path_of_who_asks_them(which: Any, outside: bool) -> None:
    """Whether the path is chosen before the pool begins or while it is there."""
    both = threading.Barrier(2, timeout=20)

    def task(_: int) -> tuple[str, int]:
        both.wait()
        return which(), threading.get_ident()

    def asked(run: Any) -> list[str]:
        paths, threads = zip(*run(task, range(2)), strict=True)
        assert len(set(threads)) == 2
        return list(paths)

    if outside:
        with nnscratch.plain(), pool(2) as run:
            assert asked(run) == ["definition"] * 2
    else:
        with pool(2) as run:
            with nnscratch.plain():
                assert asked(run) == ["definition"] * 2
            assert asked(run) == ["fast"] * 2
    assert which() == "fast"


# The environment


@pytest.mark.parametrize(
    ("value", "plain"), [("1", True), ("0", False), ("", False), (" 1 ", True)]
)
def test_the_environment_chooses(value: str, plain: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NNSCRATCH_PLAIN", value)
    assert from_environment() is plain


def test_the_environment_is_not_guessed_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NNSCRATCH_PLAIN", "yes")
    with pytest.raises(ValueError, match="NNSCRATCH_PLAIN: expected 0 or 1, got 'yes'"):
        from_environment()


# Without Numba


def test_without_numba_the_definitions_run_and_a_warning_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.setattr(paths, "_chosen", paths.ContextVar("fast", default=False))
    paths.numba_is_there.cache_clear()
    try:
        with pytest.warns(RuntimeWarning, match="Numba cannot be imported .*plain NumPy"):
            assert on_plain_path()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert on_plain_path()  # once is enough
            fresh = accelerated("no module of this name")(relu.definition)
            np.testing.assert_array_equal(fresh(ONES), ONES)
    finally:
        paths.numba_is_there.cache_clear()


PROGRAM = """
import sys, warnings
sys.modules["numba"] = sys.modules["llvmlite"] = None
warnings.simplefilter("error")
import numpy as np
import nnscratch
from nnscratch.gradcheck import gradcheck
from nnscratch.layers import Conv2d, Dense
from nnscratch.models.lesson import conv_autoencoder, dense_vae
from nnscratch.optimizers import Adam
from nnscratch.training import Trainer

rng = np.random.default_rng(0)
images = rng.integers(0, 256, (40, 4, 4), np.uint8)
with nnscratch.plain():
    model = dense_vae(hidden=(9,), latent_dim=2, pixels=16, rng=rng)
    adam = Adam(1e-3, clip_norm=1.0)
    trainer = Trainer(model, adam, seed=0, batch_size=20, replicas=2, threads=2)
    history = trainer.fit(images, validation=images, epochs=2, checkpoint=sys.argv[1])
    assert model.encode(images).shape == (40, 2)
    trainer.resume(sys.argv[1])
    gradcheck(Dense(3, 2, rng=rng, dtype=np.float64), (3, 4), rng=rng).raise_if_failed()
    gradcheck(Conv2d(3, 2, 2, rng=rng, dtype=np.float64), (3, 4, 4, 2), rng=rng).raise_if_failed()
    pictures = rng.integers(0, 256, (4, 28, 28), np.uint8)
    model = conv_autoencoder(rng=rng)
    Trainer(model, Adam(1e-3), seed=0, batch_size=4).fit(pictures, epochs=1)
    model.reconstruct(pictures)
print(history[-1]["train"]["total"])
"""


@pytest.mark.parametrize("how", ["environment", "with"])
def test_a_model_lives_without_numba(how: str, tmp_path: Any) -> None:
    """It trains on two threads, is checked and saved and encodes, though Numba is not there."""
    environment = os.environ | {"NNSCRATCH_PLAIN": "1" if how == "environment" else "0"}
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "run.safetensors")],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert float(run.stdout) > 0
