"""Carrying over: known reviews leave with what was made of them, unknown ones stay, and the order is kept."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from tiny_checkpoint import make_conformed

from reviewmine.annotate.carryover import carry_over
from reviewmine.annotate.rows import assemble
from reviewmine.contract.annotations import annotations_schema, unannotated
from reviewmine.contract.reviews import ReviewColumns, carried_fields, conform

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def annotated(reviews: pa.Table) -> pa.Table:
    """Rows of the table for conformed reviews, as an earlier run made them."""
    made = unannotated(reviews.num_rows, "empty")
    made = made.append_column("model_version", pa.array(["m"] * reviews.num_rows))
    return assemble(reviews, made, source_file="old.parquet", run_id="old", annotated_at=AT)


def test_known_reviews_leave_with_what_was_made_of_them_and_the_others_stay_in_order() -> None:
    earlier = annotated(make_conformed(["one", "two", "three"]))
    reviews = make_conformed(["new", "three", "newer", "one"], product_id=["a", "b", "c", "d"])
    rest, rows = carry_over(reviews, earlier, source_file="new.parquet")
    assert rest.schema == reviews.schema
    assert rest["body"].to_pylist() == ["new", "newer"]
    assert rows.schema.equals(annotations_schema(), check_metadata=True)
    seen = zip(*(rows[name].to_pylist() for name in ("product_id", "source_row", "source_file")), strict=True)
    assert list(seen) == [("b", 1, "new.parquet"), ("d", 3, "new.parquet")]
    assert set(rows["run_id"].to_pylist()) == {"old"}
    assert set(rows["annotated_at"].to_pylist()) == {AT}


def test_without_earlier_rows_nothing_is_carried_over() -> None:
    reviews = make_conformed(["one"])
    rest, rows = carry_over(reviews, annotated(reviews).slice(1), source_file="f")
    assert (rest is reviews, rows) == (True, None)


def test_the_same_text_is_carried_over_for_each_row_that_holds_it() -> None:
    earlier = annotated(make_conformed(["one", "one"]))
    rest, rows = carry_over(make_conformed(["one", "two", "one"]), earlier, source_file="f")
    assert (rest["source_row"].to_pylist(), rows["source_row"].to_pylist()) == ([1], [0, 2])


@pytest.mark.parametrize(
    ("before", "now", "is_same"),
    [
        ("en", "en", True),
        ("en", "eng", True),
        ("en", None, True),  # the text looks like English
        ("en", "de", False),
        ("de", None, False),
        ("de", "de", True),
    ],
)
def test_a_review_in_another_language_is_another_review(before: str, now: str | None, is_same: bool) -> None:
    body = ["this is the one that was good for me"]
    earlier = annotated(make_conformed(body, language=[before]))
    languages = pa.array([now], pa.string())
    rest, rows = carry_over(make_conformed(body, language=languages), earlier, source_file="f")
    assert (rest.num_rows, rows.num_rows) == ((0, 1) if is_same else (1, 0))


def test_carried_columns_are_those_of_the_input() -> None:
    table = pa.table({"review_id": ["a"], "body": ["one"], "rating": [5], "language": ["en"]})
    carried = carried_fields([table.schema], ["rating"])
    reviews = conform(table, ReviewColumns(), where="f", carried=carried)
    earlier = annotated(make_conformed(["one"]))
    _, rows = carry_over(reviews, earlier, source_file="f", carried=carried)
    assert rows["rating"].to_pylist() == [5]
    assert rows.schema.equals(annotations_schema(carried), check_metadata=True)
