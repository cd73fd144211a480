"""Who listens to the training loop: a protocol that Ray Train's worker fits, and the listener of a run alone."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol


class Reporter(Protocol):
    """Who listens to the loop, and which worker of how many this one is.

    `report` is called equally often on every worker, with the same figures; only worker 0 brings a directory, and not
    always. It is the listener's to copy before it returns.
    """

    rank: int
    world_size: int

    def report(self, metrics: Mapping[str, float], checkpoint: Path | None) -> None: ...


def progress_line(metrics: Mapping[str, float]) -> str:
    """One report as a line for a person."""
    return "  ".join(_shown(name, value) for name, value in metrics.items())


def _shown(name: str, value: float) -> str:
    if name == "left_s":
        minutes, seconds = divmod(round(value), 60)
        return f"left {minutes // 60}:{minutes % 60:02}:{seconds:02}"
    if name.endswith("_share"):
        return f"{name} {value:.1%}"
    plain = float(value).is_integer() or value >= 1000
    return f"{name} {value:,.0f}" if plain else f"{name} {value:.4g}"


class AloneReporter:
    """The reporter of a run with one worker: one line per report; the last checkpoint stays where it was written."""

    rank = 0
    world_size = 1

    def __init__(self, say: Callable[[str], None] = print) -> None:
        self._say = say
        self.checkpoint: Path | None = None

    def report(self, metrics: Mapping[str, float], checkpoint: Path | None) -> None:
        """Say the metrics and remember the checkpoint as the latest."""
        self._say(progress_line(metrics))
        self.checkpoint = checkpoint or self.checkpoint
