"""Parts: the annotations of one fragment for one partition value, immutable, under a name of their own attempt.

An erasure never alters a part: it puts another without the rows, under a name that follows from the old one and from
the erasure, so that one that is done twice is done once.
"""

import hashlib
import io
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from reviewmine.errors import PublishError, TableError
from reviewmine.partition import Partition
from reviewmine.store.filesystem import Store
from reviewmine.store.fragment import Fragment
from reviewmine.store.layout import Layout, new_attempt
from reviewmine.store.record import Record


class Part(Record):
    """A part as its receipt and its manifest name it; `name` is relative to the folder that holds the table.

    `fragment` is what it was made from; parts of tables from before that was written down do not say.
    """

    name: str
    partition: str
    num_rows: int
    num_bytes: int
    sha256: str
    fragment: Fragment | None = None


class PartWriter:
    """Writes the parts of one attempt at one fragment; no two attempts share a name, so none overwrites another."""

    def __init__(self, store: Store, layout: Layout, result_key: str, fragment: Fragment) -> None:
        self._store = store
        self._layout = layout
        self._result_key = result_key
        self._fragment = fragment
        self.attempt = new_attempt()

    def put(self, partition: Partition, annotations: pa.Table) -> Part:
        """Build the part in memory and put it once: a file that is there is whole."""
        body = encode_parquet(annotations)
        name = self._layout.part(self._result_key, self._fragment.id, self.attempt, partition)
        self._store.put(name, body)
        return Part(
            name=name,
            partition=partition.path,
            num_rows=annotations.num_rows,
            num_bytes=len(body),
            sha256=hashlib.sha256(body).hexdigest(),
            fragment=self._fragment,
        )


def encode_parquet(annotations: pa.Table) -> bytes:
    """The table as one Parquet file, with the settings that every warehouse reads."""
    out = io.BytesIO()
    pq.write_table(annotations, out, compression="zstd", row_group_size=20_000, coerce_timestamps="us")
    return out.getvalue()


def read_part(store: Store, part: Part, columns: Sequence[str]) -> pa.Table:
    """These columns of a part [rows], of which every byte is as it was written.

    Raises TableError if the part is not what was put, OSError or pa.ArrowException if it cannot be read.
    """
    stored = store.get(part.name)
    if stored is None or hashlib.sha256(stored.body).hexdigest() != part.sha256:
        found = "nothing" if stored is None else "other bytes"
        raise TableError(f"{part.name}: found {found}, expected the part that its manifest names")
    return pq.ParquetFile(pa.BufferReader(stored.body)).read(list(columns), use_threads=False)


def glance_at_part(store: Store, part: Part, column: str) -> pa.ChunkedArray:
    """One column of a part [rows], by as few bytes as it takes; nothing but its form is checked.

    Raises OSError or pa.ArrowException if it cannot be read.
    """
    with store.open(part.name) as file:
        found = pq.ParquetFile(file).read([column], use_threads=False)
    if found.column_names != [column]:
        raise pa.ArrowInvalid(f"{part.name}: found no column {column!r}")
    return found[column]


def check_part(store: Store, part: Part) -> pa.Schema:
    """The schema in the part's footer; PublishError unless its rows and size are what its receipt says."""
    try:
        with store.open(part.name) as file:
            parquet = pq.ParquetFile(file)
            found = (parquet.metadata.num_rows, file.size())
            schema: pa.Schema = parquet.schema_arrow
    except (OSError, pa.ArrowException) as broken:
        raise PublishError(
            f"{part.name}: cannot be read back: {broken}; delete its receipt and rerun"
        ) from broken
    if found != (part.num_rows, part.num_bytes):
        raise PublishError(
            f"{part.name}: found {found[0]} rows in {found[1]} bytes, expected {part.num_rows} in {part.num_bytes}"
        )
    return schema
