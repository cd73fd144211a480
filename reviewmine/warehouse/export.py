"""Export: the live rows of a table as one file, Parquet, CSV or JSON lines by its name; put whole or not at all."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from reviewmine.contract.annotations import annotations_schema
from reviewmine.errors import TableError, UsageError
from reviewmine.store.parallel import in_parallel
from reviewmine.warehouse.live import LivePartition


def export(partitions: Sequence[LivePartition], path: Path) -> int:
    """Write the rows of `partitions` to `path`, and return how many.

    Lists and structs are JSON in CSV, which has none. Raises UsageError for a name of no known format.
    """
    write = FORMATS.get(path.suffix)
    if write is None or path.parts[0].endswith(":"):  # a Path makes s3:/bucket of s3://bucket
        raise UsageError(f"--out {path}: expected a local file ending in {', '.join(FORMATS)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        num_rows = write(_batches(partitions), unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return num_rows


def json_lines(partitions: Iterable[LivePartition]) -> Iterator[str]:
    """One JSON object per row, moments in ISO 8601."""
    for partition in partitions:
        for batch in partition.batches():
            yield from map(_json, batch.to_pylist())


def _batches(partitions: Sequence[LivePartition]) -> Iterator[pa.Table]:
    """The rows, and at first an empty table for their schema: a table without rows has columns too.

    Columns that a partition of an Iceberg table does not carry are null in its rows. Raises TableError where columns of
    one name have types that cannot be made one.
    """
    found = in_parallel(lambda partition: partition.schema(), partitions)
    schemas = [schema for schema in found if schema is not None] or [annotations_schema()]
    try:
        schema = pa.unify_schemas(schemas, promote_options="permissive")
    except pa.ArrowException as unfit:
        raise TableError(
            f"{partitions[0].table.uri}: its partitions cannot be one file: {unfit}; export fewer with --partitions"
        ) from unfit
    yield schema.empty_table()
    for partition in partitions:
        for batch in partition.batches():
            yield batch if batch.schema.equals(schema) else _widened(batch, schema)


def _widened(batch: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = [
        batch[field.name].cast(field.type)
        if field.name in batch.column_names
        else pa.nulls(batch.num_rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _write_parquet(batches: Iterator[pa.Table], path: Path) -> int:
    num_rows = 0
    with pq.ParquetWriter(path, next(batches).schema, compression="zstd") as out:
        for batch in batches:
            out.write_table(batch)
            num_rows += batch.num_rows
    return num_rows


def _write_csv(batches: Iterator[pa.Table], path: Path) -> int:
    num_rows = 0
    with pyarrow.csv.CSVWriter(path, _flat(next(batches)).schema) as out:
        for batch in batches:
            out.write_table(_flat(batch))
            num_rows += batch.num_rows
    return num_rows


def _write_json_lines(batches: Iterator[pa.Table], path: Path) -> int:
    num_rows = 0
    with path.open("w", encoding="utf-8") as out:
        for batch in batches:
            out.writelines(f"{_json(row)}\n" for row in batch.to_pylist())
            num_rows += batch.num_rows
    return num_rows


def _flat(batch: pa.Table) -> pa.Table:
    for number, field in enumerate(batch.schema):
        if pa.types.is_nested(field.type):
            written = [
                None if value is None else json.dumps(value) for value in batch[field.name].to_pylist()
            ]
            batch = batch.set_column(number, field.name, pa.array(written, pa.string()))
    return batch


def _json(row: dict[str, Any]) -> str:
    return json.dumps(row, default=_plain, ensure_ascii=False)


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


FORMATS: Final[dict[str, Callable[[Iterator[pa.Table], Path], int]]] = {
    ".parquet": _write_parquet,
    ".csv": _write_csv,
    ".jsonl": _write_json_lines,
}
