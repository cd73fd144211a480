"""Planning: what the main job would do and take, by the same road as far as it goes without writing anything."""

import os
import time
from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from reviewmine.annotate.prepare import Preparer
from reviewmine.backfill.estimate import (
    Estimate,
    Estimator,
    Means,
    request_seconds,
    sizes_of_live,
    sizes_of_trial,
    sizes_unseen,
)
from reviewmine.backfill.new_rows import measure_new_share
from reviewmine.backfill.pace import Pace, Trial, given_pace, pace_by_trial, pace_of_runs
from reviewmine.backfill.plan import Plan
from reviewmine.backfill.sampling import SAMPLE_ROWS, CountTokens, TokenRate, blocks, measure_tokens
from reviewmine.backfill.settings import AnnotateSettings
from reviewmine.checkpoints import local_checkpoint
from reviewmine.contract.annotations import annotations_schema
from reviewmine.contract.columns import joined, list_offsets
from reviewmine.distributed.annotating import RayExecutor
from reviewmine.distributed.main_job import Intent, intent_of
from reviewmine.distributed.session import local_workers, ray_session
from reviewmine.distributed.stages import Model
from reviewmine.store.fragment import Fragment
from reviewmine.store.parts import encode_parquet

_PROBES_OF_A_WORKER: Final = 2
_CPU_TOKENS_OF_A_PROBE: Final = 12_000  # a few passes of the network, and seconds
_GPU_TOKENS_OF_A_PROBE: Final = 300_000
_LOOKED_UP_ROWS: Final = 300
_WARMING_SHARE: Final = 0.1


def plan_backfill(settings: AnnotateSettings) -> Estimate:
    """The plan of `annotate` with these settings, and what it would take. Nothing is written but the footers' cache.

    Ray is started only for a trial, where neither earlier runs nor the settings tell the pace. Raises ReviewmineError
    as `annotate` would.
    """
    intent = intent_of(settings)
    intent.job.table.match(
        intent.planner.partition_keys,
        settings.partition_by,
        carried=settings.carry,
        iceberg=settings.registration,
    )
    plan = intent.planner.plan(intent.result)
    estimator = Estimator(plan, stored_bytes=intent.planner.body_bytes, standing=_standing(intent))
    return estimator.estimate(_means(settings, intent, plan, estimator) if estimator.pending else None)


def _means(settings: AnnotateSettings, intent: Intent, plan: Plan, estimator: Estimator) -> Means:
    job, model, pending = intent.job, intent.model, estimator.pending
    tokens = measure_tokens(
        job,
        blocks(pending, num_rows=SAMPLE_ROWS),
        _counter(model),
        estimator.stored_bytes_per_row,
    )
    changed = estimator.changed
    looked_up = [estimator.looking_back(probe) for probe in blocks(changed, num_rows=_LOOKED_UP_ROWS)]
    trial, told = None, settings.plan.tokens_per_s
    pace = (
        given_pace(told)
        if told
        else pace_of_runs(job.table, checkpoint=model.digest, device=model.pool.device)
    )
    if pace is None:
        trial, num_workers = _trial(intent, pending, tokens)
        pace = trial.pace
    else:
        num_workers = _num_workers(intent, pace)
    of_a_part = len(encode_parquet(annotations_schema(job.carried).empty_table()))
    live = [planned.live for planned in plan.partitions if planned.live]
    return Means(
        tokens=tokens,
        pace=pace,
        sizes=sizes_of_live(live, of_a_part)
        or (
            sizes_of_trial(trial, of_a_part) if trial else sizes_unseen(tokens.body_bytes_per_row, of_a_part)
        ),
        num_workers=max(1, min(num_workers, len(pending))),
        request_s=request_seconds(job.table, time.monotonic),
        new_share=measure_new_share(job, looked_up, num_rows=sum(fragment.num_rows for fragment in changed))
        if changed
        else None,
        price_per_hour=settings.plan.price_per_device_hour,
    )


def _standing(intent: Intent) -> set[str]:
    """The fragments that have receipts. A listing will do: nothing is published on the strength of an estimate."""
    table = intent.job.table
    listed = table.store.list(table.layout.receipts(intent.result.key))
    return {file.name.rsplit("/", 1)[-1].removesuffix(".json") for file in listed}


def _counter(model: Model) -> CountTokens:
    preparer = Preparer(
        local_checkpoint(model.checkpoint, expected_digest=model.digest),
        expected_digest=model.digest,
        annotate_unsupported=model.annotate_unsupported,
    )

    def count(reviews: pa.Table) -> NDArray[np.int64]:
        return np.diff(list_offsets(joined(preparer(reviews)["token_ids"]))).astype(np.int64)

    return count


def _num_workers(intent: Intent, pace: Pace) -> int:
    """As many as are asked for, as the cluster has room for, as earlier runs had, or as this machine has."""
    pool = intent.model.pool
    if pool.num_actors:
        return pool.num_actors
    if os.environ.get("RAY_ADDRESS"):
        with ray_session():
            return RayExecutor(intent.job, intent.model).room.num_actors()
    return pace.num_workers or local_workers(pool.num_cpus_per_actor)


def _trial(intent: Intent, pending: Sequence[Fragment], tokens: TokenRate) -> tuple[Trial, int]:
    """A trial on the workers that a run would have, and how many these are."""
    executor, began = RayExecutor(intent.job, intent.model), time.monotonic()
    with ray_session():
        num_workers = executor.room.num_actors()
        probe_tokens = _GPU_TOKENS_OF_A_PROBE if executor.room.uses_gpus() else _CPU_TOKENS_OF_A_PROBE
        probe_rows = max(16, round(probe_tokens / max(1.0, tokens.per_row)))
        warming_rows = max(8, round(_WARMING_SHARE * probe_rows))
        num_probes = _PROBES_OF_A_WORKER * num_workers
        trial = pace_by_trial(
            executor.execute,
            blocks(pending, num_rows=probe_rows * num_probes, rows_of_a_block=probe_rows),
            warming=blocks(
                pending, num_rows=warming_rows * num_workers, rows_of_a_block=warming_rows, seed=1
            ),
            began=began,
        )
    return trial, num_workers
