from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reviewmine.warehouse.polarity import partition_keys, polarity_by_partition

Rows = Callable[..., dict[str, Any]]
WriteTable = Callable[[dict[str, list[dict[str, Any]]]], Path]


def test_polarities_are_counted_over_all_files_of_a_partition(write_table: WriteTable, opinion: Rows) -> None:
    table = write_table(
        {
            "dt=2024-02-01/a.parquet": [
                opinion("negative", intensity=1.0),
                opinion("positive", intensity=0.5),
            ],
            "dt=2024-02-01/b.parquet": [
                opinion("positive", intensity=0.0),
                opinion("neutral", intensity=0.5),
            ],
            "dt=2024-01-31/a.parquet": [opinion("positive")],
        }
    )
    first, second = polarity_by_partition(str(table))
    assert (first.label, first.num_rows) == ("2024-01-31", 1)
    assert second.num_by_polarity == {"negative": 1, "neutral": 1, "positive": 2}
    assert second.share("positive") == 0.5
    assert second.mean_intensity == pytest.approx(0.5)
    assert partition_keys(str(table)) == ("dt",)


def test_rows_without_an_opinion_are_rows_but_no_opinion(
    write_table: WriteTable, opinion: Rows, silence: Rows
) -> None:
    rows = [opinion("positive", status="truncated"), silence("empty"), silence("failed")]
    (partition,) = polarity_by_partition(str(write_table({"dt=2024-01-31/a.parquet": rows})))
    assert (partition.num_rows, partition.num_annotated) == (3, 1)
    assert partition.share("positive") == 1.0


def test_a_partition_without_any_opinion_has_shares_of_zero(write_table: WriteTable, silence: Rows) -> None:
    (partition,) = polarity_by_partition(str(write_table({"dt=2024-01-31/a.parquet": [silence("empty")]})))
    assert (partition.share("negative"), partition.mean_intensity) == (0.0, 0.0)


def test_an_empty_partition_is_none(write_table: WriteTable) -> None:
    assert polarity_by_partition(str(write_table({"dt=2024-01-31/a.parquet": []})))[0].num_rows == 0


def test_undated_rows_come_last_and_several_keys_are_one_label(
    write_table: WriteTable, opinion: Rows
) -> None:
    default = "__HIVE_DEFAULT_PARTITION__"
    table = write_table(
        {f"year={value}/month=01/a.parquet": [opinion("positive")] for value in (default, "2024", "2023")}
    )
    assert [partition.label for partition in polarity_by_partition(str(table))] == [
        "2023-01",
        "2024-01",
        "undated",
    ]


def test_a_flat_table_is_counted_by_the_day_of_the_review_in_utc(
    write_table: WriteTable, opinion: Rows
) -> None:
    days = [datetime(2024, 2, 1, 0, 5, tzinfo=UTC), datetime(2024, 1, 31, 23, 55, tzinfo=UTC), None]
    table = write_table({"a.parquet": [opinion("positive", reviewed_at=day) for day in days]})
    labels = [partition.label for partition in polarity_by_partition(str(table))]
    assert labels == ["2024-01-31", "2024-02-01", "undated"]
    assert partition_keys(str(table)) == ()
