"""The table of all that is proved: everything is in it, a fault fails the columns that see it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checks.planting import source_as_module

from nnscratch import layers, losses
from nnscratch.core import Array, Parameter
from nnscratch.gradcheck import __main__ as command
from nnscratch.gradcheck import peers, proofs
from nnscratch.gradcheck.certificates import cases
from nnscratch.gradcheck.proofs import LIMITS, Proof
from nnscratch.kernels.paths import on_plain_path

pytestmark = pytest.mark.plain

NAMES = [name for name, *_ in cases(np.random.default_rng(0))]


@pytest.fixture(scope="module")
def found() -> dict[str, Proof]:
    return {proof.name: proof for proof in proofs.proofs()}


@pytest.mark.parametrize("name", NAMES)
def test_certificate(name: str, found: dict[str, Proof]) -> None:
    """Far below what is allowed, but for moments, whose score is of order 1."""
    proof = found[name]
    assert proof.ok, str(proof.report)
    errors = proof.errors
    assert errors["central"] < 1e-9
    assert errors["ulps"] < 8
    assert errors["=plain"] < 1e-14
    assert {"central", "=plain", "ulps"} <= set(errors) <= set(LIMITS)
    assert proof.entries >= 20


def test_every_layer_and_loss_is_among_them(found: dict[str, Proof]) -> None:
    assert list(found) == NAMES
    named = {proofs.title(layer) for _, layer, *_ in cases(np.random.default_rng(0))}
    assert named == proofs.public()
    assert {"Dense", "GaussianSample", "bernoulli_nll", "contraction"} <= named
    assert "gaussian_kl_per_sample" not in named  # it returns no gradient


def test_the_columns_that_each_kind_has(found: dict[str, Proof]) -> None:
    affine = {name for name, proof in found.items() if "adjoint" in proof.errors}
    assert {name for name in NAMES if name.startswith(("Dense", "Conv", "AvgPool"))} <= affine
    assert {"Dropout", "Flatten", "Identity", "UpsampleBilinear2d"} <= affine
    assert affine.isdisjoint({"ReLU", "BatchNorm", "Softmax", "MaxPool2d", "Tanh", "LeakyReLU"})
    assert {name for name in NAMES if "moments" in found[name].errors} == {
        "Dropout",
        "GaussianSample",
    }
    holomorphic = {name for name in NAMES if "complex" in found[name].errors}
    assert {"Dense", "Conv2d", "BatchNorm", "Tanh", "GaussianSample"} <= holomorphic
    assert affine <= holomorphic
    assert all(
        ("=torch" in proof.errors) <= (peers.torch_or_none() is not None)
        for proof in found.values()
    )


# Faults: each makes the columns fail that can see it, and no other


class Toy:
    """A layer of which the parts can be wrong one at a time."""

    def __init__(
        self,
        f: Callable[[Array], Array] = np.square,
        slope: Callable[[Array], Array] = lambda x: 2 * x,
        *,
        holomorphic: bool = False,
    ) -> None:
        self.f, self.slope, self.holomorphic = f, slope, holomorphic

    def forward(self, x: Array) -> Any:
        y, dtype = self.f(x), x.real.dtype
        assert y.real.dtype == dtype

        def backward(dy: Array) -> Array:
            if dy.shape != y.shape or dy.dtype != dtype:
                raise ValueError("dy")
            return self.slope(x) * dy

        return y, backward


class Overwriting(Toy):
    """y = a x², whose backward forgets that a gradient is a sum."""

    def __init__(self) -> None:
        self.a = Parameter(np.ones(1))

    def forward(self, x: Array) -> Any:
        def backward(dy: Array) -> Array:
            if dy.shape != x.shape or dy.dtype != x.dtype:
                raise ValueError("dy")
            self.a.grad[...] = (dy * x * x).sum()
            return 2 * self.a.value.astype(x.dtype) * x * dy

        return self.a.value.astype(x.dtype) * x * x, backward

    def parameters(self) -> dict[str, Parameter]:
        return {"a": self.a}


def slightly(x: Array) -> Array:
    """A factor that differences do not see and the other methods do."""
    return np.full_like(x, 3 * (1 + 1e-9))


def by_path(x: Array) -> Array:
    return x * x * (1 if on_plain_path() else 1 + 1e-10)


def in_half(x: Array) -> Array:
    """Single precision loses half of its digits, double precision none."""
    return np.square(x.astype(np.float16).astype(x.dtype) if x.dtype == np.float32 else x)


def planted(file: str, changes: dict[str, str], name: str) -> Any:
    return getattr(source_as_module(file, changes), name)


def dense(changes: dict[str, str]) -> Any:
    layer = planted("layers/dense.py", changes, "Dense")
    return layer(9, 13, rng=np.random.default_rng(0), dtype=np.float64)


SIGMA_IS_VARIANCE = {"np.exp(logvar / 2)": "np.exp(logvar)", "dz * noise / 2": "dz * noise"}
UNSCALED = {"1 / (1 - self.p)": "1"}

FAULTS: dict[str, tuple[Callable[[], Any], tuple[Any, ...], set[str]]] = {
    "none": (Toy, ((4, 5),), set()),
    "the slope of x² is x": (lambda: Toy(slope=np.copy), ((4, 5),), {"central"}),
    "a ninth digit, analytic": (
        lambda: Toy(lambda x: x**3, lambda x: 3 * x**2 * (1 + 1e-9), holomorphic=True),
        ((4, 5),),
        {"complex"},
    ),
    "a ninth digit, affine": (lambda: Toy(lambda x: 3 * x, slightly), ((4, 5),), {"adjoint"}),
    "kernels that differ": (lambda: Toy(by_path), ((4, 5),), {"=plain"}),
    "half precision": (lambda: Toy(in_half), ((4, 5),), {"ulps"}),
    "a gradient that is not added to": (Overwriting, ((4, 5),), {"a.grad is not added to"}),
    "Dense: dx has the wrong sign": (
        lambda: dense({"return matmul(w.value.T, dy)": "return -matmul(w.value.T, dy)"}),
        ((9, 37),),
        {"central", "complex", "adjoint"},
    ),
    "Dense: dw is halved": (  # the adjoint identity is about dx alone
        lambda: dense({"add_matmul(w, dy, x.T, b)": "add_matmul(w, dy / 2, x.T, b)"}),
        ((9, 37),),
        {"central", "complex"},
    ),
    "Dropout without its scale": (
        lambda: planted("layers/dropout.py", UNSCALED, "Dropout")(0.3),
        ((4, 5),),
        {"moments"},
    ),
    "the sample's σ is its variance": (
        lambda: planted("layers/sampling.py", SIGMA_IS_VARIANCE, "GaussianSample")(),
        ((4, 5), (4, 5), np.random.default_rng(0).standard_normal((4, 5))),
        {"moments"},
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_fails_the_columns_that_see_it(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if fault == "kernels that differ" and on_plain_path():
        pytest.skip("there are no kernels on the plain path")
    monkeypatch.setattr(peers, "torch_or_none", lambda: None)  # its column: test_torch_parity.py
    make, arguments, columns = FAULTS[fault]
    inputs = tuple(a for a in arguments if isinstance(a, tuple))
    case = fault, make(), inputs, arguments[len(inputs) :]
    [proof] = proofs.proofs(some=[case])
    assert {*proof.failed, *proof.words} == columns
    assert proof.ok == (not columns)


def test_noise_without_moments_is_told() -> None:
    class Noisy(layers.Dropout):
        pass

    [proof] = proofs.proofs(some=[("Noisy", Noisy(0.5), ((4, 5),), ())])
    assert "no moments are known" in proof.words[0]


def test_not_a_number_fails() -> None:
    assert Proof("x", 1, {"=plain": float("nan")}).failed == ["=plain"]


# The command


def test_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert command.main(["--json", str(tmp_path / "proofs.json")]) == 0
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert len(lines[0]) <= 100
    assert len({len(line) for line in lines[: 1 + len(NAMES)]}) == 1
    assert [line[:26].rstrip() for line in lines[1 : 1 + len(NAMES)]] == NAMES
    assert f"{len(NAMES)} proved, 0 failed" in out
    written = json.loads((tmp_path / "proofs.json").read_text())
    assert [one["name"] for one in written] == NAMES
    assert all(one["ok"] and one["errors"]["central"] < 1e-7 for one in written)


def test_the_command_fails_on_a_fault_and_on_what_has_no_case(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def forgotten(x: Array) -> tuple[float, Array]:
        """A loss without a case."""
        return 0.0, x

    forgotten.__module__ = losses.__name__
    monkeypatch.setattr(losses, "forgotten", forgotten, raising=False)
    monkeypatch.setattr(layers, "Forgotten", Toy, raising=False)
    monkeypatch.setattr(layers, "__all__", [*layers.__all__, "Forgotten"])
    wrong = "Toy", Toy(slope=np.copy), ((4, 5),), ()
    real = cases(np.random.default_rng(0))
    table = [*(case for case in real if case[0] != "Sigmoid"), wrong]
    monkeypatch.setattr(proofs, "cases", lambda rng: table)
    assert command.main([]) == 1
    out = capsys.readouterr().out
    missing = [line for line in out.splitlines() if "has no case in" in line]
    assert [line.partition(":")[0] for line in missing] == ["Forgotten", "Sigmoid", "forgotten"]
    [row] = [line for line in out.splitlines() if line.startswith("Toy ")]
    assert row.endswith("FAILED")
    assert row.count("!") == 1
    assert "Toy: central" in out
    assert "worst at" in out  # the report says where
    assert f"{len(table) - 1} proved, 4 failed" in out
