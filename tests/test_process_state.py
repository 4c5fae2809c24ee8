"""What is set for the whole process is as it was once calls return, however many run at once."""

import gc
import locale
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import tiny
from threadpoolctl import threadpool_info, threadpool_limits

from nnscratch.evaluation import elbo
from nnscratch.evaluation.baselines import PCA
from nnscratch.evaluation.probes import NearestNeighbours, SoftmaxProbe
from nnscratch.kernels.machine.helpers import thread_count
from nnscratch.layers import Conv2d, Dense
from nnscratch.models import AdversarialAutoencoder, Autoencoder
from nnscratch.optimizers import Adam
from nnscratch.schedules import Linear
from nnscratch.training import Trainer, TrainingDiverged
from nnscratch.training.adversarial import AdversarialTrainer

IMAGES = tiny.images(300)


def here() -> dict[str, Any]:
    """What a thread has of its own."""
    subnormal = np.full(32, 1e-39, np.float32)
    return {
        "floating-point errors": np.geterr(),
        "subnormal numbers": float((subnormal * np.float32(1)).sum()),
        "threads of a kernel": thread_count(),
        "printing": np.get_printoptions(),
    }


def everywhere() -> dict[str, Any]:
    """What the process has."""
    libraries = {info["filepath"]: info["num_threads"] for info in threadpool_info()}
    return here() | {
        "libraries' threads": libraries,
        "threads": threading.active_count(),
        "handlers": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)],
        "hooks": (sys.excepthook, threading.excepthook, sys.gettrace()),
        "warnings": list(warnings.filters),
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "random numbers": np.random.get_state()[1].tobytes(),  # type: ignore[union-attr]  # noqa: NPY002
        "garbage": (gc.isenabled(), gc.get_threshold()),
        "locale": locale.setlocale(locale.LC_ALL),
        "switching": sys.getswitchinterval(),
    }


@pytest.fixture(autouse=True)
def _something_to_put_back() -> Iterator[None]:
    """Settings that are nobody's default, so that none is put back by chance."""
    with threadpool_limits(2, user_api="blas"), np.errstate(over="raise", under="ignore"):
        before = signal.signal(signal.SIGTERM, lambda *_: None)
        yield
        signal.signal(signal.SIGTERM, before)


def fit(model: Autoencoder | None = None, rate: float = 1e-2, **options: Any) -> None:
    run = {"seed": 0, "batch_size": 8, "threads": 2, "patience": 9}
    t = Trainer(model or tiny.vae(), Adam(rate), **(run | options))
    t.fit(IMAGES, validation=IMAGES[:40], epochs=2)


def fit_images() -> None:
    conv = [Conv2d(1, 1, 3, padding="same", rng=np.random.default_rng(0)) for _ in range(2)]
    fit(Autoencoder(*conv, input_shape=(1, 4, 4)))


def fit_adversarial() -> None:
    judge = Dense(2, 1, rng=np.random.default_rng(0))
    model = AdversarialAutoencoder(tiny.encoder(2), tiny.decoder(), judge, input_shape=(tiny.D,))
    t = AdversarialTrainer(model, Adam(), Adam(), seed=0, batch_size=8, threads=2)
    t.fit(IMAGES, epochs=1)


def diverge() -> None:
    with pytest.raises(TrainingDiverged):
        fit(rate=1e38)


def probe() -> None:
    codes, labels = IMAGES.reshape(300, -1) / 255, np.arange(300) % 3
    SoftmaxProbe(steps=20).fit(codes, labels).predict(codes)
    NearestNeighbours(1).fit(codes, labels).predict(codes)


CALLS: dict[str, Callable[[], Any]] = {
    "fit": fit,
    "fit of images": fit_images,
    "fit of two players": fit_adversarial,
    "fit with annealing": lambda: fit(anneal={"beta": Linear(0, 1, 10)}),
    "fit that diverges": diverge,
    "encode": lambda: tiny.vae().encode(IMAGES, threads=3),
    "decode": lambda: tiny.vae().sample(300, rng=np.random.default_rng(0)),
    "elbo": lambda: elbo(tiny.vae(), IMAGES, rng=np.random.default_rng(0)),
    "PCA": lambda: PCA(2).fit(IMAGES).encode(IMAGES),
    "probes": probe,
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_leaves_the_process_as_it_was(name: str) -> None:
    CALLS[name]()  # kernels are compiled at the first call
    before = everywhere()
    CALLS[name]()
    assert everywhere() == before


@pytest.mark.parametrize("order", [1, -1])
def test_many_calls_at_once_leave_the_process_as_it_was(order: int) -> None:
    """Each in a thread of its own, all begun together, one of them in the main thread."""
    calls = [*CALLS.values(), *CALLS.values()][::order]
    before, start = everywhere(), threading.Barrier(len(calls), timeout=60)
    wrong: list[Any] = []

    def work(call: Callable[[], Any]) -> None:
        try:
            mine = here()
            start.wait()
            call()
            if here() != mine:
                wrong.append((mine, here()))
        except BaseException as error:
            wrong.append(error)

    others = [threading.Thread(target=work, args=(call,)) for call in calls[1:]]
    for other in others:
        other.start()
    work(calls[0])
    for other in others:
        other.join()
    assert not wrong
    assert everywhere() == before


def test_a_fit_within_a_fit_leaves_the_process_as_it_was() -> None:
    before = everywhere()
    t = Trainer(tiny.vae(), Adam(), seed=0, batch_size=8)
    close = t.close_epoch

    def inner(*data: Any) -> None:
        fit()
        tiny.vae().encode(IMAGES)
        close(*data)

    t.close_epoch = inner  # type: ignore[method-assign]
    t.fit(IMAGES, epochs=2)
    assert everywhere() == before
