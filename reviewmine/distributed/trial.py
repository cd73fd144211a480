"""One trial of a search: a training run in a directory of its own, what it tells Ray Tune, and what it came to."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from ray import tune
from ray.train import Checkpoint, Result
from ray.tune.integration.ray_train import TuneReportCallback

from reviewmine.distributed.training import RUN_FILE, NumWorkers, claim, fit
from reviewmine.errors import ReviewmineError, TrainingError
from reviewmine.store.filesystem import Location
from reviewmine.store.record import digest
from reviewmine.text.mask import mask
from reviewmine.train.prepare import pinned
from reviewmine.train.resume import read_progress
from reviewmine.train.search import SearchSettings
from reviewmine.train.trials import State, Trial
from reviewmine.train.varied import VariedRun

TRIALS_FOLDER: Final = "trials"
PERCENT: Final = "percent_of_steps"
ENDED: Final = "ended"
"""Told of a trial that was trained to its end, by steps or by its own patience."""


@dataclass(frozen=True, kw_only=True)
class Search:
    """A search over a run file, and how its trials are run."""

    base: VariedRun
    settings: SearchSettings
    examples_root: Location
    storage: Location
    num_workers: NumWorkers = 1
    num_concurrent: int = 1
    run_id: str | None = None

    @property
    def id(self) -> str:
        """The run id, or a name made of what is searched, so that a changed file is another search."""
        asked = digest(self.base.text + self.settings.model_dump_json())
        return self.run_id or f"{self.base.run.name}-search-{asked[:8]}"

    @property
    def directory(self) -> Location:
        """Where all of the search lies: its trials, what they came to, the best run file."""
        return self.storage / self.id


def run_trial(told: dict[str, Any], *, asked: Search) -> None:
    """One trial: the run that its values make of the run file, trained as any other."""
    run = pinned(asked.base.varied(asked.settings.chosen(told)))
    directory = asked.directory / TRIALS_FOLDER / str(tune.get_context().get_trial_name())
    claim(directory, RUN_FILE, run.model_dump(mode="json"))
    keeps_best = run.loop.best_metric == asked.settings.metric
    result = fit(
        run,
        asked.examples_root,
        directory,
        num_workers=asked.num_workers,
        num_beside=asked.num_concurrent - 1,
        callbacks=[_ToTune(asked.settings, keeps_best=keeps_best)],
    )
    tune.report(_last_figures(result, asked.settings, keeps_best=keeps_best) | {ENDED: True})


def _last_figures(result: Result, settings: SearchSettings, *, keeps_best: bool) -> dict[str, Any]:
    """What the run came to, by its last checkpoint: also of a run that had ended before Tune was told of it."""
    figures = {**result.metrics, PERCENT: _percent(result.metrics)}
    if keeps_best:
        with result.checkpoint.as_directory() as kept:
            figures[settings.metric] = read_progress(Path(kept)).best
    if not _is_finite(figures.get(settings.metric)):
        raise TrainingError(f"validation never gave {settings.metric}: it is undefined on these answers")
    return figures


def _percent(figures: Mapping[str, float]) -> float:
    return 100 * figures["step"] / figures["steps"]


def _is_finite(value: float | None) -> bool:
    """Whether there is a value, and it is a number."""
    return value is not None and math.isfinite(value)


class _ToTune(TuneReportCallback):  # type: ignore[misc]
    """Tells Tune of each validation that gave the metric: how far the trial is, and what its weights are worth.

    Where the run keeps its best weights, that is the best value so far, and not the last.
    """

    def __init__(self, settings: SearchSettings, *, keeps_best: bool) -> None:
        super().__init__()
        self._metric = settings.metric
        self._keeps_best = keeps_best

    def after_report(
        self, run_context: Any, metrics: list[dict[str, Any]], checkpoint: Checkpoint | None
    ) -> None:
        figures = metrics[0]
        value = figures.get(self._metric)
        if not _is_finite(value):
            return
        if self._keeps_best:
            value = figures["best"]
        told = {**figures, self._metric: value, PERCENT: _percent(figures)}
        super().after_report(run_context, [told], None)


def trial_of(result: tune.Result, asked: Search) -> Trial:
    """What became of the trial that Tune has this result of."""
    settings, metrics = asked.settings, result.metrics or {}
    value = metrics.get(settings.metric)
    state: State = "stopped early" if metrics.get("done") else "unfinished"
    if result.error is not None:
        state = "failed"
    elif metrics.get(ENDED) or metrics.get(PERCENT, 0.0) >= 100:
        state = "done"
    return Trial(
        id=PurePosixPath(result.path).name,
        values=settings.chosen(result.config),
        state=state,
        value=None if value is None or state == "failed" else float(value),
        share=metrics.get(PERCENT, 0.0) / 100,
        seconds=metrics.get("time_total_s", 0.0),
        reason=reason_of(result.error) if result.error is not None else "",
        figures={figure: float(metrics[figure]) for figure in asked.base.run.metrics if figure in metrics},
    )


def reason_of(error: Exception) -> str:
    """Why a trial failed, on one line, without the traceback; by the name of its error where that says nothing."""
    cause = getattr(error, "cause", None) or error
    lines = str(cause).strip().splitlines() or [type(cause).__name__]
    told = lines if isinstance(cause, ReviewmineError) else lines[-1:]
    return mask(" ".join(" ".join(told).split()))
