import io
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reviewmine.contract.annotations import (
    CONTRACT_VERSION,
    MODEL_SCHEMA,
    SPANS,
    annotations_schema,
    conform,
    span_lists,
    unannotated,
)
from reviewmine.contract.carried import TEXT_LIST
from reviewmine.errors import ContractError
from reviewmine.labels import ANNOTATED_STATUSES, STATUSES

SCHEMA = annotations_schema()
SAFE_TYPES = {
    pa.string(),
    pa.int32(),
    pa.int64(),
    pa.float32(),
    pa.float64(),
    pa.timestamp("us", tz="UTC"),
    SPANS,
    TEXT_LIST,
}


def one_row() -> dict[str, object]:
    """A row of the table in plain Python values."""
    now = datetime(2026, 1, 2, tzinfo=UTC)
    row: dict[str, object] = dict.fromkeys(SCHEMA.names, None)
    return row | {"source_file": "a.parquet", "source_row": 3, "annotated_at": now, "status": "empty"}


def test_the_table_has_the_columns_of_the_contract_in_their_order() -> None:
    assert SCHEMA.names == [
        *["review_id", "product_id", "reviewed_at", "source_file", "source_row", "language", "polarity"],
        *["polarity_negative", "polarity_neutral", "polarity_positive", "intensity", "intensity_level"],
        *["summary", "summary_method", "summary_spans", "status"],
        *["input_hash", "model_version", "run_id", "annotated_at"],
    ]
    assert SCHEMA.metadata == {b"reviewmine.contract": str(CONTRACT_VERSION).encode()}


def test_every_type_is_one_that_warehouses_agree_on() -> None:
    assert {field.type for field in SCHEMA} <= SAFE_TYPES
    assert not SPANS.value_field.nullable
    assert not any(field.nullable for field in SPANS.value_type)


def test_the_schema_survives_a_parquet_file() -> None:
    file = io.BytesIO()
    schema = annotations_schema([pa.field("labels", TEXT_LIST)])
    pq.write_table(schema.empty_table(), file)
    assert pq.read_schema(file).equals(schema, check_metadata=True)


def test_carried_columns_come_last() -> None:
    carried = [pa.field("rating", pa.int32()), pa.field("category", pa.string())]
    assert annotations_schema(carried).names == [*SCHEMA.names, "rating", "category"]


@pytest.mark.parametrize("name", ["polarity", "Review_ID", "category"])
def test_a_carried_column_may_not_take_a_name_that_is_taken(name: str) -> None:
    with pytest.raises(ContractError, match=f"carried column '{name}'"):
        annotations_schema([pa.field("CATEGORY", pa.string()), pa.field(name, pa.string())])


def test_conform_orders_casts_and_fills_null_lists() -> None:
    spans = pa.array([None], pa.list_(pa.struct([("end", pa.int64()), ("start", pa.int64())])))
    row = one_row() | {"summary_spans": spans, "source_row": pa.array([3], pa.int8())}
    columns = {name: values if isinstance(values, pa.Array) else [values] for name, values in row.items()}
    table = conform(pa.table(dict(reversed(columns.items()))), SCHEMA, where="part")
    assert table.schema.equals(SCHEMA, check_metadata=True)
    assert table.to_pylist() == [one_row() | {"summary_spans": []}]


def test_conform_keeps_the_spans_of_a_range_of_rows() -> None:
    spans = span_lists([[(0, 4)], [], [(1, 2), (5, 9)]])
    table = pa.table({**{name: [None] * 3 for name in SCHEMA.names}, "summary_spans": spans})
    kept = conform(table.slice(1), SCHEMA, where="part")["summary_spans"].to_pylist()
    assert kept == [[], [{"start": 1, "end": 2}, {"start": 5, "end": 9}]]


def test_partitions_of_nulls_of_failures_and_of_nothing_have_the_same_schema() -> None:
    schema = annotations_schema([pa.field("labels", TEXT_LIST), pa.field("rating", pa.float64())])
    failed = unannotated(2, "failed")
    columns = {name: failed[name] if name in MODEL_SCHEMA.names else pa.nulls(2) for name in schema.names}
    tables = [
        conform(pa.table({name: pa.nulls(2) for name in schema.names}), schema, where="nulls"),
        conform(pa.table(columns), schema, where="failed"),
        conform(schema.empty_table(), schema, where="empty"),
    ]
    assert all(table.schema.equals(schema, check_metadata=True) for table in tables)
    assert all(table["labels"].null_count == table["summary_spans"].null_count == 0 for table in tables)


def test_conform_names_a_missing_column() -> None:
    with pytest.raises(ContractError, match="part: column 'status' is missing; found review_id"):
        conform(SCHEMA.empty_table().drop_columns(["status"]), SCHEMA, where="part")


def test_conform_refuses_a_column_that_the_table_does_not_have() -> None:
    with pytest.raises(ContractError, match="does not have: mood"):
        conform(SCHEMA.empty_table().append_column("mood", pa.array([], pa.string())), SCHEMA, where="part")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("source_row", pa.array([2.5])),
        ("status", pa.array([[1]])),
        ("summary_spans", pa.array(["0-4"])),
        ("summary_spans", pa.array([[{"start": None, "end": 2}]])),
        (
            "summary_spans",
            pa.array([[None]], pa.list_(pa.struct([("start", pa.int32()), ("end", pa.int32())]))),
        ),
        ("summary_spans", pa.array([[{"start": 0}]])),
    ],
)
def test_conform_refuses_what_cannot_be_cast_without_loss(name: str, values: pa.Array) -> None:
    columns = {column: pa.nulls(1) for column in SCHEMA.names} | {name: values}
    with pytest.raises(ContractError, match=f"part: column '{name}' of type .* cannot become"):
        conform(pa.table(columns), SCHEMA, where="part")


@pytest.mark.parametrize("status", [status for status in STATUSES if status not in ANNOTATED_STATUSES])
def test_rows_without_annotation_say_why_and_nothing_else(status: str) -> None:
    rows = unannotated(2, status)  # type: ignore[arg-type]
    assert rows.schema == MODEL_SCHEMA
    expected = dict.fromkeys(MODEL_SCHEMA.names) | {
        "summary_method": "none",
        "summary_spans": [],
        "status": status,
    }
    assert rows.to_pylist() == [expected] * 2


def test_rows_without_annotation_cannot_be_called_ok() -> None:
    with pytest.raises(ValueError, match="promises a polarity"):
        unannotated(1, "ok")


def test_span_lists_keep_their_order_and_are_never_null() -> None:
    spans = span_lists([[], [(0, 4), (9, 12)]])
    assert spans.type == SPANS
    assert spans.to_pylist() == [[], [{"start": 0, "end": 4}, {"start": 9, "end": 12}]]
    assert span_lists([]).type == SPANS


def test_a_value_that_does_not_fit_is_not_told() -> None:
    columns = {column: pa.nulls(2) for column in SCHEMA.names}
    columns["source_row"] = pa.array(["1", "call 415-555-0133"])
    with pytest.raises(ContractError, match="row 1 of 2 does not fit") as refused:
        conform(pa.table(columns), SCHEMA, where="part")
    assert "415" not in str(refused.value)
