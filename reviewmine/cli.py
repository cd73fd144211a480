"""The command line: `reviewmine annotate`, `views`, `train`, `evaluate`, `checkpoint`, `submit`, `demo`."""

import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from reviewmine import __version__
from reviewmine.backfill.settings import AnnotateSettings
from reviewmine.checkpoint_commands import checkpoints
from reviewmine.checkpoints import BUILTIN, is_remote, local_checkpoint
from reviewmine.config import load_run_file, refuse_secrets
from reviewmine.console import console_for
from reviewmine.errors import ReviewmineError, UsageError
from reviewmine.text.mask import mask_error

app = typer.Typer(
    help="Opinion mining for review archives: polarity, intensity and a summary per review, published exactly once.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(checkpoints, name="checkpoint")

RunFile = Annotated[
    Path | None, typer.Option("--run", help="The run file; the ones that ship are in jobs/runs/.")
]


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop."),
    ] = False,
) -> None:
    """Options before the command."""


@app.command(no_args_is_help=True)
def annotate(
    archive: Annotated[
        str | None, typer.Argument(help="Local path or s3:// URI of the review archive.")
    ] = None,
    table: Annotated[
        str | None, typer.Argument(help="Local path or s3:// URI of the table to publish.")
    ] = None,
    run: RunFile = None,
    partitions: Annotated[str | None, typer.Option(help="Only these: A..B, A.., ..B or one value.")] = None,
    checkpoint: Annotated[
        str | None, typer.Option(help="'builtin', a checkpoint's path, or s3://.../DIGEST.")
    ] = None,
    partition_by: Annotated[
        str | None, typer.Option(help="day or month: derive the partition from each review's date.")
    ] = None,
    carry: Annotated[
        str | None, typer.Option(help="Input columns to carry over, separated by commas.")
    ] = None,
    table_format: Annotated[
        str | None, typer.Option("--format", help="hive or iceberg; no table changes its format.")
    ] = None,
    catalog: Annotated[
        str | None, typer.Option(help="The Iceberg catalog, by its name in pyiceberg's configuration.")
    ] = None,
    atomic_run: Annotated[
        bool, typer.Option("--atomic-run", help="Iceberg: one commit for the whole run, at its end.")
    ] = False,
    num_actors: Annotated[
        int | None, typer.Option(help="Model actors; by default what the cluster has.")
    ] = None,
    max_rejects: Annotated[int | None, typer.Option(help="Unreadable archive files to tolerate.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object per partition, then totals.")
    ] = False,
) -> None:
    """Annotate ARCHIVE into TABLE; partitions that are fresh already are left alone."""
    overrides: dict[str, Any] = {
        "archive": archive,
        "table": table,
        "partitions": partitions,
        "checkpoint": checkpoint,
        "partition_by": partition_by,
        "carry": list(_names(carry)) if carry else None,
        "format": table_format,
        "iceberg.catalog": catalog,
        "atomic_run": atomic_run or None,
        "pool.num_actors": num_actors,
        "max_rejects": max_rejects,
    }
    _annotate(load_run_file(run, AnnotateSettings, overrides), as_json=as_json)


def _annotate(settings: AnnotateSettings, *, as_json: bool) -> None:
    from reviewmine.distributed.main_job import annotate as annotate_archive

    summary = annotate_archive(settings, console_for(as_json=as_json))
    if summary.exit_code:
        raise typer.Exit(summary.exit_code)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where the archive, the table and the chart are put.")] = Path(
        "demo"
    ),
    rows: Annotated[int, typer.Option(min=14, help="Reviews in the made archive.")] = 3000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same archive.")] = 7,
) -> None:
    """Make a small archive, annotate it, and show what is in the table: no hub, no cloud, no GPU."""
    from reviewmine.demo.archive import make_demo_archive
    from reviewmine.warehouse.report import report

    archive, table = folder / "archive", folder / "annotations"
    make_demo_archive(archive, seed=seed, rows=rows)
    print(f"archive: {archive}, {rows:,} made reviews in English and Chinese")
    overrides = {"archive": str(archive), "table": str(table), "carry": ["rating"]}
    _annotate(load_run_file(None, AnnotateSettings, overrides), as_json=False)
    report(table, console=Console(), png=folder / "polarity.png")


@app.command(no_args_is_help=True)
def views(
    table: Annotated[str, typer.Argument(help="Local path or s3:// URI of a published table.")],
) -> None:
    """Print SQL views over a table for DuckDB: all rows, opinions, polarity by day and by product, what is left out."""
    from reviewmine.warehouse.views import views as views_of

    print(views_of(table), end="")


@app.command(no_args_is_help=True)
def train(
    run: RunFile = None,
    examples_root: Annotated[
        Path, typer.Option(help="The folder that the run file's sets lie under.")
    ] = Path(),
    checkpoint: Annotated[Path | None, typer.Option(help="Where the checkpoint goes: a new folder.")] = None,
    storage: Annotated[
        str, typer.Option(help="A folder all nodes share, or s3://: a directory per run goes there.")
    ] = "runs",
    num_workers: Annotated[
        str, typer.Option(help="Workers, with GPUs one each: 4, or as the cluster has them, 2..8.")
    ] = "1",
    run_id: Annotated[
        str | None, typer.Option(help="A run of this id in the storage is taken up where it stopped.")
    ] = None,
) -> None:
    """Train a checkpoint from labelled examples, on Ray Train."""
    from reviewmine.distributed.training import num_workers_of, run_id_of
    from reviewmine.distributed.training import train as train_on_ray
    from reviewmine.train.run import TrainingRun

    settings = load_run_file(run, TrainingRun)
    run_id = run_id or run_id_of(settings)
    if checkpoint is None and "://" in storage:
        raise UsageError(f"--storage {storage}: give --checkpoint too, a local folder for the checkpoint")
    directory = checkpoint or Path(storage) / run_id / "checkpoint"
    digest = train_on_ray(
        settings,
        examples_root=examples_root,
        checkpoint=directory,
        storage=storage,
        num_workers=num_workers_of(num_workers),
        run_id=run_id,
    )
    print(f"checkpoint: {directory}\ndigest: {digest}")


@app.command(no_args_is_help=True)
def evaluate(
    examples: Annotated[
        str, typer.Option(help="Labelled reviews, a path or s3:// URI: Parquet, CSV or JSON lines.")
    ],
    checkpoint: Annotated[
        str, typer.Option(help="'builtin', a checkpoint's path, or s3://.../DIGEST.")
    ] = BUILTIN,
    against: Annotated[
        str | None, typer.Option(help="'builtin' or the path of a checkpoint to compare with, row by row.")
    ] = None,
    gate: Annotated[
        Path | None,
        typer.Option(help="Bounds to hold, as in jobs/runs/gate.toml; exit code 1 if one is not."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A folder for metrics.json and a page to read, evaluation.html.")
    ] = None,
    slice_by: Annotated[
        str, typer.Option(help="Columns to give figures by, separated by commas; `language` is one.")
    ] = "",
    rating: Annotated[str, typer.Option(help="The column of stars that labels come from.")] = "rating",
    title: Annotated[str | None, typer.Option(help="The column of titles, if they are to be read.")] = None,
    body: Annotated[str, typer.Option(help="The column of bodies.")] = "body",
    max_rows: Annotated[int | None, typer.Option(min=1, help="A seeded sample of so many rows.")] = None,
    robustness_rows: Annotated[
        int, typer.Option(min=0, help="Rows whose texts are changed to see what holds; 0: none, and faster.")
    ] = 1000,
    language: Annotated[str | None, typer.Option(help="Only rows whose column 'language' says this.")] = None,
    held_out: Annotated[
        bool, typer.Option(help="Only texts that the checkpoint's own run held out of training.")
    ] = False,
    record: Annotated[
        str | None, typer.Option(help="Add the figures, under this name, to the checkpoint's model card.")
    ] = None,
) -> None:
    """Measure a checkpoint on labelled reviews, as they are: natural class shares, calibrated outputs."""
    from reviewmine.contract.examples import ExampleColumns
    from reviewmine.evaluation.gate import hold
    from reviewmine.evaluation.report import refuse_file, write_report
    from reviewmine.evaluation.run import EvaluationRun, run_evaluation
    from reviewmine.train.card import record as record_in_card

    if out is not None:
        refuse_file(out)
    if record is not None and is_remote(checkpoint):
        raise UsageError(
            f"--record: {checkpoint} is in object storage; pull it, record into the copy, and push that"
        )
    run = EvaluationRun(
        checkpoint=local_checkpoint(checkpoint), against=local_checkpoint(against) if against else None,
        examples=examples, columns=ExampleColumns(body=body, title=title, rating=rating),
        slice_by=_names(slice_by), only_language=language, held_out=held_out,
        max_rows=max_rows, robustness_rows=robustness_rows, gate=gate,
    )  # fmt: skip
    found = run_evaluation(run)
    print(json.dumps(found.metrics, indent=2))
    if out is not None:
        write_report(found, out, examples=Path(examples).name)
    if record is not None:
        record_in_card(run.checkpoint, record, found.of_the_checkpoint)
    hold(found.checks)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, no_args_is_help=True
)
def submit(
    context: typer.Context,
    job: Annotated[str, typer.Argument(help="The job: annotate, backfill, train.")],
    address: Annotated[str, typer.Option(help="The cluster's dashboard, http://head:8265.")],
    submission_id: Annotated[
        str | None, typer.Option(help="A job of this id that runs or is done is followed, not sent again.")
    ] = None,
    working_dir: Annotated[Path, typer.Option(help="The folder that holds jobs/ and reviewmine/.")] = Path(),
) -> None:
    """Run a job on a Ray cluster: follow its log, and exit with its exit code."""
    from reviewmine.distributed.submit import submit as submit_job

    refuse_secrets(context.args, where="command line")
    code = submit_job(
        [job, *context.args], address=address, working_dir=working_dir.absolute(), submission_id=submission_id
    )
    if code:
        raise typer.Exit(code)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit with its code; an error that a person can mend is one message, not a traceback."""
    logging.basicConfig(
        level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        app(given, prog_name="reviewmine")
    except ReviewmineError as error:
        if "--json" in given:
            print(
                json.dumps({"error": str(error), "kind": type(error).__name__, "exit_code": error.exit_code})
            )
        print(f"reviewmine: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except Exception as bug:  # its traceback is printed, and libraries quote the text that they choke on
        mask_error(bug)
        raise
