"""The main job: an archive annotated into a table, from settings to summary."""

from dataclasses import dataclass

from reviewmine.backfill.plan import Planner
from reviewmine.backfill.recovering import recover_dead_publishes
from reviewmine.backfill.result import Result, result_of
from reviewmine.backfill.run import Run
from reviewmine.backfill.settings import AnnotateSettings
from reviewmine.backfill.stopping import StopSignal
from reviewmine.backfill.summary import Observer, Summary
from reviewmine.backfill.work import Job
from reviewmine.checkpoints import is_remote, local_checkpoint
from reviewmine.contract.reviews import ReviewColumns, carried_fields, check_mapping
from reviewmine.distributed.annotating import RayExecutor
from reviewmine.distributed.stages import Model
from reviewmine.errors import UsageError
from reviewmine.model.inspect import inspect_checkpoint, require_opinion_heads
from reviewmine.partition import PartitionRange
from reviewmine.store.archive import Archive
from reviewmine.store.footers import FooterCache, user_cache
from reviewmine.store.layout import new_run_id
from reviewmine.store.table import Table


@dataclass(frozen=True, kw_only=True)
class Intent:
    """What settings ask for, once archive, table and checkpoint were looked at and nothing was written yet."""

    planner: Planner
    result: Result
    job: Job
    model: Model


def intent_of(settings: AnnotateSettings) -> Intent:
    """Raises ReviewmineError for settings that archive, checkpoint or their own values rule out."""
    if settings.atomic_run and settings.format != "iceberg":
        raise UsageError(
            f"--atomic-run: a table of format {settings.format} has one commit per partition; only --format iceberg "
            "has one for all"
        )
    checkpoint = local_checkpoint(settings.checkpoint, expected_digest=settings.checkpoint_digest)
    spec, digest = inspect_checkpoint(checkpoint, expected_digest=settings.checkpoint_digest)
    require_opinion_heads(spec, where=str(checkpoint))
    archive, table = Archive(settings.archive), Table(settings.table)
    planner = Planner(
        archive,
        table,
        columns=settings.columns,
        partition_by=settings.partition_by,
        only=PartitionRange.parse(settings.partitions) if settings.partitions else None,
        selection=settings.selection,
        cache=FooterCache(user_cache() / "footers", archive.location.uri),
    )
    if settings.columns != ReviewColumns():
        check_mapping(planner.schemas(), settings.columns)
    carried = carried_fields(planner.schemas(), settings.carry) if settings.carry else ()
    result = result_of(
        checkpoint_digest=digest,
        columns=settings.columns,
        carried=carried,
        partition_by=settings.partition_by,
        annotate_unsupported=settings.annotate_unsupported,
    )
    job = Job(
        archive=archive,
        table=table,
        run_id=new_run_id(),
        result_key=result.key,
        columns=settings.columns,
        carried=carried,
        partition_by=settings.partition_by,
    )
    model = Model(
        checkpoint=settings.checkpoint if is_remote(settings.checkpoint) else str(checkpoint),
        digest=digest,
        annotate_unsupported=settings.annotate_unsupported,
        pool=settings.pool,
    )
    return Intent(planner=planner, result=result, job=job, model=model)


def annotate(settings: AnnotateSettings, observer: Observer) -> Summary:
    """Bring the table to what the archive and the checkpoint say it should hold; what is fresh is left alone.

    Ray is started only if there is something to annotate. Raises ReviewmineError; its `exit_code` is the command's.
    """
    stop = StopSignal()
    with stop.heeded():
        return _annotate(settings, observer, stop)


def _annotate(settings: AnnotateSettings, observer: Observer, stop: StopSignal) -> Summary:
    intent = intent_of(settings)
    planner, job = intent.planner, intent.job
    job.table.make_or_match(
        planner.partition_keys,
        settings.partition_by,
        carried=settings.carry,
        iceberg=settings.registration,
    )
    recovered = recover_dead_publishes(job.table, job.run_id, stop=stop)
    executor = RayExecutor(job, intent.model)
    with stop.interrupting():
        plan = planner.plan(intent.result, damaged=recovered.damaged)
    return Run(
        job,
        plan,
        executor,
        observer,
        max_rejects=settings.max_rejects,
        stop=stop,
        budget_hours=settings.budget_hours,
        together=settings.atomic_run,
    ).run()
