"""What the commands that look after a table say: to a person one line per partition or run, to a machine JSON."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from reviewmine.backfill.garbage import Collected
from reviewmine.backfill.status import Holder, PartitionStatus, RunStatus, TableStatus
from reviewmine.backfill.undoing import Undone
from reviewmine.console import time_text
from reviewmine.store.erasing import Erased
from reviewmine.store.filesystem import Listed
from reviewmine.warehouse.lineage import Lineage

_MAX_RUNS = 10
_MAX_ROWS = 5


def status_lines(status: TableStatus, *, now: datetime) -> Iterator[str]:
    """Every partition, the last runs, and what a person should look at."""
    for partition in status.partitions:
        yield f"{partition.partition}: {_partition(partition)}"
        for reject in partition.rejects:
            yield f"  rejected: {reject}"
    older = len(status.runs) - _MAX_RUNS
    if older > 0:
        yield f"runs: the last {_MAX_RUNS} of {len(status.runs)}; --json tells all"
    for run in status.runs[-_MAX_RUNS:]:
        yield f"run {run.run_id}: {_run(run, now)}"
        for name, reason in run.partitions_failed.items():
            yield f"  failed: {name}: {reason}"
    if status.erasures:
        yield f"erasures: {status.erasures}"
    if status.foreign_files:
        yield (
            f"found {len(status.foreign_files)} files in the table that reviewmine did not write, such as "
            f"{status.foreign_files[0]}; readers take them for annotations: move them away"
        )
    if not status.partitions:
        yield f"{status.table}: nothing is published yet"


def undone_line(undone: Undone) -> str:
    """What became of one partition, and what the next run will make of it."""
    if undone.rollback is None:
        why = undone.failure.removeprefix(f"partition {undone.partition}: ")
        return f"partition {undone.partition} is not rolled back: {why}"
    rollback = undone.rollback
    if rollback.is_done_already:
        return (
            f"partition {undone.partition}: {rollback.now.generation} is live, and holds what "
            f"{rollback.restored.generation} held; nothing to do; name another generation to go further"
        )
    line = (
        f"partition {undone.partition} is rolled back from {rollback.before.generation} to "
        f"{rollback.restored.generation}: {rollback.now.num_rows:,} rows, live as {rollback.now.generation}"
    )
    if undone.differences:
        what = ", ".join(undone.differences)
        line += f"; made with another {what}: a run that wants what was there before does it again"
    return line


def undone_json(undone: Undone) -> dict[str, Any]:
    if undone.rollback is None:
        return {"partition": str(undone.partition), "state": "failed", "reason": undone.failure}
    rollback = undone.rollback
    return {
        "partition": str(undone.partition),
        "state": "unchanged" if rollback.is_done_already else "rolled back",
        "before": rollback.before.generation,
        "restored": rollback.restored.generation,
        "generation": rollback.now.generation,
        "rows": rollback.now.num_rows,
        "differences": list(undone.differences),
    }


def collected_lines(collected: Collected, *, dry_run: bool) -> Iterator[str]:
    gone = collected.gone
    told = (
        _counted(gone.all_parts(), "parts"),
        _counted(gone.receipts, "receipts"),
        _counted(gone.all_manifests(), "manifests"),
    )
    yield f"{'would go' if dry_run else 'gone'}: {', '.join(told)}"
    for partition, reason in collected.held.items():
        yield f"left alone: {partition}: {reason}"


def collected_json(collected: Collected, *, dry_run: bool) -> dict[str, Any]:
    gone = collected.gone
    kinds = {"parts": gone.all_parts(), "receipts": gone.receipts, "manifests": gone.all_manifests()}
    found: dict[str, Any] = {"dry_run": dry_run}
    for kind, files in kinds.items():
        found |= {kind: len(files), f"{kind}_bytes": sum(file.num_bytes for file in files)}
    return found | {"held": {str(partition): reason for partition, reason in collected.held.items()}}


def erased_lines(erased: Erased, *, dry_run: bool) -> Iterator[str]:
    """A line for each part that held rows, then the sum: rows count once for every part that held them."""
    for trace in erased.traces:
        where = ", ".join(f"{file} row {row}" for _, file, row in trace.rows[:_MAX_ROWS])
        more = f" and {len(trace.rows) - _MAX_ROWS} more" if len(trace.rows) > _MAX_ROWS else ""
        yield f"{trace.partition}, {trace.standing}: {len(trace.rows):,} rows of {where}{more}; in {trace.part}"
    counts = Counter({"live": 0, "earlier": 0, "staged": 0})
    for trace in erased.traces:
        counts[trace.standing] += len(trace.rows)
    told = ", ".join(f"{count:,} {standing}" for standing, count in counts.items())
    yield f"{'would be erased' if dry_run else 'erased'}: {told} rows"
    for partition, reason in erased.held.items():
        yield f"not erased yet: {partition}: {reason}; run this again"
    for reason in erased.awaited:
        yield f"not finished: {reason}"


def erased_json(erased: Erased, *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "parts": [
            {
                "partition": str(trace.partition),
                "standing": trace.standing,
                "part": trace.part,
                "rows": [{"source_file": file, "source_row": row} for _, file, row in trace.rows],
            }
            for trace in erased.traces
        ],
        "held": {str(partition): reason for partition, reason in erased.held.items()},
        "awaited": list(erased.awaited),
    }


def lineage_lines(row: Lineage) -> Iterator[str]:
    yield f"{row.review_id} in partition {row.partition}: {row.status}"
    group = "" if row.source_row_group is None else f", row group {row.source_row_group}"
    changed = {None: "", True: ", unchanged since", False: ", changed or gone since"}[row.source_is_unchanged]
    yield f"  from      {row.source_file}, row {row.source_row}{group} (etag {row.source_etag}{changed})"
    yield f"  in        {row.live_file}, row group {row.live_row_group}"
    yield f"  model     {row.model_version}"
    yield f"  run       {row.run_id}, annotated {row.annotated_at:%Y-%m-%d %H:%M:%S} UTC"
    restored = f", which restores {row.restores}" if row.restores else ""
    yield f"  published {row.published_at:%Y-%m-%d %H:%M:%S} UTC as generation {row.generation}{restored}"
    yield f"  settings  {', '.join(f'{name}: {value}' for name, value in row.settings.items() if value)}"


def _partition(found: PartitionStatus) -> str:
    told: list[str] = [found.state]
    if found.published_at:
        told.append(f"{found.rows:,} rows")
        restored = f", a rollback to {found.restores}" if found.restores else ""
        told.append(f"generation {found.generation} of {_moment(found.published_at)}{restored}")
    if found.earlier:
        told.append(f"{len(found.earlier)} earlier kept, the last {found.earlier[0]}")
    if found.rejects:
        told.append(f"{len(found.rejects)} files rejected since")
    if found.holder:
        told.append(_holder(found.holder))
    if found.has_journal:
        told.append(
            "a publish is under way" if found.holder else "a publish was cut off: the next run mends it"
        )
    if found.reason:
        told.append(found.reason)
    return "; ".join(told)


def _holder(holder: Holder) -> str:
    beats = {
        None: "",
        True: ", its heartbeat moves",
        False: ", its heartbeat stands still: if it is dead, the next run takes over after 20 s",
    }
    return f"held by run {holder.run_id} on {holder.host} since {_moment(holder.since)}{beats[holder.is_beating]}"


_SILENT_S = 2 * 3600.0
"""Longer than workers take to start, or a slow one for a fragment: with each that is done a run is heard of."""


def _run(run: RunStatus, now: datetime) -> str:
    told = [run.state]
    is_running = run.state == "running"
    if run.updated_at and is_running:
        silent_s = (now - run.updated_at).total_seconds()
        is_running = silent_s < _SILENT_S
        told = ["running" if is_running else "running or dead"]
        told.append(f"last heard of {time_text(silent_s)} ago")
    told.append(f"{run.partitions_published} of {run.partitions_due} partitions published")
    told.append(f"{run.rows_read:,} of {run.rows_due:,} rows")
    if run.rows_per_s:
        told.append(f"{run.rows_per_s:,.1f} rows/s")
        if is_running:
            told.append(f"{time_text((run.rows_due - run.rows_read) / run.rows_per_s)} left")
    if run.files_rejected:
        told.append(f"{run.files_rejected} files rejected")
    return run.reason if run.state == "unreadable" else "; ".join(told)


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _counted(files: Sequence[Listed], what: str) -> str:
    return f"{len(files):,} {what} ({sum(file.num_bytes for file in files):,} bytes)"
