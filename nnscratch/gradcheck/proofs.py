"""All that is proved of each layer and loss, side by side.

    central    backward against central differences, every entry       (gradcheck.py)
    complex    against the complex step, where forward is analytic     (gradcheck.py)
    adjoint    ⟨f(x) - f(0), v⟩ = ⟨x, backward(v)⟩, where f is affine  (gradcheck.py)
    =plain     the kernels against the definitions of the operations, y and all gradients
    =torch     against PyTorch in float64, y and all gradients, where it is installed (peers.py)
    ulps       float32 against float64, y and all gradients, in units of the last place of the
               largest entry
    moments    of many samples against what they should be, for what has noise: the larger of two
               scores in standard errors

Each is an error, and LIMITS says what is allowed. Beside them stand the promises of a backward
(promises.py). A public layer or loss without a case in certificates.py fails.
"""

import copy
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np

from .. import importance, latent_losses, layers, learned_scale, losses
from ..core import Array, Backward
from ..kernels.paths import plain
from . import peers
from .certificates import Case, cases, with_random_parameters
from .gradcheck import adjoint, gradcheck
from .report import Report

LIMITS = {
    "central": 1e-7,
    "complex": 1e-12,
    "adjoint": 1e-12,
    "=plain": 1e-12,
    "=torch": 1e-12,
    "ulps": 64.0,
    "moments": 5.0,
}
"""The largest error that each column may have."""

DRAWS = 20_000


@dataclass
class Proof:
    """What was found for a layer or loss: an error a column, none where the column has no meaning.

    words   what is wrong and is no number: a broken promise, a missing case
    report  where backward and differences disagree the most
    """

    name: str
    entries: int
    errors: dict[str, float] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    report: Report | None = None

    @property
    def failed(self) -> list[str]:
        """The columns whose error is too large."""
        return [name for name, error in self.errors.items() if not error <= LIMITS[name]]

    @property
    def ok(self) -> bool:
        """Is everything as it should be?"""
        return not self.failed and not self.words


def public() -> set[str]:
    """Every public layer and loss; a loss returns a value and gradients, or values and backward."""
    classes = {name for name in layers.__all__ if isinstance(getattr(layers, name), type)}
    functions = {
        name
        for module in (losses, latent_losses, importance, learned_scale)
        for name, f in vars(module).items()
        if inspect.isfunction(f)
        and not name.startswith("_")
        and f.__module__ == module.__name__
        and _is_loss(*get_args(f.__annotations__.get("return")))
    }
    return classes | functions


def _is_loss(value: Any = None, gradient: Any = None) -> bool:
    return value is float or gradient == Backward


def proofs(seed: int = 0, some: list[Case] | None = None) -> Iterator[Proof]:
    """Yield what is found for each case, and then for each that has none."""
    torch = peers.torch_or_none()
    table = cases(np.random.default_rng(seed)) if some is None else some
    for case in table:
        yield proof(case, torch, np.random.default_rng(seed))
    covered = {title(layer) for _, layer, *_ in table}
    for name in sorted(public() - covered if some is None else ()):
        yield Proof(name, 0, words=["has no case in nnscratch/gradcheck/certificates.py"])


def title(layer: Any) -> str:
    """The name of a loss, or of a layer's class."""
    return getattr(layer, "__name__", type(layer).__name__)


def proof(case: Case, torch: Any, rng: np.random.Generator) -> Proof:
    """Fill in the columns for one case."""
    name, layer, inputs, constants = case
    with_random_parameters(layer, rng)
    report = gradcheck(layer, *inputs, constants=constants, rng=rng)
    found = Proof(name, _entries(report), words=[*report.broken, *report.notes], report=report)
    for method in ("central", "complex"):
        errors = [row.error for row in report.rows if row.method == method]
        if errors:
            found.errors[method] = max(errors)
    args = [rng.standard_normal(a) if isinstance(a, tuple) else a for a in inputs]
    if len(args) == 1 and not constants and hasattr(layer, "forward") and _affine(layer, args[0]):
        [row] = adjoint(layer, args[0], rng=rng).rows
        found.errors["adjoint"] = row.error
    given = [np.asarray(c) for c in constants]
    y = _forward(layer, [*args, *given])[0]
    dy = rng.standard_normal(np.shape(y)) if np.ndim(y) else 1.0
    results = _results(layer, args, given, dy)
    with plain():
        definitions = _results(layer, args, given, dy)
    found.errors["=plain"] = _difference(results, definitions)
    theirs = None if torch is None else peers.gradients(torch, layer, args, given, dy)
    if theirs is not None:
        found.errors["=torch"] = _difference(results, theirs)
    found.errors["ulps"] = _ulps(layer, args, given, dy)
    if title(layer) in MOMENTS:
        found.errors["moments"] = MOMENTS[title(layer)](layer, rng)
    elif getattr(layer, "noisy", False):
        found.words.append("is noisy, and no moments are known (MOMENTS in gradcheck/proofs.py)")
    return found


def _entries(report: Report) -> int:
    return sum(int(np.prod(row.shape)) for row in report.rows if row.method == "central")


def _forward(layer: Any, args: list[Array]) -> tuple[Any, Any]:
    """Run a layer or a loss; the noise is the same in every call."""
    noise = {"rng": np.random.default_rng(1)} if getattr(layer, "noisy", False) else {}
    return getattr(layer, "forward", layer)(*args, **noise)


def _results(layer: Any, args: list[Array], constants: list[Array], dy: Any) -> list[Array]:
    """y and all gradients: of the inputs, and of the parameters."""
    parameters = layer.parameters() if hasattr(layer, "parameters") else {}
    for p in parameters.values():
        p.grad[...] = 0
    y, backward = _forward(layer, [*args, *constants])
    gradients = backward(dy) if callable(backward) else backward
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    found = [np.array(d) for d in gradients if d is not None]  # tokens have no gradient
    return [np.array(y), *found, *(p.grad.copy() for p in parameters.values())]


def _difference(a: list[Array], b: list[Array]) -> float:
    """The largest difference, relative to the largest entry of its array."""
    pairs = zip(a, b, strict=True)
    return max(
        float(np.abs(p - q).max()) / max(float(np.abs(q).max()), 1e-30)
        if p.shape == q.shape
        else np.inf
        for p, q in pairs
    )


def _affine(layer: Any, x: Array) -> bool:
    """Does f(x) - f(0) double with x, and change its sign with it?"""
    zero, one, two, minus = (_forward(layer, [s * x])[0] for s in (0.0, 1.0, 2.0, -1.0))
    if getattr(layer, "whole_batch", False):
        return False
    size = float(np.abs(one - zero).max())
    doubled = np.abs(two - zero - 2 * (one - zero)).max() <= 1e-12 * size
    return bool(doubled and np.abs(minus + one - 2 * zero).max() <= 1e-12 * size)


def _ulps(layer: Any, args: list[Array], constants: list[Array], dy: Any) -> float:
    """The error of float32 on numbers that both precisions have."""
    single = in_single(layer)
    if hasattr(layer, "parameters"):
        theirs = single.parameters()
        for key, p in layer.parameters().items():
            p.value[...] = theirs[key].value

    def results(layer: Any, dtype: Any) -> list[Array]:
        rounded = [
            a.astype(np.float32).astype(dtype) if a.dtype.kind == "f" else a
            for a in (*args, *constants, np.asarray(dy))
        ]
        count = len(args)
        return _results(layer, rounded[:count], rounded[count:-1], rounded[-1])

    pairs = zip(results(single, np.float32), results(layer, np.float64), strict=True)
    return max(
        float(np.abs(a - b).max() / np.spacing(np.float32(max(np.abs(b).max(), 1e-30))))
        for a, b in pairs
    )


def in_single(layer: Any) -> Any:
    """A copy of a layer with all that it holds in float32."""
    single = copy.deepcopy(layer)
    for p in single.parameters().values() if hasattr(single, "parameters") else ():
        p.value, p.grad = p.value.astype(np.float32), p.grad.astype(np.float32)
    for name, held in list(getattr(single, "__dict__", {}).items()):
        if isinstance(held, np.ndarray) and held.dtype == np.float64:
            setattr(single, name, held.astype(np.float32))
        elif isinstance(held, np.dtype) and held == np.float64:
            setattr(single, name, np.dtype(np.float32))
    return single


def _score(samples: Array, mean: Array, variance: Array) -> float:
    """How many standard errors the mean and the variance of DRAWS columns are off, at most."""
    count = samples.shape[-1]
    d = samples - mean[:, None]
    squares = d * d
    of_mean = np.abs(d.mean(axis=-1)) / (samples.std(axis=-1) / np.sqrt(count))
    of_variance = np.abs(squares.mean(axis=-1) - variance) / (squares.std(axis=-1) / np.sqrt(count))
    return float(max(of_mean.max(), of_variance.max()))


def _of_dropout(layer: layers.Dropout, rng: np.random.Generator) -> float:
    x = np.array([1.0, -2.0])
    y, _ = layer.forward(np.repeat(x[:, None], DRAWS, axis=1), rng=rng)
    return _score(y, x, x * x * layer.p / (1 - layer.p))


def _of_sample(layer: layers.GaussianSample, rng: np.random.Generator) -> float:
    mu, logvar = np.array([0.5, -1.0, 2.0]), np.array([-2.0, 0.3, 1.0])
    means, logvars = (np.repeat(a[:, None], DRAWS, axis=1) for a in (mu, logvar))
    z, _ = layer.forward(means, logvars, rng.standard_normal((3, DRAWS)))
    return _score(z, mu, np.exp(logvar))


MOMENTS: dict[str, Callable[..., float]] = {"Dropout": _of_dropout, "GaussianSample": _of_sample}
"""For each layer with noise, how far its moments are from E[y] = x and Var y = x² p/(1-p), or from
E[z] = μ and Var z = σ²."""
