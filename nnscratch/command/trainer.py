"""The Trainer of the command line: it says how long it will take, and may end by the clock."""

import csv
import sys
import time
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from ..data.dataset import Dataset
from ..files import write_whole
from ..training import Trainer
from ..training.history import Row, summary_line


class CommandTrainer(Trainer[Any]):
    """A Trainer that keeps history.csv, and prints a line an epoch where there is no terminal."""

    def prepare(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """Say where the history is written, and how long it may take."""
        self.folder, self.epochs = folder, settings["epochs"]
        self.seconds = 60 * settings.get("minutes", float("inf"))

    def train(self, data: Dataset, held: Dataset | None, checkpoint: Path) -> None:
        """Train to the last epoch, with a checkpoint after each and when a signal comes."""
        self.start, self.first = time.perf_counter(), self.epoch
        self.fit(
            data,
            validation=held,
            epochs=self.epochs,
            checkpoint=checkpoint,
            progress=sys.stderr.isatty(),
        )
        self.write_history()

    def out_of_patience(self) -> bool:
        """Is it time to end, by the validation total or by the clock, that of rank 0?"""
        late = self.ranks.gather(time.perf_counter() - self.start > self.seconds)[0]
        return late or super().out_of_patience()

    def close_epoch(self, N: int, validation: Any) -> None:
        """Enter the epoch into the history, and say how long the others will take."""
        super().close_epoch(N, validation)
        self.write_history()
        if not sys.stderr.isatty():
            each = (time.perf_counter() - self.start) / (self.epoch - self.first)
            left = each * (self.epochs - self.epoch)
            print(f"{summary_line(self.history[-1], self.epochs)} | {left:.0f} s left", flush=True)

    def write_history(self) -> None:
        """Write history.csv, on rank 0."""
        path, history = self.folder / "history.csv", self.history
        self.ranks.first(lambda: write_history(path, history))


def write_history(path: Path, history: Sequence[Row]) -> None:
    """Write the history as a table: a row an epoch, a column a term."""
    rows = []
    for row in history:
        flat = {k: v for k, v in row.items() if not isinstance(v, dict)}
        for part in ("train", "validation"):
            flat |= {f"{part}_{term}": value for term, value in row.get(part, {}).items()}
        rows.append(flat)
    text = StringIO()
    table = csv.DictWriter(text, list(rows[0]) if rows else ["epoch"], lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    write_whole(path, text.getvalue().encode(), "history")
