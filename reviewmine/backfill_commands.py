"""The commands of `reviewmine backfill`: plan, and run, which is `annotate` by its other name."""

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer

from reviewmine.backfill.settings import AnnotateSettings
from reviewmine.config import load_run_file
from reviewmine.console import console_for

backfills = typer.Typer(help="Plan a backfill, and run it.", no_args_is_help=True)

Archive = Annotated[str | None, typer.Argument(help="Local path or s3:// URI of the review archive.")]
Table = Annotated[str | None, typer.Argument(help="Local path or s3:// URI of the table to publish.")]
RunFile = Annotated[
    Path | None, typer.Option("--run", help="The run file; the ones that ship are in jobs/runs/.")
]
Partitions = Annotated[str | None, typer.Option(help="Only these: A..B, A.., ..B or one value.")]
Checkpoint = Annotated[str | None, typer.Option(help="'builtin', a checkpoint's path, or s3://.../DIGEST.")]
PartitionBy = Annotated[
    str | None, typer.Option(help="day or month: derive the partition from each review's date.")
]
Carry = Annotated[str | None, typer.Option(help="Input columns to carry over, separated by commas.")]
TableFormat = Annotated[
    str | None, typer.Option("--format", help="hive or iceberg; no table changes its format.")
]
Catalog = Annotated[
    str | None, typer.Option(help="The Iceberg catalog, by its name in pyiceberg's configuration.")
]
NumActors = Annotated[int | None, typer.Option(help="Model actors; by default what the cluster has.")]
Order = Annotated[str | None, typer.Option(help="oldest or newest: which partitions come first.")]
LimitPartitions = Annotated[
    int | None, typer.Option(help="No more than so many partitions; the rest is for later.")
]
SettledAfter = Annotated[
    str | None, typer.Option(help="2d, 12h...: leave partitions alone whose newest file is younger.")
]
Prune = Annotated[
    bool, typer.Option("--prune", help="Empty the partitions whose files are gone from the archive.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object per partition, then totals.")]


@backfills.command(no_args_is_help=True)
def plan(
    archive: Archive = None,
    table: Table = None,
    run: RunFile = None,
    partitions: Partitions = None,
    checkpoint: Checkpoint = None,
    partition_by: PartitionBy = None,
    carry: Carry = None,
    table_format: TableFormat = None,
    catalog: Catalog = None,
    num_actors: NumActors = None,
    order: Order = None,
    limit_partitions: LimitPartitions = None,
    settled_after: SettledAfter = None,
    prune: Prune = False,
    price_per_device_hour: Annotated[
        float | None, typer.Option(help="What an hour of one GPU, or of one actor's processors, costs.")
    ] = None,
    tokens_per_s: Annotated[
        float | None, typer.Option(help="The pace of one actor, where it cannot be measured from here.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what `run` would do and take: tokens, hours, bytes, cost, each with an interval. TABLE is not touched."""
    from reviewmine.distributed.planning import plan_backfill
    from reviewmine.plan_console import show

    settings = _settings(
        run,
        {
            "archive": archive,
            "table": table,
            "partitions": partitions,
            "checkpoint": checkpoint,
            "partition_by": partition_by,
            "carry": carry,
            "format": table_format,
            "iceberg.catalog": catalog,
            "pool.num_actors": num_actors,
            "order": order,
            "limit_partitions": limit_partitions,
            "settled_after": settled_after,
            "prune": prune or None,
            "plan.price_per_device_hour": price_per_device_hour,
            "plan.tokens_per_s": tokens_per_s,
        },
    )
    with redirect_stdout(sys.stderr):  # what Ray says of workers that die
        estimate = plan_backfill(settings)
    show(estimate, as_json=as_json)


@backfills.command("run", no_args_is_help=True)
def annotate(
    archive: Archive = None,
    table: Table = None,
    run: RunFile = None,
    partitions: Partitions = None,
    checkpoint: Checkpoint = None,
    partition_by: PartitionBy = None,
    carry: Carry = None,
    table_format: TableFormat = None,
    catalog: Catalog = None,
    num_actors: NumActors = None,
    max_rejects: Annotated[int | None, typer.Option(help="Unreadable archive files to tolerate.")] = None,
    order: Order = None,
    limit_partitions: LimitPartitions = None,
    settled_after: SettledAfter = None,
    prune: Prune = False,
    budget_hours: Annotated[
        float | None, typer.Option(help="Stop at the end of the first partition after so long, resumable.")
    ] = None,
    atomic_run: Annotated[
        bool,
        typer.Option(
            "--atomic-run",
            help="Iceberg: one commit for the whole run, at its end; none if a partition failed.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Annotate ARCHIVE into TABLE; partitions that are fresh already are left alone."""
    settings = _settings(
        run,
        {
            "archive": archive,
            "table": table,
            "partitions": partitions,
            "checkpoint": checkpoint,
            "partition_by": partition_by,
            "carry": carry,
            "format": table_format,
            "iceberg.catalog": catalog,
            "pool.num_actors": num_actors,
            "max_rejects": max_rejects,
            "order": order,
            "limit_partitions": limit_partitions,
            "settled_after": settled_after,
            "prune": prune or None,
            "budget_hours": budget_hours,
            "atomic_run": atomic_run or None,
        },
    )
    carry_out(settings, as_json=as_json)


def carry_out(settings: AnnotateSettings, *, as_json: bool) -> None:
    """Run the main job and exit with its code; standard output is the console's own.

    Ray prints there what it has to say of workers and nodes that die, and a machine may be reading.
    """
    from reviewmine.distributed.main_job import annotate as annotate_archive

    console = console_for(as_json=as_json)
    with redirect_stdout(sys.stderr):
        summary = annotate_archive(settings, console)
    if summary.exit_code:
        raise typer.Exit(summary.exit_code)


def _settings(run: Path | None, given: dict[str, Any]) -> AnnotateSettings:
    if given["carry"]:
        given["carry"] = [name.strip() for name in given["carry"].split(",") if name.strip()]
    return load_run_file(run, AnnotateSettings, given)
