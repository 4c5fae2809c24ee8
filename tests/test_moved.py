"""What was written for an earlier version still runs, and is told the new names."""

import copy
import subprocess
import sys
import textwrap
from importlib import import_module, invalidate_caches
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny

import nnscratch
import nnscratch as nn
from nnscratch import _moved
from nnscratch.optimizers import SGD
from nnscratch.training import Trainer

MODULES = sorted(_moved.MODULES.items())
NAMES = [(m, old, new) for m, names in _moved.NAMES.items() for old, new in names.items()]


def forget(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a module be imported as if for the first time; its new name keeps what it has."""
    monkeypatch.delitem(sys.modules, name, raising=False)
    package, _, last = name.rpartition(".")
    monkeypatch.delattr(import_module(package), last, raising=False)


@pytest.mark.parametrize(("old", "new"), MODULES)
def test_an_old_module_is_the_new_one(old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = import_module(new)
    spec = module.__spec__
    forget(old, monkeypatch)
    with pytest.warns(DeprecationWarning, match=f"^{old} is now {new}; ") as caught:
        found = import_module(old)
    assert found is module
    assert module.__spec__ is spec
    assert module.__name__ == new
    assert len(caught) == 1


@pytest.mark.parametrize(("old", "_"), MODULES)
def test_no_old_module_hides_a_file(old: str, _: str) -> None:
    path = Path(nnscratch.__file__).parents[1] / old.replace(".", "/")
    assert not path.with_suffix(".py").exists()
    assert not path.exists()


@pytest.mark.parametrize(("module", "old", "new"), NAMES)
def test_an_old_name_is_the_new_one(module: str, old: str, new: str) -> None:
    if module == "sklearn":
        pytest.importorskip("sklearn")  # an extra
    home = import_module(f"nnscratch.{module}")
    with pytest.warns(DeprecationWarning, match=rf"^nnscratch\.{module}\.{old} is now {new}; "):
        assert getattr(home, old) is getattr(home, new)
    assert not hasattr(home, "nothing")
    assert old not in getattr(home, "__all__", [])


def test_each_import_statement_finds_an_old_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the warning points at the line that has it, from which Python shows it by default."""
    code = """
        import nnscratch.threads
        import nnscratch.checkpoint as c
        from nnscratch import metrics
        from nnscratch.lanes import Lanes
        from nnscratch.layers import Relu
        from nnscratch.evaluation import ledger
        from nnscratch.training.checkpoint import load_model
        assert c.load_model is load_model
        assert nnscratch.threads.cores() > 0
    """
    run = [sys.executable, "-c", textwrap.dedent(code)]
    said = subprocess.run(run, capture_output=True, text=True, check=True).stderr
    lines = [line for line in said.splitlines() if "DeprecationWarning" in line]
    assert [line.split(":")[1] for line in lines] == ["2", "3", "4", "5", "5", "6", "7"]
    assert all(line.startswith("<string>") for line in lines)


def test_a_module_that_never_was_is_not_found() -> None:
    invalidate_caches()
    with pytest.raises(ModuleNotFoundError, match=r"nnscratch\.nothing"):
        import_module("nnscratch.nothing")
    with pytest.raises(ModuleNotFoundError):
        import_module("metrics")


def test_lanes_are_replicas() -> None:
    with pytest.warns(DeprecationWarning, match=r"Trainer\(lanes=\) is now Trainer\(replicas=\)"):
        trainer = Trainer(tiny.autoencoder(), SGD(0.1), seed=0, lanes=2)
    assert len(trainer.replicas.models) == 2
    with pytest.warns(DeprecationWarning, match=r"Trainer\.lanes is now Trainer\.replicas"):
        assert trainer.lanes is trainer.replicas


def test_fit_takes_its_data_as_images() -> None:
    trainer = Trainer(tiny.autoencoder(), SGD(0.1), seed=0, batch_size=16)
    with pytest.warns(DeprecationWarning, match=r"fit\(images=\) is now fit\(data=\)"):
        trainer.fit(images=tiny.images(32), epochs=1)  # type: ignore[call-arg]
    assert trainer.epoch == 1


def test_attributes_of_a_trainer_that_have_new_names() -> None:
    """A program may put a function of its own in the place of `learn`."""
    trainer = Trainer(tiny.autoencoder(), SGD(0.1), seed=0, batch_size=16)
    calls = []
    with pytest.warns(DeprecationWarning, match=r"Trainer\.learn is now Trainer\.train_step"):
        learn = trainer.learn

    def counted(*args: Any) -> Any:
        with pytest.warns(DeprecationWarning, match=r"Trainer\.step is now Trainer\.batch_index"):
            calls.append(trainer.step)
        return learn(*args)

    with pytest.warns(DeprecationWarning, match=r"Trainer\.learn is now Trainer\.train_step"):
        trainer.learn = counted
    trainer.fit(tiny.images(32), epochs=1)
    assert calls == [0, 1]


@pytest.mark.parametrize("kind", ["Conv2d", "ConvTranspose2d", "Conv1d", "MaxPool2d"])
def test_relu_as_an_argument_is_relu_as_a_layer(kind: str, rng: np.random.Generator) -> None:
    shape = (6, 2, 4) if kind == "Conv1d" else (2, 6, 6, 4)
    x = rng.standard_normal(shape).astype(np.float32)

    def made(**options: Any) -> Any:
        if kind == "MaxPool2d":
            return nn.MaxPool2d(2, **options)
        return getattr(nn, kind)(2, 3, 3, rng=np.random.default_rng(0), **options)

    with pytest.warns(DeprecationWarning, match=rf"{kind}\(relu=\) is now a layer of its own"):
        old = copy.deepcopy(made(relu=True))
    new = nn.Sequential(made(), nn.ReLU())
    (y, backward), (want, want_backward) = old.forward(x), new.forward(x)
    assert not old.holomorphic
    np.testing.assert_array_equal(y, want)
    np.testing.assert_array_equal(backward(y), want_backward(want))
    for p, q in zip(old.parameters().values(), new.parameters().values(), strict=True):
        np.testing.assert_array_equal(p.grad, q.grad)
    with pytest.warns(DeprecationWarning, match=rf"{kind}\(relu=\)"):
        assert (made(relu=False).forward(x)[0] <= 0).any() or kind == "MaxPool2d"


def test_a_checkpoint_of_lanes_goes_on(tmp_path: Path) -> None:
    """Settings of earlier versions have a number of lanes."""
    from nnscratch.training import checkpoint

    def trainer() -> Trainer:
        return Trainer(tiny.autoencoder(), SGD(0.1), seed=0, batch_size=16, replicas=2)

    first = trainer()
    first.fit(tiny.images(32), epochs=1, checkpoint=tmp_path / "new")
    arrays, info = checkpoint.read(tmp_path / "new")
    info["settings"]["lanes"] = info["settings"].pop("replicas")
    checkpoint.write(tmp_path / "old", arrays, info)
    second = trainer()
    second.resume(tmp_path / "old")
    np.testing.assert_array_equal(first.replicas.theta.value, second.replicas.theta.value)
    assert second.epoch == 1
