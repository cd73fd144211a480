import io
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reviewmine.contract.reviews import REVIEWS_SCHEMA, ReviewColumns, carried_fields, conform
from reviewmine.errors import ContractError


def conformed(
    columns: dict[str, object], mapping: ReviewColumns | None = None, first_row: int = 0
) -> pa.Table:
    table = pa.table(columns)
    return conform(table, mapping or ReviewColumns(), where="a.parquet", first_row=first_row)


def test_the_least_archive_conforms_with_nulls_for_what_it_lacks() -> None:
    reviews = conformed({"body": ["Good strings.", None], "review_id": ["r1", "r2"]}, first_row=40)
    assert reviews.schema == REVIEWS_SCHEMA
    assert reviews["body"].to_pylist() == ["Good strings.", None]
    assert reviews["source_row"].to_pylist() == [40, 41]
    assert (
        reviews["title"].null_count == reviews["rating"].null_count == reviews["reviewed_at"].null_count == 2
    )
    assert reviews["repaired"].to_pylist() == [False, False]


def test_rows_stay_one_to_one_with_duplicate_and_missing_ids() -> None:
    reviews = conformed({"review_id": [7, 7, None], "body": ["a", "b", "c"]})
    assert reviews["review_id"].to_pylist() == ["7", "7", None]
    assert reviews["body"].to_pylist() == ["a", "b", "c"]


def test_zero_rows_have_the_same_schema() -> None:
    empty = conformed({"review_id": pa.array([], pa.int64()), "body": pa.array([], pa.large_string())})
    assert empty.schema == REVIEWS_SCHEMA
    assert empty.num_rows == 0


def test_columns_of_nothing_but_nulls_conform() -> None:
    names = ["review_id", "body", "title", "rating", "reviewed_at", "language", "product_id", "user_id"]
    reviews = conformed({name: pa.nulls(2) for name in names})
    assert reviews.schema == REVIEWS_SCHEMA
    assert all(reviews[name].null_count == 2 for name in names)


@pytest.mark.parametrize(
    "ratings",
    [
        pa.array([5, 1, None, 0, 6], pa.int8()),
        pa.array([5, 1, None, 0, 6], pa.uint64()),
        pa.array([5.0, 1.0, float("nan"), 0.5, 1e30]),
        pa.array([5, 1, None, -1, 6], pa.float16()),
        pa.array([Decimal("5.0"), Decimal("1.0"), None, Decimal("0.9"), Decimal("5.1")]),
        pa.array([Decimal(5), Decimal(1), None, Decimal(0), Decimal(6)], pa.decimal256(60, 2)),
        pa.array([" 5 ", "1.0", "five", "", "-3"]),
        pa.array([b"5", b"1", b"\xff", None, b"1e0"]),
        pa.array([5, 1, None, 0, 6]).dictionary_encode(),
    ],
)
def test_ratings_of_every_type_are_stars_or_null(ratings: pa.Array) -> None:
    reviews = conformed({"review_id": range(5), "body": ["x"] * 5, "rating": ratings})
    assert reviews["rating"].to_pylist() == [5.0, 1.0, None, None, None]


@pytest.mark.parametrize(
    "dates",
    [
        pa.array([datetime(2026, 1, 2), None], pa.timestamp("ns")),
        pa.array([datetime(2026, 1, 2), None], pa.timestamp("s", tz="UTC")),
        pa.array([datetime(2026, 1, 2), None], pa.date32()),
        pa.array(["2026-01-02", "soon"]),
        pa.array(["2026-01-02T00:00:00Z", None]).dictionary_encode(),
    ],
)
def test_dates_of_every_type_are_instants_in_utc(dates: pa.Array) -> None:
    reviews = conformed({"review_id": ["a", "b"], "body": ["x", "y"], "review_date": dates})
    assert reviews["reviewed_at"].to_pylist() == [datetime(2026, 1, 2, tzinfo=UTC), None]


def test_integer_dates_count_what_the_run_file_says() -> None:
    columns = {"review_id": ["a"], "body": ["x"], "when": pa.array([1767312000], pa.int32())}
    reviews = conformed(columns, ReviewColumns(reviewed_at="when", epoch_unit="s"))
    assert reviews["reviewed_at"].to_pylist() == [datetime(2026, 1, 2, tzinfo=UTC)]


def test_invalid_utf8_survives_a_parquet_file_and_is_repaired() -> None:
    raw = pa.array([b"caf\xe9", b"fine", b"lone \xed\xa0\x80 one"])
    body = pa.StringArray.from_buffers(3, raw.buffers()[1], raw.buffers()[2])
    file = io.BytesIO()
    pq.write_table(pa.table({"review_id": ["a", "b", "c"], "body": body, "title": ["t", None, "t"]}), file)
    reviews = conform(pq.read_table(file), ReviewColumns(), where="a.parquet")
    assert reviews["body"].to_pylist() == ["caf\ufffd", "fine", "lone \ufffd one"]
    assert reviews["repaired"].to_pylist() == [True, False, True]


def test_a_repaired_title_marks_the_row() -> None:
    reviews = conformed({"review_id": ["a"], "body": ["x"], "title": pa.array([b"\xff"])})
    assert reviews["repaired"].to_pylist() == [True]


def test_a_body_of_a_megabyte_is_read_whole() -> None:
    body = "word " * 200_000
    assert conformed({"review_id": ["a"], "body": [body]})["body"].to_pylist() == [body]


def test_the_input_hash_follows_the_bytes_and_not_their_arrow_type() -> None:
    columns = {"review_id": ["a", "b"], "title": ["t", None], "body": ["x", "y"]}
    plain = conformed(columns)["input_hash"].to_pylist()
    for text in (pa.large_string(), pa.binary(), pa.dictionary(pa.int32(), pa.string())):
        retyped = {name: pa.array(columns[name]).cast(text) for name in ("title", "body")}
        assert conformed({**columns, **retyped})["input_hash"].to_pylist() == plain


def test_the_input_hash_tells_null_from_empty_and_title_from_body() -> None:
    pairs = [(None, "ab"), ("", "ab"), ("a", "b"), ("ab", ""), ("ab", None), (None, None), ("", "")]
    titles, bodies = (pa.array(side, pa.string()) for side in zip(*pairs, strict=True))
    hashes = conformed({"review_id": range(7), "title": titles, "body": bodies})["input_hash"].to_pylist()
    assert len(set(hashes)) == 7


def test_the_input_hash_is_of_the_bytes_before_repair() -> None:
    reviews = conformed({"review_id": ["a", "b"], "body": pa.array([b"\xff", b"\xfe"])})
    assert reviews["body"].to_pylist() == ["\ufffd", "\ufffd"]
    assert len(set(reviews["input_hash"].to_pylist())) == 2


def test_the_input_hash_of_a_review_never_changes() -> None:
    reviews = conformed({"review_id": ["a"], "title": ["Great"], "body": ["Sounds warm."]})
    assert reviews["input_hash"].to_pylist() == ["b107059dee5bec8d5cc26bd188308845"]


def test_a_column_can_be_read_and_carried() -> None:
    table = pa.table({"review_id": ["a"], "body": ["x"], "rating": pa.array([9], pa.int8()), "shop": ["s"]})
    carried = carried_fields([table.schema], ["rating", "shop"])
    reviews = conform(table, ReviewColumns(), where="a.parquet", carried=carried)
    assert reviews.column_names == [*REVIEWS_SCHEMA.names, "carried:rating", "carried:shop"]
    assert reviews["rating"].to_pylist() == [None]
    assert reviews["carried:rating"].to_pylist() == [9]


def test_files_of_other_column_order_and_chunking_conform_alike() -> None:
    one = pa.table({"review_id": ["a", "b"], "body": ["x", "y"], "title": ["s", "t"]})
    other = pa.concat_tables([one.slice(0, 1), one.slice(1)]).select(["title", "body", "review_id"])
    assert conform(one, ReviewColumns(), where="f") == conform(other, ReviewColumns(), where="f")


def test_an_id_that_is_a_fraction_names_file_and_column() -> None:
    with pytest.raises(
        ContractError, match=r"a\.parquet: column 'review_id', read as review_id: .* whole numbers"
    ):
        conformed({"review_id": [1.5], "body": ["x"]})
