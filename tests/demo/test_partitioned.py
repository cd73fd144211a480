from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reviewmine.demo.partitioned import archive_files, write_archive
from reviewmine.errors import UsageError


def reviews(dates: list[object]) -> pa.Table:
    return pa.table({"review_id": [f"r{n}" for n in range(len(dates))], "review_date": pa.array(dates)})


def ids(root: Path) -> dict[str, list[list[str]]]:
    """The review ids of each file, by partition."""
    found: dict[str, list[list[str]]] = {}
    for path in sorted(root.rglob("*.parquet")):
        rows = pq.ParquetFile(path).read()["review_id"].to_pylist()
        found.setdefault(path.parent.relative_to(root).as_posix(), []).append(rows)
    return found


def test_rows_lie_in_the_month_of_their_date_and_undated_rows_in_the_default_partition(
    tmp_path: Path,
) -> None:
    table = reviews([date(2024, 1, 31), date(2024, 2, 1), None, date(2024, 1, 1)])
    assert write_archive(table, tmp_path / "a", partition_by="month") == 3
    assert ids(tmp_path / "a") == {
        "review_month=2024-01": [["r0", "r3"]],
        "review_month=2024-02": [["r1"]],
        "review_month=__HIVE_DEFAULT_PARTITION__": [["r2"]],
    }


def test_days_are_counted_in_utc(tmp_path: Path) -> None:
    late = datetime(2024, 1, 31, 23, 30, tzinfo=UTC)
    in_berlin = pa.array([late], pa.timestamp("s", "UTC")).cast(pa.timestamp("s", "Europe/Berlin"))
    write_archive(reviews([None]).set_column(1, "review_date", in_berlin), tmp_path / "a", partition_by="day")
    assert list(ids(tmp_path / "a")) == ["review_day=2024-01-31"]


def test_dates_written_as_text_are_read(tmp_path: Path) -> None:
    table = reviews(["2024-01-31T10:00:00Z", "2024-02-01", "yesterday", None])
    write_archive(table, tmp_path / "a", partition_by="month", date_column="review_date")
    assert ids(tmp_path / "a")["review_month=__HIVE_DEFAULT_PARTITION__"] == [["r2", "r3"]]


def test_rows_are_spread_over_files_and_row_groups_as_far_as_they_go(tmp_path: Path) -> None:
    table = reviews([date(2024, 1, 1)] * 7 + [date(2024, 2, 1)] * 2)
    write_archive(table, tmp_path, partition_by="month", files_per_partition=3, rows_per_group=2)
    found = ids(tmp_path)
    assert found["review_month=2024-01"] == [["r0", "r1", "r2"], ["r3", "r4"], ["r5", "r6"]]
    assert found["review_month=2024-02"] == [["r7"], ["r8"]]
    assert pq.ParquetFile(tmp_path / "review_month=2024-01" / "part-00000.parquet").num_row_groups == 2


def test_the_key_stands_in_the_path_and_not_in_the_file_and_can_be_named() -> None:
    files = archive_files(
        reviews([date(2024, 1, 1)]), partition_by="day", files_per_partition=1, rows_per_group=9, key="dt"
    )
    ((path, content),) = files
    assert path == "dt=2024-01-01/part-00000.parquet"
    assert pq.ParquetFile(pa.BufferReader(content)).schema_arrow.names == ["review_id", "review_date"]


def test_an_archive_without_partitions_is_flat(tmp_path: Path) -> None:
    write_archive(reviews([None, None]), tmp_path / "a", partition_by=None)
    assert ids(tmp_path / "a") == {".": [["r0", "r1"]]}


def test_an_empty_table_makes_a_flat_archive_of_one_empty_file_and_no_partition(tmp_path: Path) -> None:
    empty = reviews([date(2024, 1, 1)]).slice(0, 0)
    assert write_archive(empty, tmp_path / "flat", partition_by=None) == 1
    assert write_archive(empty, tmp_path / "dated", partition_by="day") == 0


def test_a_folder_that_is_not_empty_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    with pytest.raises(UsageError, match="empty folder"):
        write_archive(reviews([None]), tmp_path, partition_by=None)
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


def test_nothing_is_left_behind_where_the_dates_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'03/31/2024'; expected ISO 8601"):
        write_archive(reviews(["03/31/2024"]), tmp_path / "a", partition_by="day", date_column="review_date")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"date_column": "when"}, "date column 'when': found"),
        ({"date_column": "review_id"}, "expected ISO 8601"),
        ({"key": "review_id"}, "rename the column"),
        ({"files_per_partition": 0}, "files_per_partition 0: expected 1 or more"),
        ({"rows_per_group": 0}, "rows_per_group 0: expected 1 or more"),
    ],
)
def test_what_cannot_be_is_refused_with_what_was_found(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    arguments: dict[str, object] = {"partition_by": "day", **changes}
    with pytest.raises(UsageError, match=message):
        write_archive(reviews([date(2024, 1, 1)]), tmp_path / "a", **arguments)  # type: ignore[arg-type]


def test_a_date_column_of_another_type_or_none_at_all_is_refused(tmp_path: Path) -> None:
    table = pa.table({"review_id": ["r"], "year": [2024]})
    with pytest.raises(UsageError, match="no column of dates"):
        write_archive(table, tmp_path / "a", partition_by="day")
    with pytest.raises(UsageError, match="of type int64"):
        write_archive(table, tmp_path / "a", partition_by="day", date_column="year")
