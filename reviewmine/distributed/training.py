"""Training on Ray Train: the one loop on as many workers as a run wants, resumed from its last report after a death."""

import json
import logging
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import ray
import ray.train
from ray.train import (
    Checkpoint,
    CheckpointConfig,
    FailureConfig,
    Result,
    RunConfig,
    ScalingConfig,
    UserCallback,
)
from ray.train.torch import TorchTrainer

from reviewmine.distributed.session import CPUS_BESIDE_MODELS, ray_session
from reviewmine.errors import Diverged, ReviewmineError, TrainingError, UsageError
from reviewmine.model.checkpoint import refuse_filled
from reviewmine.store.filesystem import Location
from reviewmine.store.opening import open_store
from reviewmine.store.record import digest
from reviewmine.text.mask import mask, mask_error
from reviewmine.train.prepare import pinned
from reviewmine.train.reporter import progress_line
from reviewmine.train.resume import read_progress
from reviewmine.train.run import finish, is_made_by, train_worker
from reviewmine.train.run_file import TrainingRun
from reviewmine.train.runlog import RunLog

NumWorkers = int | tuple[int, int]
RUN_FILE: Final = "run.json"
_MAX_FAILURES: Final = 3
_CHECKPOINTS_KEPT: Final = 2
_RAY_TRAIN: Final = {
    "RAY_TRAIN_ENABLE_PRINT_PATCH": "0",  # else a line that a worker prints is logged too, and shown twice
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.5",  # a report waits so long for the one before, a run for its end
}


class RayReporter:
    """The loop's reporter on a Ray Train worker: figures and checkpoints go to the run's directory."""

    def __init__(self, log: RunLog | None) -> None:
        context = ray.train.get_context()
        self.rank: int = context.get_world_rank()
        self.world_size: int = context.get_world_size()
        self._log = log

    def note(self, metrics: Mapping[str, float]) -> None:
        """Print and log the figures, on worker 0; Ray hears nothing of it."""
        if self._log is not None:
            print(progress_line(metrics), flush=True)
            self._log.note(metrics)

    def report(self, metrics: Mapping[str, float], checkpoint: Path | None) -> None:
        """Ray waits for all workers, and copies what worker 0 brings.

        It takes no second report before its controller has come by for the first.
        """
        self.note(metrics)
        kept = Checkpoint.from_directory(checkpoint) if checkpoint else None
        ray.train.report(dict(metrics), checkpoint=kept)


def run_id_of(run: TrainingRun) -> str:
    """The id of a run that was given none: its name and a digest of its settings, so that a changed file is another."""
    return f"{run.name}-{digest(run.model_dump_json())[:8]}"


def num_workers_of(text: str) -> NumWorkers:
    """The number of workers that `4` or `2..8` asks for; UsageError for anything else."""
    numbers = re.fullmatch(r"(\d+)(?:\.\.(\d+))?", text)
    fewest, most = (int(numbers[1]), int(numbers[2] or numbers[1])) if numbers else (0, 0)
    if not 1 <= fewest <= most:
        raise UsageError(f"--num-workers {text}: expected a number such as 4, or a range such as 2..8")
    return most if fewest == most else (fewest, most)


def train(
    run: TrainingRun,
    *,
    examples_root: str | Path,
    checkpoint: Path,
    storage: str | Path,
    num_workers: NumWorkers = 1,
    run_id: str | None = None,
) -> str:
    """Train `run` and write its checkpoint directory; returns the checkpoint's digest.

    `examples_root` is a folder or an s3:// URI. `storage`, a folder that all nodes share or an s3:// URI, gets a
    directory per run id with its checkpoints, log and curves; a run id that is there is taken up from its last
    checkpoint. `num_workers` may be (fewest, most): the run then grows and shrinks with the cluster, and takes the
    same steps.
    Raises TrainingError, with the worker's reason, if it fails more often than it is started again; before anything
    starts UsageError if the run id is that of a run with other settings, CheckpointError if there is anything at
    `checkpoint` that this run has not made.
    """
    run = pinned(run)
    root, directory = Location.parse(examples_root), Location.parse(storage) / (run_id or run_id_of(run))
    begun = open_store(directory, scratch=".putting").get(RUN_FILE) is not None
    if not (begun and is_made_by(run, checkpoint)):
        refuse_filled(checkpoint)
    claim(directory, RUN_FILE, run.model_dump(mode="json"))
    with ray_session(workers_are_heard=True):
        result = fit(run, root, directory, num_workers=num_workers)
        with result.checkpoint.as_directory() as trained:
            return finish(run, root.uri, trained=Path(trained), directory=checkpoint)


def fit(
    run: TrainingRun,
    examples_root: Location,
    directory: Location,
    *,
    num_workers: NumWorkers,
    num_beside: int = 0,
    callbacks: Sequence[UserCallback] = (),
) -> Result:
    """Train `run` in its `directory`, on the Ray that is up: the last checkpoint that it reported, and its metrics.

    A run that was at its end already takes no step, and has them all the same. Where there are CPUs alone, they are
    shared with `num_beside` runs of as many workers. Raises TrainingError, with the worker's reason.
    """
    os.environ["RAY_CHDIR_TO_TRIAL_DIR"] = (
        "0"  # paths of a run file are meant from where the command is given
    )
    for name, value in _RAY_TRAIN.items():
        os.environ.setdefault(name, value)
    trainer = TorchTrainer(
        _work,
        train_loop_config={
            "run": run.model_dump(mode="json"),
            "examples_root": examples_root.uri,
            "directory": directory.uri,
        },
        scaling_config=_scaling(num_workers, num_runs=1 + num_beside),
        run_config=RunConfig(
            name=directory.name,
            storage_path=directory.parent.uri,
            failure_config=FailureConfig(max_failures=_MAX_FAILURES),
            checkpoint_config=CheckpointConfig(num_to_keep=_CHECKPOINTS_KEPT),
            callbacks=list(callbacks),
        ),
    )
    try:
        result = trainer.fit()
    except ray.train.TrainingFailedError as failed:
        raise TrainingError(f"{run.name}: training failed: {mask(told_failure(failed))}") from None
    if result.return_value is not None:
        raise TrainingError(f"{run.name}: training failed: {result.return_value}")
    if result.checkpoint is None:
        raise TrainingError(f"{run.name}: training reported no checkpoint")
    return result


def told_failure(failed: ray.train.TrainingFailedError) -> str:
    """What ended a training, without tracebacks, which Ray has in its logs: our own error of some worker, or the first.

    One worker that fails takes the others along, and those say no more than that they lost it.
    """
    failures = [error for _, error in sorted(getattr(failed, "worker_failures", {}).items())]
    for error in failures:
        if isinstance(error, ReviewmineError):
            return str(error)
    if failures:
        return f"{type(failures[0]).__name__}: {failures[0]}"
    return str(failed)


def claim(directory: Location, name: str, mine: Mapping[str, Any]) -> None:
    """Write settings into a run's directory as `name`, or see to it that those which are there are the same."""
    store = open_store(directory, scratch=".putting")
    found = store.get(name)
    if found is None:
        store.put(name, (json.dumps(mine, indent=2) + "\n").encode())
    elif (theirs := json.loads(found.body)) != mine:
        differ = sorted(key for key in mine.keys() | theirs.keys() if mine.get(key) != theirs.get(key))
        raise UsageError(
            f"{directory.uri}: the run of this id has other settings under {', '.join(differ)}; "
            "give another --run-id, or the run file that it was started with"
        )


def _scaling(num_workers: NumWorkers, *, num_runs: int) -> ScalingConfig:
    """A GPU for each worker where there are enough for the fewest, else the nodes' CPUs divided among all runs'."""
    fewest, most = (num_workers, num_workers) if isinstance(num_workers, int) else num_workers
    uses_gpu = ray.cluster_resources().get("GPU", 0) >= fewest
    if uses_gpu:
        return ScalingConfig(num_workers=num_workers, use_gpu=True)
    nodes = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
    nodes = [num_cpus for num_cpus in nodes if num_cpus] or [1]
    cpus = max(1, (min(nodes) - CPUS_BESIDE_MODELS) // -(-most * num_runs // len(nodes)))
    return ScalingConfig(num_workers=num_workers, resources_per_worker={"CPU": cpus})


def _work(config: dict[str, Any]) -> str | None:
    """What each worker runs; Ray writes what it raises into its logs.

    Returned is what it would be vain to start again for: a gradient that is not finite, which all workers find at
    the same step, or any mistake in what was asked for that one worker alone finds.
    """
    try:
        _train(config)
    except ReviewmineError as raised:
        mask_error(raised)
        if isinstance(raised, Diverged) or ray.train.get_context().get_world_size() == 1:
            return str(raised)
        raise
    except Exception as raised:
        mask_error(raised)
        raise
    return None


def _train(config: dict[str, Any]) -> None:
    for name in ("", "ray.train"):  # Ray has these tell of each report and each checkpoint
        logging.getLogger(name).setLevel(logging.WARNING)
    run = TrainingRun.model_validate(config["run"])
    last = ray.train.get_checkpoint()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        resume_from = Path(last.to_directory(scratch / "resumed")) if last else None
        log = None
        if ray.train.get_context().get_world_rank() == 0:
            first_step = read_progress(resume_from).step if resume_from else 0
            log = RunLog(
                config["directory"], scratch / "log", trackers=run.loop.trackers, first_step=first_step
            )
        try:
            train_worker(
                run,
                config["examples_root"],
                RayReporter(log),
                scratch=scratch,
                device=ray.train.torch.get_device(),
                resume_from=resume_from,
            )
        finally:
            if log is not None:
                log.close()
