"""One labelled set: where it is and what it holds, read file by file and filtered."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from reviewmine.config import RunModel
from reviewmine.contract.examples import HELD_OUT_FIELD, OPINION_LABELS, SET_FIELD, ExampleColumns, conform
from reviewmine.contract.label_columns import HeadLabels, LabelColumn
from reviewmine.contract.set_columns import strings
from reviewmine.errors import TrainingError
from reviewmine.examples.files import example_files, read_file
from reviewmine.examples.joining import JOINED_AT_LEAST

_NOT_WORDS: Final = re.compile(r"[\W_]+")
_LABELLED_BY_STARS: Final = frozenset(OPINION_LABELS)


class ColumnSplit(RunModel):
    """A set that says itself which rows are for validation; rows of which `column` says anything else are not read."""

    column: str
    train: str = "train"
    validation: str = "dev"


class ExampleSet(RunModel):
    """One labelled set of a run file: where it is, what it holds, how much of it to take and how often."""

    name: str
    path: str
    """A Parquet, CSV or JSON lines file or a folder of them, under the examples root; or an `s3://` URI."""
    licence: str
    citation: str = ""
    columns: ExampleColumns = ExampleColumns()
    labels: dict[str, LabelColumn] = Field(default_factory=dict)
    """By head, the column of its labels; other heads have none in this set, but for the two that stars label."""
    split: ColumnSplit | None = None
    languages: tuple[str, ...] = ()
    min_words: int = Field(default=1, ge=1)
    max_words: int | None = Field(default=None, ge=1)
    rows: int | None = Field(default=None, ge=1)
    weight: float = Field(default=1.0, gt=0)
    """How often each of its training rows is read in an epoch: 2 is twice, 0.5 every other row, 1.5 once or twice."""
    join_words: int | None = Field(default=None, gt=JOINED_AT_LEAST)
    """Join training reviews of equal stars into longer ones of up to so many words; see joining.joined."""
    natural: bool = False
    """Whether the class shares of the set are those of an archive; the class prior is corrected towards them."""

    @model_validator(mode="after")
    def _joins_what_stars_label(self) -> "ExampleSet":
        if self.join_words is not None and self.labels:
            raise ValueError(
                f"{self.name}: join_words joins reviews of equal stars, whose other labels differ; "
                "take it or `labels` out"
            )
        return self

    def labels_head(self, head: str) -> bool:
        """Whether the set has a column that gives labels of `head`."""
        return head in self.labels or (self.columns.rating is not None and head in _LABELLED_BY_STARS)


def read_set(one: ExampleSet, root: str | Path, heads: Mapping[str, HeadLabels] = OPINION_LABELS) -> pa.Table:
    """The rows of all files of one set, each as `read_set_file` reads it."""
    return pa.concat_tables([read_set_file(one, file, heads) for file in set_files(one, root)])


def set_files(one: ExampleSet, root: str | Path) -> list[str]:
    """The files of one set under `root`. Raises TrainingError if there is none."""
    place = (
        one.path
        if "://" in one.path or Path(one.path).is_absolute()
        else f"{str(root).rstrip('/')}/{one.path}"
    )
    try:
        return example_files(place)
    except TrainingError:
        raise TrainingError(
            f"examples.sets: {one.name}: {place} is not there; give --examples-root"
        ) from None


def read_set_file(one: ExampleSet, file: str, heads: Mapping[str, HeadLabels] = OPINION_LABELS) -> pa.Table:
    """The rows of one file of a set that its languages, lengths and split let through, as conformed examples.

    Behind the columns of the contract stand SET_FIELD and HELD_OUT_FIELD. Nothing else is read or kept: a set may be
    read by many at once, a file each. Raises ContractError or TrainingError.
    """
    read = read_file(file)
    table = conform(read, one.columns, where=file, labels=one.labels, heads=heads)
    table = table.append_column(SET_FIELD, pa.repeat(pa.scalar(one.name), table.num_rows))
    table = table.append_column(HELD_OUT_FIELD, _held_out(read, one, file))
    words = pc.list_value_length(pc.utf8_split_whitespace(pc.utf8_trim_whitespace(table["body"])))
    keep = pc.greater_equal(words, one.min_words)
    if one.max_words is not None:
        keep = pc.and_(keep, pc.less_equal(words, one.max_words))
    if one.split is not None:
        keep = pc.and_(keep, pc.is_valid(table[HELD_OUT_FIELD.name]))
    table = table.filter(keep)
    return only_languages(table, one.languages) if one.languages else table


def read_examples(
    path: str | Path,
    columns: ExampleColumns,
    *,
    labels: Mapping[str, LabelColumn] | None = None,
    heads: Mapping[str, HeadLabels] = OPINION_LABELS,
    keep: Sequence[str] = (),
) -> pa.Table:
    """Every row of the files at `path` as `examples_schema(heads)` and the columns that `keep` names.

    Raises ContractError or TrainingError.
    """
    return pa.concat_tables(
        [
            conform(read_file(file), columns, where=file, labels=labels or {}, heads=heads, keep=keep)
            for file in example_files(path)
        ]
    )


def only_languages(examples: pa.Table, languages: Sequence[str]) -> pa.Table:
    """The rows of examples in one of some languages."""
    return examples.filter(pc.is_in(examples["language"], pa.array(languages, pa.string())))


def normalised(text: str) -> str:
    """The words of a text in lower case, one space between: what makes two texts the same."""
    return _NOT_WORDS.sub(" ", text.casefold()).strip()


def _held_out(read: pa.Table, one: ExampleSet, file: str) -> pa.Array:
    """Whether each row [rows] is for validation; null where the set does not say."""
    if one.split is None:
        return pa.nulls(read.num_rows, pa.bool_())
    sides = {one.split.train: False, one.split.validation: True}
    return pa.array(
        [sides.get(side) for side in strings(read, one.split.column, file).to_pylist()], pa.bool_()
    )
