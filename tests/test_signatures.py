"""No function of the library takes more than six parameters, outside of the kernels."""

import ast
from collections.abc import Iterator
from pathlib import Path

import nnscratch

MOST = 6

PYTORCH = "PyTorch's names and order, which everybody knows, and what draws the weights by keyword"
OPTIONS = "parts by position, options by keyword: a record of them would be the same list once more"

EXCEPTED = {
    "layers/dense.py Dense.__init__": PYTORCH,
    "layers/conv.py Conv2d.__init__": PYTORCH,
    "layers/conv1d.py Conv1d.__init__": PYTORCH,
    "layers/conv_transpose.py ConvTranspose2d.__init__": PYTORCH,
    "layers/conv_transpose1d.py ConvTranspose1d.__init__": PYTORCH,
    "layers/recurrent_cell.py Cell.__init__": PYTORCH,
    "layers/rnn.py RNNCell.__init__": PYTORCH,
    "layers/rnn.py RNN.__init__": PYTORCH,
    "layers/lstm.py LSTMCell.__init__": PYTORCH,
    "layers/lstm.py LSTM.__init__": PYTORCH,
    "layers/gru.py GRUCell.__init__": PYTORCH,
    "layers/gru.py GRU.__init__": PYTORCH,
    "models/vae.py VAE.__init__": OPTIONS,
    "models/iwae.py IWAE.__init__": OPTIONS,
    "models/two_layers.py TwoLayerIWAE.__init__": OPTIONS,
    "models/music_vae.py MusicVAE.__init__": OPTIONS,
    "models/wasserstein.py WassersteinAutoencoder.__init__": OPTIONS,
    "models/total_correlation.py BetaTCVAE.__init__": OPTIONS,
    "models/vamp_prior.py VampPriorVAE.__init__": OPTIONS,
    "models/conditional.py ConditionalVAE.__init__": OPTIONS,
    "models/adversarial.py AdversarialAutoencoder.__init__": OPTIONS,
    "models/lesson.py dense_autoencoder": "makes a model of the lesson, with the model's options",
    "models/lesson.py dense_vae": "makes a model of the lesson, with the model's options",
    "training/run.py Run.__init__": "what defines a run of training, all but two by keyword",
    "optimizers.py Adam.__init__": "a rate, and numbers of the formula by keyword",
    "gradcheck/gradcheck.py gradcheck": "how a function is checked, all but its inputs by keyword",
    "exercises/files/adam.py step": "a pure function of the formula's own letters and constants",
    "sklearn.py AutoencoderTransformer.__init__": "scikit-learn's rule: each parameter by its name",
    "sklearn.py VAE.__init__": "scikit-learn's rule: each parameter by its name",
    "plots/curves.py curves": "what stands around a picture is by keyword",
}
"""What may take more, and why."""


def functions() -> Iterator[tuple[str, str, ast.arguments]]:
    """Yield file, qualified name and parameters of every function."""
    root = Path(nnscratch.__file__).parent
    for path in sorted(root.rglob("*.py")):
        file = str(path.relative_to(root))
        if file.startswith("kernels"):
            continue
        todo: list[tuple[str, ast.AST]] = [("", ast.parse(path.read_text()))]
        while todo:
            prefix, node = todo.pop()
            for inner in ast.iter_child_nodes(node):
                name = getattr(inner, "name", "")
                if isinstance(inner, ast.FunctionDef):
                    yield file, prefix + name, inner.args
                todo.append((f"{prefix}{name}." if name else prefix, inner))


def test_no_function_takes_more_than_six_parameters() -> None:
    """But for what is excepted: mostly constructors, whose options are by keyword."""
    for file, name, arguments in functions():
        names = [a.arg for a in arguments.posonlyargs + arguments.args + arguments.kwonlyargs]
        names += [a.arg for a in (arguments.vararg, arguments.kwarg) if a]
        if names[:1] in (["self"], ["cls"]):
            del names[0]
        assert len(names) <= MOST or f"{file} {name}" in EXCEPTED, (file, name, names)
