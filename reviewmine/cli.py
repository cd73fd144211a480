"""The command line: what each command is told, and where it is carried out."""

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from reviewmine import __version__
from reviewmine.backfill.settings import AnnotateSettings
from reviewmine.backfill_commands import RunFile, annotate, backfills, carry_out
from reviewmine.checkpoint_commands import checkpoints
from reviewmine.checkpoints import BUILTIN, is_remote, local_checkpoint
from reviewmine.config import load_run_file, refuse_secrets, suggestion
from reviewmine.errors import ReviewmineError, UsageError
from reviewmine.table_commands import erase, gc, lineage, read, rollback, status
from reviewmine.text.mask import mask_error

if TYPE_CHECKING:
    from reviewmine.contract.examples import ExampleColumns
    from reviewmine.contract.label_columns import LabelColumn

app = typer.Typer(
    help="Opinion mining for review archives: polarity, intensity and a summary per review, published exactly once.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(checkpoints, name="checkpoint")
app.add_typer(backfills, name="backfill")
app.command(no_args_is_help=True)(annotate)
backfills.command(no_args_is_help=True)(status)
backfills.command(no_args_is_help=True)(rollback)
backfills.command(no_args_is_help=True)(gc)
app.command(no_args_is_help=True)(erase)
app.command(no_args_is_help=True)(read)
app.command(no_args_is_help=True)(lineage)

ExamplesRoot = Annotated[
    str, typer.Option(help="The folder or s3:// URI that the run file's sets lie under.")
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
    carry_out(load_run_file(None, AnnotateSettings, overrides), as_json=False)
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
    examples_root: ExamplesRoot = ".",
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
    from reviewmine.train.run_file import TrainingRun

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
def tune(
    run: Annotated[Path, typer.Option(help="The run file of `train` that is varied.")],
    search: Annotated[Path, typer.Option(help="What to vary and how, as in jobs/runs/search.toml.")],
    examples_root: ExamplesRoot = ".",
    storage: Annotated[
        str, typer.Option(help="A folder all nodes share, or s3://: a directory per search goes there.")
    ] = "runs",
    best: Annotated[
        Path | None, typer.Option(help="Where the best run file is put as well, for `train --run`.")
    ] = None,
    num_workers: Annotated[str, typer.Option(help="Workers of each trial: 4, or 2..8.")] = "1",
    concurrent: Annotated[
        int, typer.Option(min=1, help="Trials at a time; they share CPUs, and have GPUs of their own.")
    ] = 1,
    run_id: Annotated[
        str | None, typer.Option(help="A search of this id in the storage is taken up where it stopped.")
    ] = None,
) -> None:
    """Search for better settings of a training run, on Ray Tune: grid, random or Bayesian, losers stopped early."""
    from reviewmine.distributed import tuning
    from reviewmine.distributed.training import num_workers_of
    from reviewmine.distributed.trial import Search
    from reviewmine.store.filesystem import Location
    from reviewmine.train.search import SearchSettings
    from reviewmine.train.trials import trials_table
    from reviewmine.train.varied import VariedRun

    if best is None and is_remote(storage):
        raise UsageError(f"--storage {storage}: give --best too, a local file for the best run file")
    if best is not None:
        if best.is_dir():
            raise UsageError(f"--best {best}: a folder; expected a file for the best run file")
        best.parent.mkdir(parents=True, exist_ok=True)
    settings = load_run_file(search, SearchSettings)
    asked = Search(
        base=VariedRun.read(run), settings=settings,
        examples_root=Location.parse(examples_root), storage=Location.parse(storage),
        num_workers=num_workers_of(num_workers), num_concurrent=concurrent, run_id=run_id,
    )  # fmt: skip
    with redirect_stdout(sys.stderr):  # what Ray says of workers that die
        found = tuning.search(asked, where=search.name)
    Console(width=None if sys.stdout.isatty() else 180).print(trials_table(found.trials, settings))
    print(f"search: {found.directory.uri}: {', '.join(tuning.WRITTEN)}, and a directory for each trial")
    text = tuning.best_run_file(found, asked)
    if best is not None:
        best.write_text(text, encoding="utf-8")
    print(
        f"to make a checkpoint of the best without training it again:\n  {tuning.finishing(found, asked, best)}"
    )


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
    label: Annotated[
        list[str] | None,
        typer.Option(
            help="HEAD=COLUMN, once or more: the column that holds labels of a head of the checkpoint."
        ),
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="A run file one of whose sets says which columns hold what.")
    ] = None,
    set_name: Annotated[
        str | None, typer.Option("--set", help="That set's name; its `columns` and `labels` are taken.")
    ] = None,
    rating: Annotated[
        str | None,
        typer.Option(help="The column of stars; 'rating', unless --label or --run say where labels are."),
    ] = None,
    title: Annotated[str | None, typer.Option(help="The column of titles, if they are to be read.")] = None,
    body: Annotated[
        str | None, typer.Option(help="The column of bodies; 'body', or what --run says.")
    ] = None,
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
    columns, labels = _labelling(run, set_name, label or (), {"body": body, "title": title, "rating": rating})
    asked = EvaluationRun(
        checkpoint=local_checkpoint(checkpoint), against=local_checkpoint(against) if against else None,
        examples=examples, columns=columns, labels=labels,
        slice_by=_names(slice_by), only_language=language, held_out=held_out,
        max_rows=max_rows, robustness_rows=robustness_rows, gate=gate,
    )  # fmt: skip
    found = run_evaluation(asked)
    print(json.dumps(found.metrics, indent=2))
    if out is not None:
        write_report(found, out, examples=Path(examples).name)
    if record is not None:
        record_in_card(asked.checkpoint, record, found.of_the_checkpoint)
    hold(found.checks)


def _labelling(
    run: Path | None, set_name: str | None, given: Sequence[str], columns: Mapping[str, str | None]
) -> tuple["ExampleColumns", dict[str, "LabelColumn"]]:
    """Which columns hold reviews and which hold labels, by head: what a set of a run file says, then what is given."""
    from reviewmine.contract.examples import ExampleColumns
    from reviewmine.contract.label_columns import LabelColumn
    from reviewmine.train.run_file import TrainingRun

    if (run is None) != (set_name is None):
        raise UsageError("--run and --set: found one of them, expected both or neither")
    said = ExampleColumns(rating=None if given else "rating")
    labels: dict[str, LabelColumn] = {}
    if run is not None and set_name is not None:
        sets = {one.name: one for one in load_run_file(run, TrainingRun).examples.sets}
        if set_name not in sets:
            raise UsageError(f"--set {set_name}: {run} has no such set; {suggestion(set_name, sets)}")
        said, labels = sets[set_name].columns, dict(sets[set_name].labels)
    for one in given:
        head, equals, column = one.partition("=")
        if not (head and equals and column):
            raise UsageError(f"--label {one}: expected HEAD=COLUMN, such as subjectivity=label")
        labels[head] = LabelColumn(column=column)
    return said.model_copy(
        update={name: value for name, value in columns.items() if value is not None}
    ), labels


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, no_args_is_help=True
)
def submit(
    context: typer.Context,
    job: Annotated[str, typer.Argument(help="The job: annotate, backfill, train, tune.")],
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
