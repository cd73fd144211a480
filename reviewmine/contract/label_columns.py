"""Labels of one head in one set: where they are, and how the set's words and numbers become the head's.

A label that a row does not have is null, never a default: the loss of that head leaves the row out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from reviewmine.config import RunModel
from reviewmine.contract.columns import shown
from reviewmine.contract.set_columns import column_named, fitted, numbers, strings
from reviewmine.errors import ContractError

UNLABELLED: Final = "unlabelled"

LabelKind = Literal["one", "several", "number", "spans"]

_TYPES: Final[Mapping[LabelKind, pa.DataType]] = {
    "one": pa.string(),
    "several": pa.list_(pa.string()),
    "number": pa.float32(),
    "spans": pa.list_(
        pa.struct(
            [pa.field("start", pa.int32()), pa.field("end", pa.int32()), pa.field("label", pa.string())]
        )
    ),
}


@dataclass(frozen=True, kw_only=True)
class HeadLabels:
    """What the labels of a head are: one of `labels`, several of them, a number from 0 to 1, or spans of the body."""

    kind: LabelKind
    labels: tuple[str, ...] = ()

    @property
    def type(self) -> pa.DataType:
        """The type of their column in examples; spans are half-open, in code points of the raw body."""
        return _TYPES[self.kind]


class LabelColumn(RunModel):
    """The column of a set that holds the labels of one head, and how it says them.

    Words become labels by `values` (or no label: "unlabelled"); a set without `values` uses the head's own words.
    Several labels are a list, or one string that `separator` takes apart. Spans are a list of structs with `start`,
    `end` and the label in the field `field`. Numbers from `low` to `high` become 0 to 1, and outside they are refused;
    `signed` ones count by their distance from `low`, either way, and `high` and beyond is 1.
    """

    column: str
    values: dict[str, str] = Field(default_factory=dict)
    separator: str | None = Field(default=None, min_length=1)
    field: str = "label"
    low: float = 0.0
    high: float = 1.0
    signed: bool = False

    @model_validator(mode="after")
    def _has_a_range(self) -> "LabelColumn":
        if self.high <= self.low:
            raise ValueError(f"low {self.low:g} and high {self.high:g}: expected low below high")
        return self


def labels_of(
    table: pa.Table, told: LabelColumn, takes: HeadLabels, bodies: pa.Array, *, where: str
) -> pa.Array:
    """The labels [rows] of one head, of `takes.type`. Raises ContractError with file, row, found and expected."""
    match takes.kind:
        case "one":
            words = strings(table, told.column, where).to_pylist()
            return pa.array(_translated(words, told, takes, where), takes.type)
        case "several":
            return _several(table, told, takes, where)
        case "number":
            return pa.array(_numbers(table, told, where), takes.type, from_pandas=True)
        case "spans":
            return _spans(table, told, takes, bodies, where)


def _several(table: pa.Table, told: LabelColumn, takes: HeadLabels, where: str) -> pa.Array:
    if told.separator is not None:
        rows = [
            None if text is None else [word.strip() for word in text.split(told.separator) if word.strip()]
            for text in strings(table, told.column, where).to_pylist()
        ]
    else:
        column = column_named(table, told.column, where)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            raise ContractError(
                f"{where}: column '{told.column}' is {column.type}, expected lists; name the `separator` of its labels"
            )
        rows = fitted(column, takes.type, f"{where}: column '{told.column}'").to_pylist()
    owners = [row for row, words in enumerate(rows) for _ in words or ()]
    translated = iter(
        _translated([word for words in rows for word in words or ()], told, takes, where, owners)
    )
    labels = [None if words is None else [next(translated) for _ in words] for words in rows]
    return pa.array([None if some is None else [one for one in some if one] for some in labels], takes.type)


def _spans(table: pa.Table, told: LabelColumn, takes: HeadLabels, bodies: pa.Array, where: str) -> pa.Array:
    rows = column_named(table, told.column, where).to_pylist()
    lengths = pc.utf8_length(bodies).to_pylist()
    for row, (spans, length) in enumerate(zip(rows, lengths, strict=True)):
        for span in spans or ():
            _require_span(span, told, length or 0, f"{where}: row {row}: column '{told.column}'")
    owners = [row for row, spans in enumerate(rows) for _ in spans or ()]
    words = [str(span[told.field]) for spans in rows for span in spans or ()]
    translated = iter(_translated(words, told, takes, where, owners))
    found = [
        None
        if spans is None
        else [{"start": s["start"], "end": s["end"], "label": next(translated)} for s in spans]
        for spans in rows
    ]
    kept = [None if spans is None else [span for span in spans if span["label"]] for spans in found]
    return pa.array(kept, takes.type)


def _require_span(span: Any, told: LabelColumn, length: int, where: str) -> None:
    if not isinstance(span, dict) or not {"start", "end", told.field} <= span.keys():
        fields = ", ".join(span) if isinstance(span, dict) else type(span).__name__
        raise ContractError(f"{where} holds {fields}, expected structs with start, end and {told.field}")
    start, end = span["start"], span["end"]
    if not (isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= length):
        raise ContractError(
            f"{where} holds the span {start} to {end}, expected one inside a body of {length} characters"
        )


def _numbers(table: pa.Table, told: LabelColumn, where: str) -> np.typing.NDArray[np.float64]:
    found = numbers(table, told.column, where)
    share = (found - told.low) / (told.high - told.low)
    if told.signed:
        return np.minimum(np.abs(share), 1.0)
    outside = np.flatnonzero((share < 0) | (share > 1))
    if outside.size:
        row = int(outside[0])
        raise ContractError(
            f"{where}: row {row}: column '{told.column}' holds {found[row]:g}, "
            f"expected {told.low:g} to {told.high:g}; set `low` and `high`"
        )
    return share


def _translated(
    words: Sequence[str | None],
    told: LabelColumn,
    takes: HeadLabels,
    where: str,
    owners: Sequence[int] | None = None,
) -> Iterable[str | None]:
    """The head's label for each of the set's words; `owners` are their rows where these are not one a row."""
    values = told.values or {label: label for label in takes.labels}
    if wrong := sorted(set(values.values()) - {*takes.labels, UNLABELLED}):
        raise ContractError(
            f"{where}: `values` of column '{told.column}' name '{shown(wrong[0])}', "
            f"expected one of {', '.join(takes.labels)}, or '{UNLABELLED}'"
        )
    for number, word in enumerate(words):
        if word is not None and word not in values:
            row = number if owners is None else owners[number]
            raise ContractError(
                f"{where}: row {row}: column '{told.column}' holds '{shown(word)}', "
                f"expected one of {', '.join(sorted(values))}; "
                f"add it to `values` (as one of {', '.join(takes.labels)}, or '{UNLABELLED}')"
            )
    known = {word: None if label == UNLABELLED else label for word, label in values.items()}
    return [None if word is None else known[word] for word in words]
