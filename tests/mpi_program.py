"""A small run, which tests/test_mpi.py starts on several ranks.

mpiexec -n 2 python -m mpi4py tests/mpi_program.py FILE EPOCHS [FAULT]

It goes on from FILE if it is there. FAULT is what happens to rank 1 in epoch 2: "dies", "raises",
"nan", or "waits", with which every rank is slow, so that there is time for a signal.
"""

import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from nnscratch import Adam, Trainer
from nnscratch.models import build
from nnscratch.training import mpi_ranks


def main(path: Path, epochs: int, fault: str = "") -> None:
    """Train, and print what each rank ends with."""
    group = mpi_ranks()
    rng = np.random.default_rng(0)
    images = rng.random((96, 6, 6)).astype(np.float32)
    model = build("dense_vae", (6, 6), latent_dim=3, hidden=(150, 130), rng=rng)
    trainer = Trainer(
        *(model, Adam(1e-3, clip_norm=0.5)),
        **{"seed": 0, "batch_size": 32, "replicas": 8, "threads": 1, "ranks": group},
    )
    own = trainer.replicas.models[group.share(8)[0]]
    loss = own.loss

    def faulty(*args: Any, **noise: Any) -> Any:
        terms, backward = loss(*args, **noise)
        if fault == "waits" and trainer.epoch >= 1:
            time.sleep(0.2)
        if group.rank == 1 and trainer.epoch == 1:
            if fault == "dies":
                os.kill(os.getpid(), 9)
            if fault == "raises":
                raise KeyError("of rank 1 alone")
            if fault == "nan":
                terms = terms | {"total": np.nan}
        return terms, backward

    own.loss = faulty
    if path.exists():
        trainer.resume(path)
    trainer.fit(images, validation=images[:20], epochs=epochs, checkpoint=path, progress=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
