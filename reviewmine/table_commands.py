"""The commands that look after a table: status, rollback, gc, erase, read, lineage."""

import json
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from reviewmine.backfill.selection import parse_age
from reviewmine.errors import EXIT_FAILED, UsageError
from reviewmine.partition import PartitionRange

TableUri = Annotated[str, typer.Argument(help="Local path or s3:// URI of a table.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON, for machines.")]
Partitions = Annotated[str, typer.Option(help="Which: A..B, A.., ..B, one value, or 'all'.")]

_HEARTBEATS_S = 6.0
"""A live holder beats every five seconds."""


def status(table: TableUri, as_json: AsJson = False) -> None:
    """Say what is live in each partition, who holds it, and what the runs did; nothing is written.

    Where a partition is held, this takes six seconds: two looks tell whether the heartbeat of its holder moves.
    """
    from reviewmine.backfill.status import status_of
    from reviewmine.store.table import Table
    from reviewmine.table_console import status_lines

    found = status_of(Table(table), wait=lambda: time.sleep(_HEARTBEATS_S))
    if as_json:
        print(found.model_dump_json(indent=1))
        return
    _say(status_lines(found, now=datetime.now(UTC)))


def rollback(
    table: TableUri,
    partitions: Partitions,
    to: Annotated[
        str, typer.Option(help="'previous', a generation as status names it, or the run that published it.")
    ] = "previous",
    as_json: AsJson = False,
) -> None:
    """Make an earlier generation live again, byte for byte, as a publish of its own; asking again does no more.

    Nothing is pinned: where a run wants other settings or other files than the restored generation was made with, it
    will do the partition again, so put the settings back first. The output names what differs.
    """
    from reviewmine.backfill.recovering import recover_dead_publishes
    from reviewmine.backfill.undoing import chosen_partitions, undo
    from reviewmine.store.layout import new_run_id
    from reviewmine.store.lease import Patience
    from reviewmine.store.table import Table
    from reviewmine.table_console import undone_json, undone_line

    place, run_id, patience = Table(table), new_run_id(), Patience()
    place.require(writing=True)
    chosen = chosen_partitions(place, partitions)
    recover_dead_publishes(place, run_id, patience).check(chosen)
    undone = undo(place, chosen, run_id, to=to, patience=patience)
    _say(json.dumps(undone_json(one)) if as_json else undone_line(one) for one in undone)
    if any(one.failure for one in undone):
        raise typer.Exit(EXIT_FAILED)


def gc(
    table: TableUri,
    keep: Annotated[int, typer.Option(min=0, help="Generations before the live one to keep.")] = 1,
    older_than: Annotated[
        str, typer.Option(help="Keep what was made or replaced since: 7d, 12h, 30m.")
    ] = "7d",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and leave it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take away staged parts, receipts and old generations that nobody needs any more, never what is live or held."""
    from reviewmine.backfill.garbage import Collected, Retention, collect, survey
    from reviewmine.backfill.recovering import recover_dead_publishes
    from reviewmine.backfill.runs import runs_of
    from reviewmine.store.layout import new_run_id
    from reviewmine.store.lease import Patience
    from reviewmine.store.table import Table
    from reviewmine.table_console import collected_json, collected_lines

    age, place, run_id, patience = _age(older_than), Table(table), new_run_id(), Patience()
    place.require(writing=not dry_run)
    if not dry_run:
        recover_dead_publishes(place, run_id, patience).check()
    now = datetime.now(UTC)
    retention = Retention.of(keep, age, runs=runs_of(place.store, place.layout, now=now), now=now)
    collected = (
        Collected(gone=survey(place.store, place.layout, retention), held={})
        if dry_run
        else collect(place.store, place.layout, place.live, retention, run_id, patience)
    )
    if as_json:
        print(json.dumps(collected_json(collected, dry_run=dry_run)))
        return
    _say(collected_lines(collected, dry_run=dry_run))


def erase(
    table: TableUri,
    review_ids: Annotated[Path | None, typer.Option(help="A file with a review id a line.")] = None,
    user_id: Annotated[str | None, typer.Option(help="All reviews that this user has by now.")] = None,
    archive: Annotated[
        str | None,
        typer.Option(help="The archive, which tells the reviews of the user; else a carried user_id."),
    ] = None,
    run: Annotated[
        Path | None, typer.Option("--run", help="The run file whose [columns] name the archive's columns.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say where the rows are, and leave them.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take the rows of reviews out of every generation, live, earlier and staged, and say where they were.

    Their ids are kept as digests in the table's meta, so that no later run brings the rows back from the archive.
    Receipts that a run under way puts meanwhile are not published. Run it again if it says that it is not finished: a
    partition was held, a run that began before is still under way, or a writer of a local table may have been killed.
    """
    from reviewmine.backfill.erasing import ids_to_erase
    from reviewmine.backfill.recovering import recover_dead_publishes
    from reviewmine.backfill.runs import runs_of, unaware_of
    from reviewmine.store.erasing import Erased
    from reviewmine.store.erasing import erase as erase_rows
    from reviewmine.store.layout import new_run_id
    from reviewmine.store.lease import Patience
    from reviewmine.store.table import Table
    from reviewmine.store.tombstones import add_tombstones, are_among
    from reviewmine.store.tracing import Search
    from reviewmine.table_console import erased_json, erased_lines

    place, run_id, patience = Table(table), new_run_id(), Patience()
    place.require(writing=not dry_run)
    if not dry_run:
        place.refuse_snapshots()
    ids = ids_to_erase(place, review_ids=review_ids, user_id=user_id, archive=archive, run_file=run)
    if dry_run:
        erased = Erased(traces=tuple(Search(place.store, place.layout, are_among(ids)).look()))
    else:
        recover_dead_publishes(place, run_id, patience).check()
        tombstones = add_tombstones(place.store, place.layout, ids)
        now = datetime.now(UTC)
        unaware = unaware_of(tombstones, runs_of(place.store, place.layout, now=now), now=now)
        erased = erase_rows(
            place.store, place.layout, place.live, tombstones, run_id, patience, awaited=unaware
        )
    _say(
        [json.dumps(erased_json(erased, dry_run=dry_run))]
        if as_json
        else erased_lines(erased, dry_run=dry_run)
    )
    if not erased.is_finished:
        raise typer.Exit(EXIT_FAILED)


def read(
    table: TableUri,
    partitions: Annotated[str | None, typer.Option(help="Only these: A..B, A.., ..B or one value.")] = None,
    files: Annotated[
        bool, typer.Option("--files", help="Print the live files, not their rows: what an engine may read.")
    ] = False,
    parts: Annotated[
        bool,
        typer.Option("--parts", help="Print the parts they are copies of: they outlive the next publish."),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write the rows to a file: .parquet, .csv or .jsonl.")
    ] = None,
) -> None:
    """Print the rows that are live, as JSON lines, or write them to a file; or print which files hold them.

    What is live is told by the pointers, so no generation is read twice or mixed with the next, whatever is published
    meanwhile.
    """
    from reviewmine.store.table import Table
    from reviewmine.warehouse.export import export, json_lines
    from reviewmine.warehouse.live import live_partitions

    if files + parts + (out is not None) > 1:
        raise UsageError("--files, --parts, --out: expected one of them")
    found = live_partitions(Table(table), PartitionRange.parse(partitions) if partitions else None)
    if files or parts:
        _say(name for live in found for name in (live.live_files if files else live.part_files))
    elif out is None:
        _say(json_lines(found))
    else:
        print(f"{out}: {export(found, out):,} rows of {len(found)} partitions")


def lineage(
    table: TableUri,
    review_id: Annotated[str, typer.Argument(help="The id of a review; all its rows are told.")],
    archive: Annotated[
        str | None,
        typer.Option(help="The archive, to tell the row group there and whether the file changed."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say where the rows of a review come from: file, row, model, run, settings, and when."""
    from reviewmine.store.archive import Archive
    from reviewmine.store.table import Table
    from reviewmine.table_console import lineage_lines
    from reviewmine.warehouse.lineage import lineage as lineage_of

    rows = lineage_of(Table(table), review_id, Archive(archive) if archive else None)
    if as_json:
        _say(row.model_dump_json() for row in rows)
    else:
        _say(line for row in rows for line in lineage_lines(row))
    if not rows:
        print(f"{table}: no live row has review_id {review_id}", file=sys.stderr)
        raise typer.Exit(EXIT_FAILED)


def _age(written: str) -> timedelta:
    try:
        return parse_age(written)
    except ValueError as wrong:
        raise UsageError(f"--older-than {written!r}: {wrong}") from None


def _say(lines: Iterable[Any]) -> None:
    """One after the other: text as it is, a table of rich in colours where a person looks on."""
    console = Console()
    for line in lines:
        if isinstance(line, str):
            print(line)
        else:
            console.print(line)
