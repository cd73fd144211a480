"""An evaluation from files: which checkpoint, on which rows of which examples, against what, through which gate."""

from collections.abc import Collection
from pathlib import Path
from typing import Final

import pyarrow as pa
from pydantic import Field

from reviewmine.config import RunModel, load_run_file, suggestion
from reviewmine.contract.examples import EXAMPLES_SCHEMA, OPINION_LABELS, ExampleColumns
from reviewmine.contract.label_columns import HeadLabels, LabelColumn
from reviewmine.errors import UsageError
from reviewmine.evaluation.gate import Gate, refuse_without_reference
from reviewmine.evaluation.report import Report, report
from reviewmine.evaluation.slices import SLICINGS
from reviewmine.examples.labelled import only_held_out
from reviewmine.examples.sets import only_languages, read_examples
from reviewmine.model.checkpoint import Checkpoint, load_checkpoint
from reviewmine.model.spec import Spec, read_spec

_LANGUAGE: Final = "language"


class EvaluationRun(RunModel):
    """What `reviewmine evaluate` was asked for."""

    checkpoint: Path
    examples: str | Path
    columns: ExampleColumns = ExampleColumns()
    labels: dict[str, LabelColumn] = Field(default_factory=dict)
    """By head, the column of its labels; polarity and intensity have theirs by `columns.rating` as well."""
    slice_by: tuple[str, ...] = ()
    """Columns of the examples; `language` makes the languages those of that column instead of identified ones."""
    only_language: str | None = None
    held_out: bool = False
    max_rows: int | None = None
    robustness_rows: int = 1000
    against: Path | None = None
    gate: Path | None = None


def run_evaluation(run: EvaluationRun) -> Report:
    """Evaluate as `run` says. A gate that cannot be read, or that lacks a checkpoint to compare with, fails first."""
    gate = load_run_file(run.gate, Gate) if run.gate is not None else None
    if gate is not None and run.against is None:
        refuse_without_reference(gate)
    labelled_heads(run, read_spec(run.checkpoint))
    checkpoint = load_checkpoint(run.checkpoint)
    refuse_slicings(run.slice_by, tuple(checkpoint.spec.heads))
    return report(
        checkpoint,
        read_rows(run, checkpoint),
        against=load_checkpoint(run.against) if run.against is not None else None,
        gate=gate,
        slice_by=_kept(run),
        max_rows=run.max_rows,
        robustness_rows=run.robustness_rows,
        titles=run.columns.title is not None,
    )


def read_rows(run: EvaluationRun, checkpoint: Checkpoint) -> pa.Table:
    """The examples that `run` asks for: EXAMPLES_SCHEMA, followed by the columns to slice by."""
    columns, heads = run.columns, labelled_heads(run, checkpoint.spec)
    if run.only_language is not None or _LANGUAGE in run.slice_by:
        columns = columns.model_copy(update={"language": columns.language or _LANGUAGE})
    rows = read_examples(run.examples, columns, labels=run.labels, heads=heads, keep=_kept(run))
    if run.only_language is not None:
        rows = only_languages(rows, [run.only_language])
    return only_held_out(rows, checkpoint.spec) if run.held_out else rows


def labelled_heads(run: EvaluationRun, spec: Spec) -> dict[str, HeadLabels]:
    """What the labels of those heads of the checkpoint look like that the examples have labels of.

    Raises UsageError for labels of a head that it does not have, and if there are labels of none.
    """
    if unknown := sorted(run.labels.keys() - spec.heads.keys()):
        raise UsageError(
            f"labels of {unknown[0]}: {spec.name} has no such head; {suggestion(unknown[0], spec.heads)}"
        )
    by_stars: Collection[str] = OPINION_LABELS if run.columns.rating is not None else ()
    found = {name: head.takes for name, head in spec.heads.items() if name in run.labels or name in by_stars}
    if not found:
        raise UsageError(
            f"{spec.name} has the heads {', '.join(spec.heads)}, and nothing says which column holds labels of them; "
            "give --label HEAD=COLUMN, or --run and --set"
        )
    return found


def refuse_slicings(names: tuple[str, ...], heads: tuple[str, ...]) -> None:
    """Raise UsageError for a column to slice by that means something else already, or that is named twice."""
    taken = {*EXAMPLES_SCHEMA.names, *SLICINGS, *heads} - {_LANGUAGE, "rating"}
    for name in names:
        if name in taken or names.count(name) > 1:
            raise UsageError(
                f"--slice-by {name}: found a name that is taken, expected further columns of the examples, each once; "
                f"every evaluation is sliced by {', '.join(SLICINGS)}"
            )


def _kept(run: EvaluationRun) -> tuple[str, ...]:
    return tuple(name for name in run.slice_by if name not in SLICINGS)
