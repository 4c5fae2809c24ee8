"""Who takes part: a way to do the work each, and what it must have installed."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from .networks import Workload
from .options import Options

NEEDS = {
    "ours": (),
    "tensorflow": ("tensorflow", "keras"),
    "onnxruntime": ("onnxruntime", "onnx"),
    "openvino": ("openvino", "onnx"),
}
"""What a peer imports, where that is more than its own name."""


@dataclass(frozen=True)
class Contender:
    """One way to do the work: a peer module, which of its variants, and a name for the tables.

    root  the checkout whose code it runs; this one if None
    """

    peer: str
    variant: str
    label: str
    root: Path | None = None

    @property
    def is_peer(self) -> bool:
        """Is it somebody else's, or another version of ours?"""
        return self.peer != "ours" or self.root is not None

    @property
    def only_images(self) -> bool:
        """Is it about the layout of images, and no contender without them?"""
        return "channels_last" in self.variant

    @property
    def only_one_sample(self) -> bool:
        """Has it no loss of several samples of a code?"""
        return self.peer == "tensorflow"

    @property
    def missing(self) -> tuple[str, ...]:
        """Return what it needs and is not installed."""
        needs = NEEDS.get(self.peer, (self.peer,))
        return tuple(name for name in needs if find_spec(name) is None)


OURS = Contender("ours", "", "nnscratch")
JAX = Contender("jax", "", "JAX jit")
TUNED_JAX = Contender("jax", "tuned", "JAX jit, tuned")
TRAINERS = (
    OURS,
    Contender("torch", "eager", "PyTorch eager"),
    Contender("torch", "fused", "PyTorch eager, fused Adam"),
    Contender("torch", "channels_last", "PyTorch channels_last, fused Adam"),
    Contender("torch", "compile", "PyTorch compiled, fused Adam"),
    Contender("torch", "step", "PyTorch, compiled step"),
    JAX,
    TUNED_JAX,
    Contender("tensorflow", "graph", "Keras on TensorFlow"),
    Contender("tensorflow", "xla", "Keras on TensorFlow, jit_compile"),
)
INFERRERS = (
    OURS,
    Contender("torch", "eager", "PyTorch eager"),
    Contender("torch", "channels_last", "PyTorch channels_last"),
    Contender("torch", "compile", "PyTorch compiled"),
    Contender("torch", "frozen", "PyTorch compiled, frozen"),
    JAX,
    TUNED_JAX,
    Contender("onnxruntime", "all", "ONNX Runtime"),
    Contender("onnxruntime", "extended", "ONNX Runtime, EXTENDED"),
    Contender("openvino", "latency", "OpenVINO, latency"),
    Contender("openvino", "throughput", "OpenVINO, throughput"),
)
EVALUATORS = (
    OURS,
    Contender("torch", "eager", "PyTorch eager"),
    Contender("torch", "compile", "PyTorch compiled"),
    JAX,
    TUNED_JAX,
)
SINGLE_LAYERS = (
    OURS,
    Contender("torch", "fused", "PyTorch"),
    Contender("torch", "channels_last", "PyTorch channels_last"),
    JAX,
)
RECURRENT = (
    OURS,
    Contender("torch", "eager", "PyTorch"),
    Contender("torch", "compile", "PyTorch compiled"),
    JAX,
    Contender("jax", "unrolled", "JAX jit, unrolled"),
)
REDUCED = (
    OURS,
    Contender("torch", "compile", "PyTorch compiled, float32"),
    Contender("torch", "bf32", "PyTorch compiled, BF32"),
    Contender("torch", "autocast", "PyTorch autocast"),
    Contender("torch", "autocast channels_last", "PyTorch autocast, channels_last"),
    Contender("torch", "autocast compile", "PyTorch autocast, compiled"),
)


def chosen(contenders: Sequence[Contender], options: Options) -> list[Contender]:
    """Return those that are asked for and can run here; name the libraries that are missing.

    The version of nnscratch in options.before, if there is one, is always among them.

    A smoke test is content with one contender of each library.
    """
    contenders = [c for c in contenders if any(w in c.label.lower() for w in options.contenders)]
    if options.smoke:
        contenders = list({c.peer: c for c in reversed(contenders)}.values())[::-1]
    missing = {name for c in contenders for name in c.missing}
    if missing:
        print(f"left out, for not installed: {', '.join(sorted(missing))}")
    before = [Contender("ours", "", "nnscratch before", options.before)] if options.before else []
    return [c for c in contenders if not c.missing] + before


def fitting(contenders: Sequence[Contender], workload: Workload) -> list[Contender]:
    """Return those that have something to do with this workload's images, and its loss."""
    if len(workload.input_shape) != 3:
        contenders = [c for c in contenders if not c.only_images]
    if workload.samples is not None:
        contenders = [c for c in contenders if not c.only_one_sample]
    return list(contenders)
