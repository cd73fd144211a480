"""Annotations out: the schema of the table, and the last check before rows are written.

Every part of every table is written with `annotations_schema` and nothing else, so that a partition without a
single annotated row reads exactly like any other.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from reviewmine.contract.carried import TEXT_LIST
from reviewmine.contract.columns import field_named, first_misfit, joined, list_offsets, listed, plain
from reviewmine.contract.instants import INSTANT
from reviewmine.contract.invariants import validate
from reviewmine.errors import ContractError
from reviewmine.labels import ANNOTATED_STATUSES, STATUSES, Status

__all__ = [
    "COMPUTED_SCHEMA",
    "CONTRACT_VERSION",
    "MODEL_SCHEMA",
    "SPANS",
    "annotations_schema",
    "conform",
    "span_lists",
    "unannotated",
    "validate",
]

CONTRACT_VERSION: Final = 1
METADATA: Final = {b"reviewmine.contract": str(CONTRACT_VERSION).encode()}

_SPAN: Final = pa.struct(
    [pa.field("start", pa.int32(), nullable=False), pa.field("end", pa.int32(), nullable=False)]
)
SPANS: Final = pa.list_(pa.field("element", _SPAN, nullable=False))

MODEL_SCHEMA: Final = pa.schema(
    [
        ("polarity", pa.string()),
        ("polarity_negative", pa.float32()),
        ("polarity_neutral", pa.float32()),
        ("polarity_positive", pa.float32()),
        ("intensity", pa.float32()),
        ("intensity_level", pa.string()),
        ("summary", pa.string()),
        ("summary_method", pa.string()),
        ("summary_spans", SPANS),
        ("status", pa.string()),
    ]
)
"""The columns that a model makes, and the status that says why it did not."""

_BEFORE_MODEL: Final = (
    pa.field("review_id", pa.string()),
    pa.field("product_id", pa.string()),
    pa.field("reviewed_at", INSTANT),
    pa.field("source_file", pa.string()),
    pa.field("source_row", pa.int64()),
    pa.field("language", pa.string()),
)
_AFTER_MODEL: Final = (
    pa.field("input_hash", pa.string()),
    pa.field("model_version", pa.string()),
    pa.field("run_id", pa.string()),
    pa.field("annotated_at", INSTANT),
)

COMPUTED_SCHEMA: Final = pa.schema(
    [
        pa.field("language", pa.string()),
        *MODEL_SCHEMA,
        pa.field("model_version", pa.string()),
        pa.field("run_id", pa.string()),
        pa.field("annotated_at", INSTANT),
    ]
)
"""The columns that annotating a review fills; all others are as they were read, and cost no work of a model."""


def annotations_schema(carried: Sequence[pa.Field] = ()) -> pa.Schema:
    """The schema of the table: the contract's columns in their order, then the carried ones, and its version.

    Raises:
        ContractError: a carried column has the name of another column; case does not tell names apart, because
            most warehouses ignore it.
    """
    own = (*_BEFORE_MODEL, *MODEL_SCHEMA, *_AFTER_MODEL)
    taken = {field.name.casefold() for field in own}
    for field in carried:
        if field.name.casefold() in taken:
            raise ContractError(
                f"carried column {field.name!r}: the table has a column of that name already; take it out of "
                "--carry, or carry a copy under another name"
            )
        taken.add(field.name.casefold())
    return pa.schema([*own, *(pa.field(field.name, field.type) for field in carried)], metadata=METADATA)


def conform(table: pa.Table, schema: pa.Schema, *, where: str) -> pa.Table:
    """The same rows with exactly the columns, order, types and metadata of `schema`; null lists become empty.

    Raises:
        ContractError: a column is missing, there is one too many, or one cannot be cast without loss.
    """
    unknown = [name for name in table.column_names if name not in schema.names]
    if unknown:
        raise ContractError(f"{where}: found columns that the table does not have: {listed(unknown)}")
    arrays = []
    for field in schema:
        if field_named(table.schema, field.name, where=where) is None:
            raise ContractError(
                f"{where}: column {field.name!r} is missing; found {listed(table.column_names)}"
            )
        arrays.append(_conformed(table.column(field.name), field, where))
    return pa.Table.from_arrays(arrays, schema=schema)


def unannotated(num_rows: int, status: Status) -> pa.Table:
    """MODEL_SCHEMA for rows [num_rows] that no model spoke about, and why: nulls, empty lists, method `none`."""
    if status in ANNOTATED_STATUSES:
        raise ValueError(
            f"status {status!r} promises a polarity; expected one of "
            f"{', '.join(known for known in STATUSES if known not in ANNOTATED_STATUSES)}"
        )
    constant = {
        "summary_method": pa.repeat(pa.scalar("none"), num_rows),
        "summary_spans": span_lists([[]] * num_rows),
        "status": pa.repeat(pa.scalar(status, pa.string()), num_rows),
    }
    arrays = [constant.get(field.name, pa.nulls(num_rows, field.type)) for field in MODEL_SCHEMA]
    return pa.Table.from_arrays(arrays, schema=MODEL_SCHEMA)


def span_lists(spans: Sequence[Sequence[tuple[int, int]]]) -> pa.Array:
    """Half-open (start, end) pairs in code points, a sequence for each row, as SPANS [rows]."""
    offsets = np.cumsum([0, *map(len, spans)], dtype=np.int32)
    pairs = np.array([pair for row in spans for pair in row], np.int32).reshape(-1, 2)
    return _lists_of_spans(offsets, pa.array(pairs[:, 0]), pa.array(pairs[:, 1]))


def _lists_of_spans(offsets: NDArray[np.int32], starts: pa.Array, ends: pa.Array) -> pa.Array:
    pairs = pa.StructArray.from_arrays([starts, ends], fields=list(_SPAN))
    return pa.ListArray.from_arrays(offsets, pairs, type=SPANS)


def _conformed(column: pa.ChunkedArray, field: pa.Field, where: str) -> pa.Array:
    told = f"{where}: column {field.name!r} of type {column.type} cannot become {field.type}"
    try:
        return _cast(column, field.type)
    except pa.ArrowNotImplementedError:
        raise ContractError(told) from None
    except pa.ArrowInvalid:
        row = first_misfit(column, lambda values: _cast(values, field.type))
        raise ContractError(f"{told}: row {row} of {len(column)} does not fit") from None


def _cast(column: pa.ChunkedArray, wanted: pa.DataType) -> pa.Array:
    column = plain(column)
    if wanted not in (SPANS, TEXT_LIST):
        return joined(column.cast(wanted, safe=not pa.types.is_floating(wanted)))
    if pa.types.is_null(column.type):
        column = column.cast(wanted)
    lists = joined(column)
    offsets = list_offsets(lists)
    elements = lists.flatten()
    if wanted == TEXT_LIST:
        return pa.ListArray.from_arrays(offsets, elements.cast(pa.string()), type=wanted)
    return _lists_of_spans(offsets, *_ends(elements))


def _ends(spans: pa.Array) -> tuple[pa.Array, pa.Array]:
    """The starts and the ends of spans [spans] in any order of fields; ArrowInvalid if one has no start or end."""
    if sorted(field.name for field in spans.type) != ["end", "start"]:
        raise pa.ArrowInvalid("spans have a start and an end")
    start, end = (spans.field(name).cast(pa.int32()) for name in ("start", "end"))
    if spans.null_count or start.null_count or end.null_count:
        raise pa.ArrowInvalid("a span, its start or its end is null")
    return start, end
