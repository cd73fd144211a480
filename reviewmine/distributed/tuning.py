"""Searches on Ray Tune: trials drawn, run, and taken up again; what they came to is written beside them."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ray import tune
from ray.tune.search import SearchAlgorithm, Searcher

from reviewmine.distributed.drawing import (
    Lines,
    algorithm_of,
    distribution_of,
    name_of,
    own_lines_alone,
    scheduler_of,
)
from reviewmine.distributed.session import ray_session
from reviewmine.distributed.training import claim
from reviewmine.distributed.trial import TRIALS_FOLDER, Search, run_trial, trial_of
from reviewmine.errors import TrainingError
from reviewmine.store.filesystem import Location
from reviewmine.store.opening import open_store
from reviewmine.train.coordinates import coordinates_png
from reviewmine.train.search import check_search
from reviewmine.train.trials import Trial, best_of, trials_csv, trials_json

SEARCH_FILE: Final = "search.json"
BEST_FILE: Final = "best.toml"
TABLE_FILE: Final = "trials.csv"
JSON_FILE: Final = "trials.json"
PICTURE_FILE: Final = "trials.png"
WRITTEN: Final = (BEST_FILE, TABLE_FILE, JSON_FILE, PICTURE_FILE)
_TUNE_FOLDER: Final = "tune"
_CPUS_OF_A_TRIAL: Final = 0.1
"""It waits for its workers, and those have CPUs of their own."""


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
    algorithm = algorithm_of(asked.settings, asked.num_concurrent)
    claim(
        asked.directory,
        SEARCH_FILE,
        {
            "search": asked.settings.model_dump(mode="json"),
            "run": asked.base.run.model_dump(mode="json"),
            "examples_root": asked.examples_root.uri,
        },
    )
    with ray_session(), own_lines_alone():
        results = _tuner(asked, algorithm).fit()
    trials = [trial_of(result, asked) for result in results]
    found = Found(directory=asked.directory, trials=trials, best=best_of(trials, asked.settings))
    _write(found, asked)
    return found


def _tuner(asked: Search, algorithm: SearchAlgorithm | Searcher) -> tune.Tuner:
    """The tuner of a search, taken up where it was if it has begun."""
    trainable = tune.with_resources(tune.with_parameters(run_trial, asked=asked), {"CPU": _CPUS_OF_A_TRIAL})
    begun = (asked.directory / _TUNE_FOLDER).uri
    if tune.Tuner.can_restore(begun):
        return tune.Tuner.restore(begun, trainable=trainable, resume_unfinished=True)
    return tune.Tuner(
        trainable,
        param_space={name: distribution_of(asked.settings, name) for name in asked.settings.space},
        tune_config=tune.TuneConfig(
            metric=asked.settings.metric,
            mode=asked.settings.aim,
            num_samples=asked.settings.trials or 1,
            search_alg=algorithm,
            scheduler=scheduler_of(asked.settings),
            trial_name_creator=name_of,
            trial_dirname_creator=name_of,
        ),
        run_config=tune.RunConfig(
            name=_TUNE_FOLDER,
            storage_path=asked.directory.uri,
            callbacks=[Lines(asked.settings)],
            verbose=0,
        ),
    )


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
        "--examples-root": asked.examples_root.uri,
        "--storage": (found.directory / TRIALS_FOLDER).uri,
        "--run-id": trial,
        "--checkpoint": "NEW-FOLDER",
    }
    return shlex.join(["reviewmine", "train", *(str(word) for pair in words.items() for word in pair)])
