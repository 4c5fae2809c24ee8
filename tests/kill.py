"""Kill a training process at random moments, resume it each time, and compare with one left alone.

    python tests/kill.py [KILLS [SEED]]        of each kind of run; 50 unless told

A process that is killed (SIGKILL) can do nothing any more: what it has written must be enough. The
run that was killed time after time must end with the bits of the one that was never killed.
"""

import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import tiny

from nnscratch.layers import BatchNorm, Dense, Dropout
from nnscratch.models import AdversarialAutoencoder
from nnscratch.optimizers import Adam
from nnscratch.schedules import Cosine, Linear
from nnscratch.training import Trainer, checkpoint
from nnscratch.training.adversarial import AdversarialTrainer

IMAGES, HELD_OUT = tiny.images(100), tiny.images(40, seed=1)
EPOCHS = 24
RUN = {"seed": 0, "batch_size": 8, "threads": 2}


def vae(**options: object) -> Trainer:
    model = tiny.vae(Dropout(0.3))
    return Trainer(model, Adam(Cosine(0.03, 500)), **RUN, **options)  # type: ignore[arg-type]


def aae(**options: object) -> Trainer:
    rng = np.random.default_rng(0)
    model = AdversarialAutoencoder(
        tiny.encoder(2, BatchNorm(tiny.H)),
        tiny.decoder(),
        Dense(2, 1, rng=rng),
        input_shape=(tiny.D,),
    )
    return AdversarialTrainer(model, Adam(0.02), Adam(0.01), **RUN, **options)  # type: ignore[arg-type]


KINDS: dict[str, Callable[[], Trainer]] = {
    "plain": vae,
    "patience": lambda: vae(patience=EPOCHS),
    "patience and annealing": lambda: vae(
        patience=EPOCHS, anneal={"beta": Linear(0, 1, steps=130)}
    ),
    "adversarial": lambda: aae(patience=EPOCHS, anneal={"weight": Linear(0, 1, steps=50)}),
}


def train(make: Callable[[], Trainer], file: Path) -> None:
    """Train to the end from where the file stands, or from the beginning if there is none."""
    trainer = make()
    if file.exists():
        trainer.resume(file)
    trainer.fit(IMAGES, validation=HELD_OUT, epochs=EPOCHS, checkpoint=file)


def life(make: Callable[[], Trainer], file: Path, seconds: float) -> bool:
    """Train in a process of its own, which is killed after so long; say if it came to its end."""
    process = os.fork()
    if process == 0:
        try:
            train(make, file)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(process, os.WNOHANG)
        if done:
            assert status == 0, "the training process has failed"
            return True
        time.sleep(0.0005)
    os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    assert status in (0, signal.SIGKILL), "the training process has failed"
    return status == 0


def numbers(file: Path) -> tuple[dict[str, bytes], object]:
    """Return everything a checkpoint holds."""
    arrays, info = checkpoint.read(file)
    return {name: a.tobytes() for name, a in arrays.items()}, info


def check(kind: str, kills: int, rng: random.Random) -> str:
    """Kill a run of this kind so many times and compare; say where it was found."""
    make, folder = KINDS[kind], Path(mkdtemp())
    alone, file = folder / "alone" / "x", folder / "killed" / "x"
    train(make, alone)
    begun = time.monotonic()
    train(make, folder / "timed" / "x")
    whole = time.monotonic() - begun
    left, runs, places = kills, 0, Counter[str]()
    while left > 0 or not runs:
        over = False
        while not over:
            over = life(make, file, rng.uniform(0, 0.4 * whole) if left > 0 else 60.0)
            if over:
                break
            left -= 1
            found = checkpoint.read(file)[1]["progress"]["epoch"] if file.exists() else 0
            leftover = any(file.parent.glob(".*.tmp"))
            places[f"epoch {found}" + (", a file half written" if leftover else "")] += 1
        assert numbers(file) == numbers(alone), f"{kind}: a killed run has other bits"
        assert os.listdir(file.parent) == ["x"], f"{kind}: something is left beside the file"
        runs += 1
        shutil.rmtree(file.parent)
    shutil.rmtree(folder)
    half = sum(n for place, n in places.items() if "half" in place)
    return (
        f"{kind}: {sum(places.values())} kills in {runs} runs, at {len(places)} places, "
        f"{half} while writing; all ended with equal bits"
    )


def main(kills: int = 50, seed: int | None = None) -> None:
    seed = random.randrange(1000) if seed is None else seed
    print(f"seed {seed}")
    for kind in KINDS:
        print(check(kind, kills, random.Random(seed)), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
