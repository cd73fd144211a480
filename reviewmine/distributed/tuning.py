"""Searches on Ray Tune: each trial is a training run in a directory of its own, as `reviewmine train` makes them."""

import logging
import math
import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from ray import tune
from ray.train import Checkpoint
from ray.tune.integration.ray_train import TuneReportCallback
from ray.tune.schedulers import ASHAScheduler, FIFOScheduler, TrialScheduler
from ray.tune.search import BasicVariantGenerator, ConcurrencyLimiter, SearchAlgorithm, Searcher

from reviewmine.distributed.session import ray_session
from reviewmine.distributed.training import RUN_FILE, NumWorkers, claim, fit
from reviewmine.errors import ReviewmineError, TrainingError, UsageError
from reviewmine.store.filesystem import Location
from reviewmine.store.opening import open_store
from reviewmine.store.record import digest
from reviewmine.text.mask import mask
from reviewmine.train.coordinates import coordinates_png
from reviewmine.train.search import SearchSettings, Span, check_search
from reviewmine.train.trials import State, Trial, best_of, shown, trials_csv, trials_json
from reviewmine.train.varied import VariedRun

SEARCH_FILE: Final = "search.json"
TRIALS_FOLDER: Final = "trials"
BEST_FILE: Final = "best.toml"
TABLE_FILE: Final = "trials.csv"
JSON_FILE: Final = "trials.json"
PICTURE_FILE: Final = "trials.png"
WRITTEN: Final = (BEST_FILE, TABLE_FILE, JSON_FILE, PICTURE_FILE)
_TUNE_FOLDER: Final = "tune"
_PERCENT: Final = "percent_of_steps"
_CPUS_OF_A_TRIAL: Final = 0.1
"""It waits for its workers, and those have CPUs of their own."""
_ENDED_FILE: Final = "ended.json"
"""In the directory of a trial that was trained to its end, by steps or by its own patience."""
_LAST_PERCENT_TO_STOP_AT: Final = 99
"""A trial that has taken all its steps is done, whatever it came to."""


@dataclass(frozen=True, kw_only=True)
class Search:
    """A search over a run file, and how its trials are run."""

    base: VariedRun
    settings: SearchSettings
    examples_root: str | Path
    storage: str | Path
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
        return Location.parse(self.storage) / self.id


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a search came to; `best` is None if no trial was trained to its end."""

    directory: Location
    trials: Sequence[Trial]
    best: Trial | None


def search(asked: Search, *, where: str) -> Found:
    """Run the trials that are not done yet, and write what became of all of them into the search's directory.

    A trial that fails is noted with its reason, and the others go on; one that was cut off is taken up from its last
    checkpoint. `where` names the search file in messages. Raises ConfigError for a search that does not fit its run
    file, UsageError if the run id is that of another search or an extra is missing.
    """
    check_search(asked.settings, asked.base, where=where)
    algorithm = _algorithm(asked.settings, asked.num_concurrent)
    claim(
        asked.directory,
        SEARCH_FILE,
        {
            "search": asked.settings.model_dump(mode="json"),
            "run": asked.base.run.model_dump(mode="json"),
            "examples_root": Location.parse(asked.examples_root).uri,
        },
    )
    with ray_session(), _own_lines_alone():
        results = _tuner(asked, algorithm).fit()
    trials = [_trial_of(result, asked) for result in results]
    found = Found(directory=asked.directory, trials=trials, best=best_of(trials, asked.settings))
    _write(found, asked)
    return found


def _tuner(asked: Search, algorithm: SearchAlgorithm | Searcher) -> tune.Tuner:
    """The tuner of a search, taken up where it was if it has begun."""
    trainable = tune.with_resources(tune.with_parameters(_run_trial, asked=asked), {"CPU": _CPUS_OF_A_TRIAL})
    begun = (asked.directory / _TUNE_FOLDER).uri
    if tune.Tuner.can_restore(begun):
        return tune.Tuner.restore(begun, trainable=trainable, resume_unfinished=True)
    return tune.Tuner(
        trainable,
        param_space={name: _distribution(asked.settings, name) for name in asked.settings.space},
        tune_config=tune.TuneConfig(
            metric=asked.settings.metric,
            mode=asked.settings.aim,
            num_samples=asked.settings.trials or 1,
            search_alg=algorithm,
            scheduler=_scheduler(asked.settings),
            trial_name_creator=_name_of,
            trial_dirname_creator=_name_of,
        ),
        run_config=tune.RunConfig(
            name=_TUNE_FOLDER,
            storage_path=asked.directory.uri,
            callbacks=[_Lines(asked.settings)],
            verbose=0,
        ),
    )


def _run_trial(told: dict[str, Any], *, asked: Search) -> None:
    """One trial: the run that its values make of the run file, trained as any other."""
    run = asked.base.varied(asked.settings.chosen(told))
    directory = asked.directory / TRIALS_FOLDER / str(tune.get_context().get_trial_name())
    claim(directory, RUN_FILE, run.model_dump(mode="json"))
    keeps_best = run.loop.best_metric == asked.settings.metric
    fit(
        run,
        Location.parse(asked.examples_root),
        directory,
        num_workers=asked.num_workers,
        num_beside=asked.num_concurrent - 1,
        callbacks=[_ToTune(asked.settings, keeps_best=keeps_best)],
    )
    open_store(directory, scratch=".putting").put(_ENDED_FILE, b"{}\n")


class _ToTune(TuneReportCallback):  # type: ignore[misc]
    """Tells Tune of each validation that gave the metric: how far the trial is, and what its weights are worth.

    Where the run keeps its best weights, that is the best value so far, and not the last.
    """

    def __init__(self, settings: SearchSettings, *, keeps_best: bool) -> None:
        super().__init__()
        self._metric, self._best_of = settings.metric, max if settings.aim == "max" else min
        self._keeps_best, self._best = keeps_best, None

    def after_report(
        self, run_context: Any, metrics: list[dict[str, Any]], checkpoint: Checkpoint | None
    ) -> None:
        figures = metrics[0]
        value = figures.get(self._metric)
        if value is None or not math.isfinite(value):
            return
        if self._keeps_best:
            self._best = value = value if self._best is None else self._best_of(self._best, value)
        percent = 100 * figures["step"] / figures["steps"]
        super().after_report(run_context, [{**figures, self._metric: value, _PERCENT: percent}], None)


class _Lines(tune.Callback):  # type: ignore[misc]
    """Says a line for each trial that begins, is validated, ends or fails."""

    def __init__(self, settings: SearchSettings) -> None:
        self._settings = settings

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        values = self._settings.chosen(trial.config)
        print(f"{trial}: {', '.join(f'{name} {shown(value)}' for name, value in values.items())}", flush=True)

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        metric = self._settings.metric
        print(f"{trial}: {result[_PERCENT]:.0f}% of its steps, {metric} {result[metric]:.4f}", flush=True)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        error = trial.get_pickled_error() or trial.get_error()
        print(f"{trial}: failed: {_reason(error)}", flush=True)


@contextmanager
def _own_lines_alone() -> Iterator[None]:
    """Tune says nothing of its own: that a trial failed, and why, is said in a line and in the table."""
    logger, before = logging.getLogger("ray.tune"), os.environ.get("RAY_AIR_NEW_OUTPUT")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    os.environ["RAY_AIR_NEW_OUTPUT"] = "0"
    try:
        yield
    finally:
        logger.setLevel(level)
        os.environ.pop("RAY_AIR_NEW_OUTPUT")
        if before is not None:
            os.environ["RAY_AIR_NEW_OUTPUT"] = before


def _algorithm(settings: SearchSettings, num_concurrent: int) -> SearchAlgorithm | Searcher:
    if settings.algorithm != "bayesian":
        return BasicVariantGenerator(max_concurrent=num_concurrent, random_state=settings.seed)
    try:
        import optuna
    except ImportError:
        raise UsageError("algorithm bayesian: optuna is missing; pip install 'reviewmine[tune]'") from None
    from ray.tune.search.optuna import OptunaSearch

    optuna.logging.set_verbosity(logging.WARNING)
    return ConcurrencyLimiter(OptunaSearch(seed=settings.seed), max_concurrent=num_concurrent)


def _scheduler(settings: SearchSettings) -> TrialScheduler:
    if settings.asha is None:
        return FIFOScheduler()
    return ASHAScheduler(
        time_attr=_PERCENT,
        grace_period=100 * settings.asha.grace,
        reduction_factor=settings.asha.reduction,
        max_t=_LAST_PERCENT_TO_STOP_AT,
        stop_last_trials=False,
    )


def _distribution(settings: SearchSettings, name: str) -> Any:
    """How Tune draws the values of a field."""
    domain = settings.space[name]
    if not isinstance(domain, Span):
        told = [settings.told(name, value) for value in domain]
        return tune.grid_search(told) if settings.algorithm == "grid" else tune.choice(told)
    if domain.is_whole:
        draw = tune.lograndint if domain.log else tune.randint
        return draw(domain.low, domain.high + 1)
    return (tune.loguniform if domain.log else tune.uniform)(float(domain.low), float(domain.high))


def _name_of(trial: Any) -> str:
    """A trial's name and directory, by its number: what Tune tags it with begins with that."""
    return f"trial-{int(str(trial.experiment_tag).split('_')[0]):03d}"


def _trial_of(result: tune.Result, asked: Search) -> Trial:
    settings, name = asked.settings, PurePosixPath(result.path).name
    metrics, history = result.metrics or {}, result.metrics_dataframe
    values = settings.chosen(result.config)
    value = metrics.get(settings.metric)
    if (
        value is not None
        and values.get("loop.best_metric", asked.base.run.loop.best_metric) == settings.metric
    ):
        value = history[settings.metric].agg(settings.aim)
    directory = open_store(asked.directory / TRIALS_FOLDER / name)
    state: State = "stopped early" if metrics.get("done") else "unfinished"
    if result.error is not None:
        state = "failed"
    elif metrics.get(_PERCENT, 0.0) >= 100 or directory.stat(_ENDED_FILE) is not None:
        state = "done"
    return Trial(
        id=name,
        values=values,
        state=state,
        value=None if value is None or state == "failed" else float(value),
        share=metrics.get(_PERCENT, 0.0) / 100,
        seconds=metrics.get("time_total_s", 0.0),
        reason=_reason(result.error) if result.error is not None else "",
        figures={figure: float(metrics[figure]) for figure in asked.base.run.metrics if figure in metrics},
    )


def _reason(error: Exception) -> str:
    """Why a trial failed, on one line, without the traceback."""
    cause = getattr(error, "cause", None) or error
    told = str(cause) if isinstance(cause, ReviewmineError) else str(cause).strip().splitlines()[-1]
    return mask(" ".join(told.split()))


def _write(found: Found, asked: Search) -> None:
    """Put the table, the picture and the best run file into the search's directory."""
    settings, store = asked.settings, open_store(found.directory, scratch=".putting")
    store.put(TABLE_FILE, trials_csv(found.trials, settings).encode())
    store.put(JSON_FILE, trials_json(found.trials, settings).encode())
    title = f"{asked.id}: {len(found.trials)} trials"
    store.put(PICTURE_FILE, coordinates_png(found.trials, settings, title=title))
    if found.best is not None:
        store.put(BEST_FILE, best_run_file(found, asked).encode())


def best_run_file(found: Found, asked: Search) -> str:
    """The run file with the values of the best trial, which says in its first lines where they come from."""
    if found.best is None:
        raise TrainingError(f"{found.directory.uri}: no trial was trained to its end, so none is the best")
    said = (
        f"{asked.base.where} with the values of {found.best.id}, the best of {len(found.trials)} trials of "
        f"{asked.id}:\n{asked.settings.metric} {found.best.value:.4f} on validation."
    )
    return asked.base.written(found.best.values, said=said)


def finishing(found: Found, asked: Search, best_file: Path | None = None) -> str:
    """The command that makes a checkpoint of the best trial: it takes the trial up at its end, and takes no step."""
    trial = found.best.id if found.best else ""
    words = {
        "--run": best_file or (found.directory / BEST_FILE).uri,
        "--examples-root": asked.examples_root,
        "--storage": (found.directory / TRIALS_FOLDER).uri,
        "--run-id": trial,
        "--checkpoint": "NEW-FOLDER",
    }
    return shlex.join(["reviewmine", "train", *(str(word) for pair in words.items() for word in pair)])
