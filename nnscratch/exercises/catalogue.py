"""The exercises, in the order in which they build on each other."""

from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent


class Exercise(NamedTuple):
    """One of the exercises; its number is its place in the list, from 1.

    free  is it a task of the lesson, which may use nnscratch and trains a model?
    """

    number: int
    name: str
    title: str
    free: bool = False

    @property
    def file(self) -> str:
        """The name of the learner's file."""
        return f"{self.number:02}_{self.name}.py"

    @property
    def text(self) -> str:
        """The file as it is given to the learner."""
        return (HERE / "files" / f"{self.name}.py").read_text("utf-8")

    @property
    def hints(self) -> list[str]:
        """Three hints: where to look, the step that matters, nearly the answer."""
        pages = (HERE / "hints" / f"{self.name}.txt").read_text("utf-8").split("\n---\n")
        return [page.strip() for page in pages]


TITLES = {
    "dense": "an affine layer and its three gradients",
    "activations": "ReLU and the sigmoid",
    "cross_entropy": "softmax and cross-entropy of class labels",
    "bce": "binary cross-entropy of pixels, from logits",
    "conv2d": "the convolution of images",
    "conv_transpose": "the transposed convolution is an adjoint",
    "max_pool": "max-pooling",
    "batch_norm": "batch normalisation",
    "sample": "noise that a gradient passes",
    "gaussian_kl": "the divergence of two Gaussians",
    "elbo": "the loss of a VAE: what is a sum, and what is a mean",
    "adam": "a step of Adam",
    "contractive": "the gradient of a derivative",
    "iwae": "the weights of an IWAE",
}

LESSON = {
    "lesson_1": "an autoencoder with two numbers a digit, trained",
    "lesson_2": "what noise on the code does to the image",
    "lesson_5": "a convolutional VAE, trained",
}

EXERCISES = [Exercise(i, name, title) for i, (name, title) in enumerate(TITLES.items(), 1)]
TASKS = [Exercise(i, name, title, True) for i, (name, title) in enumerate(LESSON.items(), 15)]
ALL = [*EXERCISES, *TASKS]


def find(word: str) -> Exercise:
    """Return the exercise with this name, number or file name.

    Raises
        ValueError if there is none.
    """
    stem = Path(word).stem if word.endswith(".py") else word
    for exercise in ALL:
        known = (exercise.name, str(exercise.number), f"{exercise.number:02}")
        if stem in (*known, Path(exercise.file).stem):
            return exercise
    names = ", ".join(exercise.name for exercise in ALL)
    raise ValueError(f"exercises: expected a number or one of {names}; got {word!r}")
