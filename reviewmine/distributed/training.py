"""Training on Ray Train: the one loop on as many workers as a run wants, resumed from its last report after a death."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ray
import ray.train
import torch
from ray.train import Checkpoint, FailureConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchTrainer
from torch import nn

from reviewmine.distributed.session import ray_session
from reviewmine.errors import TrainingError
from reviewmine.model.network import OpinionNetwork
from reviewmine.store.record import digest
from reviewmine.text.mask import mask, mask_error
from reviewmine.train.reporter import progress_line
from reviewmine.train.run import TrainingRun, finish, train_worker

_MAX_FAILURES = 3


class RayReporter:
    """The loop's reporter on a Ray Train worker: metrics and checkpoints go to the run's storage."""

    def __init__(self) -> None:
        context = ray.train.get_context()
        self.rank: int = context.get_world_rank()
        self.world_size: int = context.get_world_size()

    def report(self, metrics: Mapping[str, float], checkpoint: Path | None) -> None:
        """Every worker calls this equally often; Ray waits for all of them, and copies what worker 0 brings."""
        if self.rank == 0:
            print(progress_line(metrics), flush=True)
        kept = Checkpoint.from_directory(checkpoint) if checkpoint else None
        ray.train.report(dict(metrics), checkpoint=kept)


def train(
    run: TrainingRun,
    *,
    examples_root: Path,
    checkpoint: Path,
    storage: Path,
    num_workers: int = 1,
    run_name: str | None = None,
) -> str:
    """Train `run` and write its checkpoint directory; returns the checkpoint's digest.

    `storage` keeps what the workers report; a run of the same name and the same settings there is taken up where
    it stopped.
    Raises TrainingError, with the worker's reason, if it fails more often than it is started again.
    """
    with ray_session(workers_are_heard=True):
        uses_gpu = ray.cluster_resources().get("GPU", 0) >= num_workers
        trainer = TorchTrainer(
            _work,
            train_loop_config={
                "run": run.model_dump(mode="json"),
                "examples_root": str(examples_root.absolute()),
            },
            scaling_config=ScalingConfig(num_workers=num_workers, use_gpu=uses_gpu),
            run_config=RunConfig(
                name=f"{run_name or run.name}-{digest(run.model_dump_json())[:8]}",
                storage_path=str(storage.absolute()),
                failure_config=FailureConfig(max_failures=_MAX_FAILURES),
            ),
        )
        try:
            result = trainer.fit()
        except ray.train.TrainingFailedError as failed:
            raise TrainingError(f"{run.name}: training failed: {mask(str(failed))}") from None
        if result.checkpoint is None:
            raise TrainingError(f"{run.name}: training reported no checkpoint; raise loop.epochs above none")
        with result.checkpoint.as_directory() as trained:
            return finish(run, examples_root, trained=Path(trained), directory=checkpoint)


def _work(config: dict[str, Any]) -> None:
    """What each worker runs; Ray writes what it raises into its logs."""
    try:
        _train(config)
    except Exception as raised:
        mask_error(raised)
        raise


def _train(config: dict[str, Any]) -> None:
    last = ray.train.get_checkpoint()
    device = ray.train.torch.get_device()
    with tempfile.TemporaryDirectory() as scratch:
        resume_from = Path(last.to_directory(f"{scratch}/resumed")) if last else None
        train_worker(
            TrainingRun.model_validate(config["run"]),
            Path(config["examples_root"]),
            RayReporter(),
            scratch=Path(scratch),
            device=device,
            parallel=_in_parallel if ray.train.get_context().get_world_size() > 1 else None,
            resume_from=resume_from,
        )


def _in_parallel(network: OpinionNetwork) -> nn.Module:
    device_ids = [torch.cuda.current_device()] if next(network.parameters()).is_cuda else None
    return nn.parallel.DistributedDataParallel(network, device_ids=device_ids)
