"""Model files that are damaged, or whose architecture somebody has made up: no code may run."""

import json
import sys
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import nnscratch as nn
from nnscratch.models.architecture import library
from nnscratch.models.music_sizes import Sizes, music_vae
from nnscratch.training import checkpoint

from . import Case, Fault
from .arrays import Rng
from .checkpoints import VALUES, cut
from .entrances import COLOUR, models, rng
from .files import damaged, of_file

RUNS_CODE = ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "socket.connect")
RUNS_CODE += ("pickle.find_class", "compile", "exec")
"""Events that Python tells an audit hook, of which none belongs to reading a file."""

_heard: list[str] | None = None
"""What has been heard of since it became a list; a hook cannot be taken away again."""


def _hook(event: str, _: Any) -> None:
    if _heard is not None and event.startswith(RUNS_CODE):
        _heard.append(event)


@cache
def _listening() -> None:
    sys.addaudithook(_hook)


@cache
def written() -> dict[str, bytes]:
    """Return model files of several architectures."""
    norm = nn.Sequential(nn.Flatten(), nn.Dense(72, 8, rng=rng()), nn.BatchNorm(8), nn.Dropout(0.5))
    dense = nn.Dense(20, 4, rng=rng())
    made = {name: models()[name] for name in ("convolutional", "vae", "conditional", "denoiser")}
    made["norm"] = nn.Classifier(norm, input_shape=COLOUR)
    made["tied"] = nn.Autoencoder(dense, nn.TiedDense(dense), input_shape=(20,))
    made["contractive"] = nn.ContractiveAutoencoder(20, 4, 0.1, rng=rng())
    made["melodies"] = music_vae(Sizes(2, (4, 1), 3, (5, 2), (4, 1)), rng=rng(), classes=6)
    made["built"] = nn.models.build("conv_vae", (3, 7, 5), 2, rng=rng(), channels=(3,))
    files = {}
    with TemporaryDirectory() as folder:
        for name, model in made.items():
            nn.save(Path(folder, name), model)
            files[name] = Path(folder, name).read_bytes()
    return files


def loaded(path: Path) -> list[Any]:
    """Load a model and return its arrays; a file that runs code on the way is a fault."""
    global _heard
    library(), _listening()
    _heard = []
    try:
        model = nn.load(path)
    finally:
        heard, _heard = _heard, None
        if heard:
            raise Fault(f"code has run: {heard}")
    return list(checkpoint.arrays_of(model).values())


def case(generator: Rng) -> Case:
    """Return a call that loads some file."""
    kinds = list(written())
    name = kinds[generator.integers(len(kinds))]
    content, u = written()[name], generator.random()
    if u < 0.05:
        return Case(f"load {name}", of_file(loaded, content), True)
    if u < 0.4:
        what, changed = damaged(content, generator)
        must = None if changed != content else True
        same = of_file(loaded, content)
        return Case(f"load {name}: {what}", of_file(loaded, changed), must, same, 0.0)
    if u < 0.5:
        what, changed = other_arrays(content, generator)
        return Case(f"load {name}: {what}", of_file(loaded, changed), False)
    what, changed = forged(content, generator)
    return Case(f"load {name}: {what}", of_file(loaded, changed), None)


def rewritten(content: bytes, change: Callable[[dict[str, Any], dict[str, Any]], str]) -> Any:
    """Return what has been changed in arrays and architecture, and a file that is whole."""
    header, numbers = cut(content)
    entries = json.loads(header)
    info = json.loads(entries.pop("__metadata__")["info"])
    arrays: dict[str, Any] = {}
    for name, entry in entries.items():
        dtype = {"F32": "f4", "F64": "f8"}[entry["dtype"]]
        a = np.frombuffer(numbers[slice(*entry["data_offsets"])], dtype)
        arrays[name] = a.reshape(entry["shape"]).copy()
    what = change(arrays, info)
    with TemporaryDirectory() as folder:
        path = Path(folder, "file")
        checkpoint.write(path, arrays, info)
        return what, path.read_bytes()


def other_arrays(content: bytes, generator: Rng) -> tuple[str, bytes]:
    """Return a file whose weights are not those of its architecture, or no numbers."""

    def change(arrays: dict[str, Any], info: dict[str, Any]) -> str:
        name = list(arrays)[generator.integers(len(arrays))]
        a = arrays[name]
        bad = a.copy()
        bad.flat[0] = (np.nan, np.inf, -np.inf)[generator.integers(3)]
        others = {
            "not finite": bad,
            "of another shape": np.append(a, a.flat[0]),
            "of another dtype": a.astype("f8" if a.dtype == "f4" else "f4"),
            "integers": np.ones(a.shape, int),
            "without axes": np.float32(1.0),
            "empty": a[:0],
        }
        how = [*others, "missing", "one more"][generator.integers(len(others) + 2)]
        if how == "missing":
            del arrays[name]
        elif how == "one more":
            arrays[f"{name}.{name}"] = a
        else:
            arrays[name] = others[how]
        return f"{name} {how}"

    return rewritten(content, change)


EVIL: list[Any] = [
    *VALUES,
    *("os.system", "builtins.eval", "__import__('os').system('true')", "__class__", "Dense"),
    *(10**9, 2**48, -(10**12), 1e308, 2**31, [10**9, 10**9], [1] * 70, "9" * 5000, -0.0),
    *({"class": "Flatten"}, {"class": "eval"}, {"class": "Sequential", "layers": []}),
    *({"class": "Softmax", "x": 1}, {"class": "VAE"}, {"class": "Bernoulli"}, {"class": None}),
    *({"same": "encoder"}, {"same": ""}, {"same": "encoder.layers.0"}, {"same": "net.layers.1"}),
    *({"function": "ring"}, {"function": "l1_penalty"}, {"function": "eval"}, {"dtype": "O"}),
    *({"dtype": "float64"}, {"mapping": {"l1": [1.0, {"function": "l1_penalty"}]}}),
    *({"mapping": {"class": "os.system"}}, {"__reduce__": ["os.system", ["true"]]}),
]


def deep(what: str, depth: int) -> Any:
    """Return something nested so deep."""
    words: Any = {"class": "Flatten"}
    for _ in range(depth):
        words = [words] if what == "lists" else {"class": "Sequential", "layers": [words]}
    return words


def forged(content: bytes, generator: Rng) -> tuple[str, bytes]:
    """Return a file, whole by its checksum, whose architecture is another."""

    def change(arrays: dict[str, Any], info: dict[str, Any]) -> str:
        what = [changed(info, generator) for _ in range(generator.integers(1, 4))]
        return ", ".join(what)

    return rewritten(content, change)


def changed(info: dict[str, Any], generator: Rng) -> str:
    """Change the description in one place, and say how."""
    at: Any = info
    key: Any = "architecture"
    path = [key]
    while isinstance(at[key], dict | list) and at[key] and generator.random() < 0.85:
        at = at[key]
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        key = keys[generator.integers(len(keys))]
        path.append(key)
    u, names = generator.random(), list(library())
    if u < 0.1 and at is not info:
        del at[key]
        return f"without {path}"
    if u < 0.2:
        some = {"class": names[generator.integers(len(names))], "layers": [at[key]]}
        at[key] = some if generator.random() < 0.5 else [at[key]] * 1000
        return f"{path} within"
    if u < 0.3 and isinstance(at, dict):
        at[str(EVIL[generator.integers(len(EVIL))])[:20]] = 1
        return f"more beside {path}"
    if u < 0.45 and isinstance(at[key], str):
        at[key] = names[generator.integers(len(names))]
        return f"{path} is {at[key]}"
    if u < 0.5:
        kind = ("lists", "parts")[generator.integers(2)]
        at[key] = deep(kind, int(generator.integers(1, 300)))
        return f"{path} is {kind} in each other"
    if u < 0.6 and isinstance(at[key], int):
        at[key] = int(at[key]) * int(10 ** generator.integers(1, 12))
        return f"{path} is {at[key]}"
    at[key] = deepcopy(EVIL[generator.integers(len(EVIL))])
    return f"{path} is {str(at[key])[:40]}"
