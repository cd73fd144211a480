"""Who listens to the training loop: a protocol that Ray Train's worker fits, and the listener of a run alone."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol


class Reporter(Protocol):
    """Who listens to the loop, and which worker of how many this one is.

    Every worker calls either as often as all others, with the same figures. `note` waits for nobody. `report` may wait
    for all workers and for whoever runs them: it is for what a run can be resumed from. Worker 0 alone brings that
    directory, which is the listener's to copy before it returns.
    """

    rank: int
    world_size: int

    def note(self, metrics: Mapping[str, float]) -> None: ...

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
    """The reporter of a run with one worker: a line each time; the last checkpoint stays where it was written."""

    rank = 0
    world_size = 1

    def __init__(self, say: Callable[[str], None] = print) -> None:
        self._say = say
        self.checkpoint: Path | None = None

    def note(self, metrics: Mapping[str, float]) -> None:
        """Say the metrics."""
        self._say(progress_line(metrics))

    def report(self, metrics: Mapping[str, float], checkpoint: Path | None) -> None:
        """Say the metrics and remember the checkpoint as the latest."""
        self.note(metrics)
        self.checkpoint = checkpoint or self.checkpoint
