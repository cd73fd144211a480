"""Scratch: rows to erase in what writers of a local store make ready, which one that was killed leaves there."""

from datetime import datetime, timedelta
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from reviewmine.store.filesystem import Store
from reviewmine.store.layout import Layout, begun_at
from reviewmine.store.tracing import AreErased

LONGEST_PUT: Final = timedelta(minutes=10)
"""What was begun before is no put under way: a part is written in seconds, once it is made in memory."""
_PARQUET: Final = b"PAR1"


def erase_from_scratch(store: Store, layout: Layout, are_erased: AreErased, *, now: datetime) -> list[str]:
    """Delete what holds, or may hold, rows to erase; what may yet be put by a writer that lives is left, and told."""
    told = []
    for file in list(store.list(layout.scratch)):
        begun = begun_at(file.name)
        if begun is None or not _may_hold(store, file.name, are_erased):
            continue
        if begun < now - LONGEST_PUT:
            store.delete(file.name)
        elif store.stat(file.name):
            told.append(
                f"{file.name} may hold such rows, and was begun at {begun:%H:%M:%S} UTC: if its writer is dead, nobody "
                f"else takes it away; run this again after {begun + LONGEST_PUT:%H:%M:%S} UTC"
            )
    return told


def _may_hold(store: Store, name: str, are_erased: AreErased) -> bool:
    """Whether it is Parquet, and has such rows or was not written to its end; records of the meta hold none."""
    stored = store.get(name)
    if stored is None or not stored.body.startswith(_PARQUET):
        return False
    try:
        rows = pq.ParquetFile(pa.BufferReader(stored.body)).read(columns=["review_id"], use_threads=False)
    except (OSError, pa.ArrowException):
        return True
    return rows.column_names != ["review_id"] or bool(are_erased(rows["review_id"]).any())
