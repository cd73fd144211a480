"""Archives for tests: reviews of our own making, written where a test wants them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


def reviews(ids: Sequence[str], days: Sequence[str | None] = (), **columns: Sequence[Any]) -> pa.Table:
    """Reviews with these ids; with `days` (`2024-01-31`, in UTC; or None), dates; and further columns."""
    made: dict[str, pa.Array] = {
        "review_id": pa.array(ids, pa.string()),
        "body": pa.array([f"{review} is a fine thing" for review in ids], pa.string()),
    }
    if days:
        made["date"] = pa.array([_moment(day) if day else None for day in days], pa.timestamp("us", tz="UTC"))
    return pa.table(made | {name: pa.array(column) for name, column in columns.items()})


def _moment(written: str) -> datetime:
    moment = datetime.fromisoformat(written)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def write_files(root: Path, files: Mapping[str, pa.Table], *, rows_per_group: int = 1000) -> Path:
    """Write each table under its path below `root`, which is returned."""
    for path, table in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, root / path, row_group_size=rows_per_group)
    return root


def corrupt(path: Path) -> None:
    """Turn the bits of every page of a Parquet file around: its footer stays readable, its rows do not."""
    body = bytearray(path.read_bytes())
    footer_bytes = int.from_bytes(body[-8:-4], "little") + 8
    pages = slice(4, len(body) - footer_bytes)
    body[pages] = bytes(byte ^ 0xFF for byte in body[pages])
    path.write_bytes(body)


def truncate(path: Path) -> None:
    """Cut a file off in the middle, footer and all."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
