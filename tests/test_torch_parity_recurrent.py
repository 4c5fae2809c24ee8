"""RNN, LSTM and GRU against PyTorch in float64: packed sequences, states, weights from a file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checks.recurrent import KINDS, new

import nnscratch as nn
from nnscratch.core import Array

torch = pytest.importorskip("torch")

T, D, H, N = 6, 3, 4, 5
LENGTHS = np.array([6, 2, 1, 4, 6])
OPTIONS = [
    {},
    {"layers": 2},
    {"bidirectional": True},
    {"layers": 3, "bidirectional": True},
    {"bias": False},
]


def twin(kind: str, layer: Any, **options: Any) -> Any:
    """Return PyTorch's layer with the same parameters, in float64."""
    options = {{"layers": "num_layers"}.get(k, k): v for k, v in options.items()}
    theirs = getattr(torch.nn, kind)(D, H, **options).double()
    theirs.load_state_dict({k: torch.from_numpy(p.value) for k, p in layer.parameters().items()})
    return theirs


def leaf(a: Array) -> Any:
    return torch.from_numpy(a.copy()).requires_grad_()


def their_axes(a: Array) -> Array:
    """(T, D, N) ↦ (T, N, D)."""
    return np.ascontiguousarray(a.swapaxes(1, 2))


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "packed"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_outputs_and_all_gradients(kind: str, options: Any, lengths: Any, rng: Any) -> None:
    """Of x, the initial states and θ; with gradients of the outputs and of the final states."""
    layer = new(kind, rng, D, H, **options)
    theirs, pair = twin(kind, layer, **options), kind == "LSTM"
    shape = (len(layer.cells), H, N)
    x, dy = rng.standard_normal((T, D, N)), rng.standard_normal((T, layer.directions * H, N))
    states, dfinal = ([rng.standard_normal(shape) for _ in range(1 + pair)] for _ in range(2))
    (y, final), through = layer.run(x, tuple(states) if pair else states[0], lengths)
    dx, dinitial, _ = through(dy, tuple(dfinal) if pair else dfinal[0])

    xt, given = leaf(their_axes(x)), [leaf(their_axes(s)) for s in states]
    packed, rnn = xt, torch.nn.utils.rnn
    if lengths is not None:
        packed = rnn.pack_padded_sequence(xt, torch.from_numpy(lengths), enforce_sorted=False)
    yt, last = theirs(packed, tuple(given) if pair else given[0])
    if lengths is not None:
        yt, _ = rnn.pad_packed_sequence(yt)
    last = last if pair else (last,)
    parts = [yt, *last]
    dparts = [torch.from_numpy(their_axes(d)) for d in (dy, *dfinal)]
    found = torch.autograd.grad(parts, [xt, *given, *theirs.parameters()], dparts)

    ours = [y, *(final if pair else [final]), dx, *(dinitial if pair else [dinitial])]
    want = [*(p.detach() for p in parts), *found[: 2 + pair]]
    for a, b in zip(ours, want, strict=True):
        np.testing.assert_allclose(their_axes(a), b.numpy(), rtol=1e-11, atol=1e-13)
    names = [name for name, _ in theirs.named_parameters()]
    theta = layer.parameters()
    assert names == list(theta)
    for name, b in zip(names, found[2 + pair :], strict=True):
        np.testing.assert_allclose(theta[name].grad, b.numpy(), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_cells(kind: str, rng: Any) -> None:
    """For relu too, where PyTorch's cell once had another gradient than its layer."""
    cells = [new(kind, rng, D, H).cells[0]]
    if kind == "RNN":
        cells.append(new(kind, rng, D, H, nonlinearity="relu").cells[0])
    for cell in cells:
        more = {"nonlinearity": cell.nonlinearity} if kind == "RNN" else {}
        theirs = getattr(torch.nn, f"{kind}Cell")(D, H, **more).double()
        theirs.load_state_dict({k: torch.from_numpy(p.value) for k, p in cell.parameters().items()})
        args = [rng.standard_normal((size, N)) for size in (D, *(H for _ in cell.names))]
        pair = len(cell.names) > 1
        y, backward = cell.forward(*args)
        d = rng.standard_normal((len(cell.names), H, N))
        gradients = backward(tuple(d) if pair else d[0])
        leaves = [leaf(a.T) for a in args]
        yt = theirs(leaves[0], tuple(leaves[1:]) if pair else leaves[1])
        outputs = list(yt) if pair else [yt]
        want = torch.autograd.grad(outputs, leaves, [torch.from_numpy(a.T.copy()) for a in d])
        for a, b in zip(y if pair else [y], outputs, strict=True):
            np.testing.assert_allclose(a.T, b.detach().numpy(), rtol=1e-12, atol=1e-14)
        for a, b in zip(gradients, want, strict=True):
            np.testing.assert_allclose(a.T, b.numpy(), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_that_pytorch_has_written(kind: str, tmp_path: Path, rng: Any) -> None:
    """A safetensors file of an LSTM with a Linear on top goes into a Sequential of ours."""
    save_file = pytest.importorskip("safetensors.torch").save_file
    torch.manual_seed(0)
    theirs = torch.nn.ModuleList(
        [getattr(torch.nn, kind)(D, H, num_layers=2, bidirectional=True), torch.nn.Linear(2 * H, 2)]
    )
    save_file(theirs.state_dict(), tmp_path / "weights.safetensors")
    ours = nn.Sequential(
        getattr(nn, kind)(D, H, layers=2, bidirectional=True, rng=rng),
        nn.TimeDistributed(nn.Dense(2 * H, 2, rng=rng)),
    )
    nn.load_model(tmp_path / "weights.safetensors", ours)
    x = rng.standard_normal((T, D, N)).astype(np.float32)
    y, _ = ours.forward(x)
    want = theirs[1](theirs[0](torch.from_numpy(their_axes(x)))[0]).detach().numpy()
    np.testing.assert_allclose(their_axes(y), want, rtol=1e-5, atol=1e-6)
