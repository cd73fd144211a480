from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from reviewmine.annotate.rows import MADE_SCHEMA, assemble, model_columns
from reviewmine.contract.annotations import MODEL_SCHEMA, annotations_schema, unannotated, validate
from reviewmine.contract.reviews import ReviewColumns, carried_fields, conform
from reviewmine.errors import ContractError
from reviewmine.labels import DEFAULT_INTENSITY_CUTS
from reviewmine.model.summarizer import Summary
from reviewmine.text.sentences import Span

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def columns_of(probabilities: list[list[float]], intensities: list[float]) -> pa.Table:
    return model_columns(
        np.array(probabilities, np.float32),
        np.array(intensities, np.float32),
        [Summary("Good.", "verbatim", [Span(0, 5)])] * len(intensities),
        cuts=DEFAULT_INTENSITY_CUTS,
    )


def assembled(table: pa.Table, carry: list[str]) -> pa.Table:
    carried = carried_fields([table.schema], carry)
    reviews = conform(table, ReviewColumns(), where="a.parquet", first_row=3, carried=carried)
    made = unannotated(table.num_rows, "failed").append_column(
        "model_version", pa.array(["m1"] * table.num_rows)
    )
    reviews = reviews.set_column(7, "language", pa.array(["en"] * table.num_rows))
    return assemble(reviews, made, source_file="a.parquet", run_id="run", annotated_at=AT, carried=carried)


def test_the_most_probable_polarity_is_named() -> None:
    columns = columns_of([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.2, 0.3, 0.5]], [0.1, 0.2, 0.3])
    assert columns.schema == MODEL_SCHEMA
    assert columns["polarity"].to_pylist() == ["negative", "neutral", "positive"]
    assert columns["polarity_neutral"].to_pylist() == pytest.approx([0.2, 0.6, 0.3])


def test_a_cut_belongs_to_the_level_above_it() -> None:
    intensities = [0.0, 0.249, 0.25, 0.5, 0.749, 0.75, 1.0]
    columns = columns_of([[1.0, 0.0, 0.0]] * 7, intensities)
    assert columns["intensity_level"].to_pylist() == [
        "weak",
        "weak",
        "medium",
        "strong",
        "strong",
        "extreme",
        "extreme",
    ]


def test_numbers_that_do_not_belong_to_the_summaries_are_refused() -> None:
    with pytest.raises(ValueError, match="expected"):
        columns_of([[1.0, 0.0, 0.0]], [0.5, 0.5])


def test_a_row_joins_review_model_and_run() -> None:
    rows = assembled(pa.table({"review_id": [7, None], "body": ["x", "y"]}), [])
    validate(rows, where="a.parquet")
    assert rows.schema.equals(annotations_schema(), check_metadata=True)
    assert rows["review_id"].to_pylist() == ["7", None]
    assert rows["source_row"].to_pylist() == [3, 4]
    assert set(rows["source_file"].to_pylist()) == {"a.parquet"}
    assert set(rows["run_id"].to_pylist()) == {"run"}
    assert set(rows["annotated_at"].to_pylist()) == {AT}


def test_carried_columns_come_last_under_their_own_names() -> None:
    table = pa.table({"review_id": ["a"], "body": ["x"], "rating": pa.array([9], pa.int8()), "marks": [None]})
    rows = assembled(table, ["marks", "rating"])
    assert rows.column_names[-2:] == ["marks", "rating"]
    assert rows["rating"].to_pylist() == [9]


def test_a_carried_column_may_not_replace_one_of_the_table() -> None:
    with pytest.raises(ContractError, match="'polarity'"):
        assembled(pa.table({"review_id": ["a"], "body": ["x"], "polarity": ["good"]}), ["polarity"])


def test_partitions_without_rows_and_without_annotations_have_the_same_schema() -> None:
    table = pa.table({"review_id": ["a"], "body": ["x"]})
    assert assembled(table, []).schema.equals(assembled(table.slice(1), []).schema, check_metadata=True)


def test_annotations_of_other_rows_are_refused() -> None:
    one, none = pa.Table.from_pylist([{}], schema=MADE_SCHEMA), pa.table({"review_id": []})
    with pytest.raises(ValueError, match="1 annotations for 0 reviews"):
        assemble(none, one, source_file="f", run_id="r", annotated_at=AT)
