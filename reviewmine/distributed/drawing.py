"""What Ray Tune is told of a search: how values are drawn, when a trial is stopped early, and what is said of it."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from ray import tune
from ray.tune.schedulers import ASHAScheduler, FIFOScheduler, TrialScheduler
from ray.tune.search import BasicVariantGenerator, ConcurrencyLimiter, SearchAlgorithm, Searcher

from reviewmine.distributed.trial import ENDED, PERCENT, reason_of
from reviewmine.errors import UsageError
from reviewmine.train.search import SearchSettings, Span
from reviewmine.train.trials import shown

_LAST_PERCENT_TO_STOP_AT: Final = 99
"""A trial that has taken all its steps is done, whatever it came to."""
_ENVIRONMENT: Final = {"RAY_AIR_NEW_OUTPUT": "0", "RAY_CHDIR_TO_TRIAL_DIR": "0"}
"""Tune prints no table of its own, and leaves trials in the folder that paths of a run file are meant from."""


def algorithm_of(settings: SearchSettings, num_concurrent: int) -> SearchAlgorithm | Searcher:
    if settings.algorithm != "bayesian":
        return BasicVariantGenerator(max_concurrent=num_concurrent, random_state=settings.seed)
    try:
        import optuna
    except ImportError:
        raise UsageError("algorithm bayesian: optuna is missing; pip install 'reviewmine[tune]'") from None
    from ray.tune.search.optuna import OptunaSearch

    optuna.logging.set_verbosity(logging.WARNING)
    return ConcurrencyLimiter(OptunaSearch(seed=settings.seed), max_concurrent=num_concurrent)


def scheduler_of(settings: SearchSettings) -> TrialScheduler:
    if settings.asha is None:
        return FIFOScheduler()
    return ASHAScheduler(
        time_attr=PERCENT,
        grace_period=100 * settings.asha.grace,
        reduction_factor=settings.asha.reduction,
        max_t=_LAST_PERCENT_TO_STOP_AT,
        stop_last_trials=False,
    )


def distribution_of(settings: SearchSettings, name: str) -> Any:
    """How Tune draws the values of a field."""
    domain = settings.space[name]
    if not isinstance(domain, Span):
        told = [settings.told(name, value) for value in domain]
        return tune.grid_search(told) if settings.algorithm == "grid" else tune.choice(told)
    if domain.is_whole:
        draw = tune.lograndint if domain.log else tune.randint
        return draw(domain.low, domain.high + 1)
    return (tune.loguniform if domain.log else tune.uniform)(float(domain.low), float(domain.high))


def name_of(trial: Any) -> str:
    """A trial's name and directory, by its number: what Tune tags it with begins with that."""
    return f"trial-{int(str(trial.experiment_tag).split('_')[0]):03d}"


class Lines(tune.Callback):  # type: ignore[misc]
    """Says a line for each trial that begins, is validated, ends or fails."""

    def __init__(self, settings: SearchSettings) -> None:
        self._settings = settings

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        values = self._settings.chosen(trial.config)
        print(f"{trial}: {', '.join(f'{name} {shown(value)}' for name, value in values.items())}", flush=True)

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        if result.get(ENDED):
            return  # the validation before has said it
        metric = self._settings.metric
        print(f"{trial}: {result[PERCENT]:.0f}% of its steps, {metric} {result[metric]:.4f}", flush=True)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        error = trial.get_pickled_error() or trial.get_error()
        print(f"{trial}: failed: {reason_of(error)}", flush=True)


@contextmanager
def own_lines_alone() -> Iterator[None]:
    """Tune says nothing of its own: that a trial failed, and why, is said in a line and in the table."""
    logger = logging.getLogger("ray.tune")
    level, before = logger.level, {name: os.environ.get(name) for name in _ENVIRONMENT}
    logger.setLevel(logging.CRITICAL)
    os.environ.update(_ENVIRONMENT)
    try:
        yield
    finally:
        logger.setLevel(level)
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
