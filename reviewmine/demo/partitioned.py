"""Any table of reviews with a date becomes a hive-partitioned archive of several files and row groups.

The key is derived from the date in UTC, as the annotations table derives it, and stands in the path only; undated
rows lie in `__HIVE_DEFAULT_PARTITION__`. Rows keep their order within a partition.
"""

import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from reviewmine.contract.columns import listed
from reviewmine.contract.dividing import derived_values
from reviewmine.contract.instants import is_instant
from reviewmine.contract.reviews import ReviewColumns, conform_dates
from reviewmine.contract.texts import is_text
from reviewmine.errors import UsageError
from reviewmine.partition import DERIVED_KEYS, Partition, PartitionBy
from reviewmine.text.mask import mask


def write_archive(
    table: pa.Table,
    root: Path,
    *,
    partition_by: PartitionBy | None,
    files_per_partition: int = 1,
    rows_per_group: int = 10_000,
    date_column: str | None = None,
    key: str | None = None,
) -> int:
    """Write `table` [rows] as an archive at `root` and return the number of files; all of them appear at once.

    Args:
        root: has to be empty or not to exist.
        partition_by: None for a flat archive.
        files_per_partition: the rows of a partition are spread evenly over as many files, as far as they go.
        date_column: the first column of dates or timestamps if None.
        key: the partition key, if not `review_day` or `review_month`.

    Raises:
        UsageError: `root` is not empty, the date column is missing or holds no dates, the table has a column named
            like the key, or a number is below 1.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise UsageError(f"{root}: found something there; an archive wants an empty folder or a new one")
    num_files = 0
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root.parent, prefix=f".{root.name}-") as folder:
        unfinished = Path(folder) / root.name
        unfinished.mkdir()
        for path, content in archive_files(
            table,
            partition_by=partition_by,
            files_per_partition=files_per_partition,
            rows_per_group=rows_per_group,
            date_column=date_column,
            key=key,
        ):
            (unfinished / path).parent.mkdir(parents=True, exist_ok=True)
            (unfinished / path).write_bytes(content)
            num_files += 1
        unfinished.rename(root)
    return num_files


def archive_files(
    table: pa.Table,
    *,
    partition_by: PartitionBy | None,
    files_per_partition: int,
    rows_per_group: int,
    date_column: str | None = None,
    key: str | None = None,
) -> Iterator[tuple[str, bytes]]:
    """The files of an archive, as `write_archive` says: path below its root and content, one after the other."""
    for name, number in (("files_per_partition", files_per_partition), ("rows_per_group", rows_per_group)):
        if number < 1:
            raise UsageError(f"{name} {number}: expected 1 or more")
    for partition, rows in _partitions(table, partition_by, date_column, key):
        for num, of_file in enumerate(np.array_split(rows, max(1, min(files_per_partition, len(rows))))):
            name = f"part-{num:05d}.parquet"
            yield f"{partition.path}/{name}".lstrip("/"), _parquet(table.take(of_file), rows_per_group)


def _partitions(
    table: pa.Table, partition_by: PartitionBy | None, date_column: str | None, key: str | None
) -> Iterator[tuple[Partition, np.ndarray]]:
    """Each partition in the order of its value, undated rows last, with the numbers of its rows [rows] int64."""
    if partition_by is None:
        yield Partition(), np.arange(table.num_rows)
        return
    key = key or DERIVED_KEYS[partition_by]
    if key in table.column_names:
        raise UsageError(
            f"column {key!r}: the partition key of that name would stand beside it; rename the column"
        )
    moments = _moments(table, date_column)
    values = derived_values(partition_by, moments).dictionary_encode()
    codes = values.indices.to_numpy()
    in_order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[in_order], np.arange(len(values.dictionary) + 1))
    for value, code in sorted((value, code) for code, value in enumerate(values.dictionary.to_pylist())):
        yield Partition(((key, value),)), in_order[starts[code] : starts[code + 1]]


def _moments(table: pa.Table, date_column: str | None) -> pa.Array:
    """The dates of a table [rows] as timestamp[us, UTC] [rows]; a text that spells no date is null."""
    if date_column is None:
        date_column = next((field.name for field in table.schema if is_instant(field.type)), None)
        if date_column is None:
            raise UsageError(
                f"found no column of dates or timestamps among {listed(table.column_names)}; name one"
            )
    if date_column not in table.column_names:
        raise UsageError(f"date column {date_column!r}: found {listed(table.column_names)}")
    column = table.column(date_column)
    if not (is_instant(column.type) or is_text(column.type)):
        raise UsageError(
            f"date column {date_column!r} is of type {column.type}; expected dates, timestamps or text"
        )
    moments = conform_dates(column, ReviewColumns(reviewed_at=date_column))
    if moments.null_count == len(moments) > column.null_count:
        found = mask(str(column.drop_null()[0]))[:60]
        raise UsageError(f"date column {date_column!r}: found {found!r}; expected ISO 8601, 2026-03-31")
    return moments


def _parquet(table: pa.Table, rows_per_group: int) -> bytes:
    content = BytesIO()
    pq.write_table(table, content, row_group_size=rows_per_group, compression="zstd")
    return content.getvalue()
