"""Who listens to the training loop: a protocol that Ray Train's worker fits, and the listener of a run alone."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol


class Reporter(Protocol):
    """Who listens to the loop, and which worker of how many this one is.

    `report` is called equally often on every worker; only worker 0 brings a directory, which is the listener's
    to copy before it returns.
    """

    rank: int
    world_size: int

    def report(self, metrics: Mapping[str, float], checkpoint: Path | None) -> None: ...


def progress_line(metrics: Mapping[str, float]) -> str:
    """One report as a line for a person."""
    shown = {
        name: f"{value:,.0f}" if float(value).is_integer() or value >= 1000 else f"{value:.4g}"
        for name, value in metrics.items()
    }
    return "  ".join(f"{name} {value}" for name, value in shown.items())


class AloneReporter:
    """The reporter of a run with one worker: one line per report; checkpoints stay where they were written."""

    rank = 0
    world_size = 1

    def __init__(self, say: Callable[[str], None] = print) -> None:
        self._say = say
        self.checkpoint: Path | None = None

    def report(self, metrics: Mapping[str, float], checkpoint: Path | None) -> None:
        """Say the metrics and remember the checkpoint as the latest."""
        self._say(progress_line(metrics))
        self.checkpoint = checkpoint
