"""A whole MusicVAE beside PyTorch's LSTM and autograd in float64: its loss and every gradient."""

from typing import Any

import numpy as np
import pytest

from nnscratch.models.music_sizes import Sizes, music_vae

torch = pytest.importorskip("torch")
F = torch.nn.functional

CLASSES = 7
CASES = {
    "flat": Sizes(1, (5, 1), 3, (4, 2), beta=0.7),
    "hierarchical": Sizes(2, (5, 2), 3, (4, 2), (6, 2), beta=0.7, free_bits=1.0),
}


def lstm(entries: dict[str, Any], prefix: str, layers: int, both: bool = False) -> Any:
    """Return PyTorch's LSTM with our arrays, which have its names and shapes."""
    own = {k.removeprefix(prefix): a for k, a in entries.items() if k.startswith(prefix)}
    (rows, inputs), hidden = own["weight_ih_l0"].shape, own["weight_hh_l0"].shape[1]
    assert rows == 4 * hidden
    made = torch.nn.LSTM(inputs, hidden, layers, bidirectional=both, dtype=torch.float64)
    made.load_state_dict({k: torch.from_numpy(a) for k, a in own.items()})
    return made


@pytest.mark.parametrize("case", CASES)
def test_loss_and_gradients(case: str, rng: np.random.Generator) -> None:
    sizes, N = CASES[case], 4
    model = music_vae(sizes, rng=rng, classes=CLASSES, dtype=np.float64)
    entries = {name: p.value for name, p in model.parameters().items()}
    x = rng.integers(0, CLASSES, (model.steps, N))
    terms, backward = model.loss(x, rng=np.random.default_rng(3))
    backward(1.0)

    theirs: dict[str, Any] = {}

    def layer(prefix: str, layers: int, both: bool = False) -> Any:
        made = lstm(entries, f"{prefix}.", layers, both)
        theirs.update({f"{prefix}.{name}": p for name, p in made.named_parameters()})
        return made

    def dense(prefix: str, a: Any) -> Any:
        for name in ("weight", "bias"):
            key = f"{prefix}.{name}"
            theirs.setdefault(key, torch.from_numpy(entries[key].copy()).requires_grad_())
        return F.linear(a, theirs[f"{prefix}.weight"], theirs[f"{prefix}.bias"])

    def states(prefix: str, z: Any, layers: int) -> tuple[Any, Any]:
        s = torch.tanh(dense(prefix, z)).view(len(z), 2, layers, -1).permute(1, 2, 0, 3)
        return s[0].contiguous(), s[1].contiguous()

    tokens, eps = torch.from_numpy(x), np.random.default_rng(3).standard_normal((3, N))
    _, (h, _) = layer("encoder.lstm", sizes.encoder[1], both=True)(
        F.one_hot(tokens, CLASSES).double()
    )
    mu, logvar = dense("encoder.output", torch.cat([h[-2], h[-1]], 1)).chunk(2, 1)
    z = mu + torch.exp(logvar / 2) * torch.from_numpy(eps.T.copy())
    inputs = F.one_hot(torch.cat([torch.full((1, N), CLASSES), tokens[:-1]]), CLASSES + 1).double()
    core = "decoder" if sizes.conductor is None else "decoder.core"
    cell = layer(f"{core}.lstm", sizes.decoder[1])
    codes = [z]
    if sizes.conductor is not None:
        layers = sizes.conductor[1]
        conductor = layer("decoder.conductor", layers)
        zeros = torch.zeros(sizes.bars, N, 1, dtype=torch.float64)
        codes = list(conductor(zeros, states("decoder.initial", z, layers))[0])
    logits, steps = [], model.steps // len(codes)
    for s, code in enumerate(codes):
        part = inputs[s * steps : (s + 1) * steps]
        seen = torch.cat([part, code.expand(steps, -1, -1)], 2)
        y, _ = cell(seen, states(f"{core}.initial", code, sizes.decoder[1]))
        logits.append(dense(f"{core}.output", y))
    nll = F.cross_entropy(
        torch.cat(logits).reshape(-1, CLASSES), tokens.reshape(-1), reduction="sum"
    )
    kl = (mu**2 + logvar.exp() - 1 - logvar).sum(1) / 2
    total = nll / N + model.beta * torch.clamp(kl - model.free_bits, min=0).mean()
    total.backward()

    assert terms["total"] == pytest.approx(total.item(), rel=1e-12)
    ours = model.parameters()
    assert theirs.keys() == ours.keys()
    for name, p in theirs.items():
        np.testing.assert_allclose(ours[name].grad, p.grad, rtol=1e-10, atol=1e-13, err_msg=name)
