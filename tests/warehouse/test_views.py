from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from reviewmine.warehouse.views import identifier, literal, query_to_paste, views

Rows = Callable[..., dict[str, Any]]
WriteTable = Callable[[dict[str, list[dict[str, Any]]]], Path]


@pytest.fixture
def warehouse(write_table: WriteTable, opinion: Rows, silence: Rows) -> duckdb.DuckDBPyConnection:
    """A connection far from UTC, in which the views of a small table stand."""
    late = datetime(2024, 1, 31, 23, 30, tzinfo=UTC)
    early = datetime(2024, 2, 1, 0, 30, tzinfo=UTC)
    table = write_table(
        {
            "dt=2024-01-31/a.parquet": [
                opinion("negative", reviewed_at=late, intensity=1.0),
                opinion("positive", reviewed_at=late, intensity=0.0, status="truncated"),
                silence("empty", reviewed_at=late),
            ],
            "dt=2024-02-01/a.parquet": [
                opinion("positive", reviewed_at=early, status="repaired"),
                opinion("positive", reviewed_at=early, product_id="p2"),
                silence("unsupported_language", language="zh", reviewed_at=early),
                silence("failed", language="en", reviewed_at=early),
            ],
            "dt=__HIVE_DEFAULT_PARTITION__/a.parquet": [opinion("neutral", reviewed_at=None)],
        }
    )
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'America/Los_Angeles'")
    connection.execute(views(str(table)))
    return connection


def rows(warehouse: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return warehouse.execute(query).fetchall()


def test_opinions_are_the_rows_of_which_a_polarity_is_claimed(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert rows(warehouse, "SELECT count(*) FROM annotations") == [(8,)]
    statuses = rows(warehouse, "SELECT status, count(*) FROM opinions GROUP BY status ORDER BY status")
    assert statuses == [("ok", 3), ("repaired", 1), ("truncated", 1)]


def test_days_are_those_of_the_review_in_utc_wherever_the_reader_sits(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    query = "SELECT review_day, num_reviews, negative, positive, mean_intensity FROM polarity_by_day"
    assert rows(warehouse, query) == [
        ("2024-01-31", 2, 0.5, 0.5, 0.5),
        ("2024-02-01", 2, 0.0, 1.0, 0.5),
        (None, 1, 0.0, 0.0, 0.5),
    ]


def test_polarity_per_product_and_month(warehouse: duckdb.DuckDBPyConnection) -> None:
    query = "SELECT product_id, review_month, num_reviews, positive FROM polarity_by_product_month"
    assert rows(warehouse, query) == [
        ("p1", "2024-01", 2, 0.5),
        ("p1", "2024-02", 1, 1.0),
        ("p1", None, 1, 0.0),
        ("p2", "2024-02", 1, 1.0),
    ]


def test_what_is_left_out_is_counted_by_its_reason(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert rows(warehouse, "FROM left_out") == [
        ("empty", "und", 1),
        ("failed", "en", 1),
        ("unsupported_language", "zh", 1),
    ]


def test_the_query_to_paste_runs_with_the_keys_of_the_table(write_table: WriteTable, opinion: Rows) -> None:
    bad = [opinion("negative")] * 6 + [opinion("positive")] * 4
    few = [opinion("negative", product_id="p2")] * 9
    table = write_table(
        {"dt=2024-01-31/a.parquet": bad + few, "dt=2024-02-01/a.parquet": [opinion("neutral")] * 10}
    )
    found = duckdb.connect().execute(query_to_paste(str(table), ["dt"])).fetchall()
    assert [(str(row[0]), row[1], row[2], row[3]) for row in found] == [
        ("2024-01-31", "p1", 10, 0.6),
        ("2024-02-01", "p1", 10, 0.0),
    ]


def test_the_query_to_paste_runs_on_a_flat_table(write_table: WriteTable, opinion: Rows) -> None:
    table = write_table({"a.parquet": [opinion("negative")] * 10})
    assert duckdb.connect().execute(query_to_paste(f"{table}/", [])).fetchall()[0][:2] == ("p1", 10)


def test_names_and_texts_are_quoted_where_they_must_be() -> None:
    assert literal("it's") == "'it''s'"
    assert [identifier(name) for name in ("dt", "Dt", "order date", 'a"b')] == [
        "dt",
        '"Dt"',
        '"order date"',
        '"a""b"',
    ]
