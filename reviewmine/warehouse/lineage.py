"""Lineage: where a row of the table comes from, which model and run made it, with what settings, and when."""

from collections.abc import Iterator
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from reviewmine.contract.annotations import annotations_schema
from reviewmine.errors import ArchiveError
from reviewmine.store.archive import Archive
from reviewmine.store.parallel import in_parallel
from reviewmine.store.record import Record
from reviewmine.store.table import Table
from reviewmine.warehouse.live import LivePartition, live_partitions

_ID_COLUMN = annotations_schema().get_field_index("review_id")
_COLUMNS = (
    "review_id",
    "source_file",
    "source_row",
    "status",
    "input_hash",
    "model_version",
    "run_id",
    "annotated_at",
)


class Lineage(Record):
    """One row of a review id: in the table, in the archive, and how it was made.

    `run_id` computed the row; the run that published it is in the name of `generation`. `settings` are what a result
    is the digest of. `source_row_group` and `source_is_unchanged` are None unless the archive was looked at.
    """

    review_id: str
    partition: str
    generation: str
    published_at: datetime
    restores: str | None
    live_file: str
    live_row_group: int
    source_file: str
    source_row: int
    source_etag: str | None
    source_row_group: int | None = None
    source_is_unchanged: bool | None = None
    status: str
    input_hash: str
    model_version: str
    run_id: str
    annotated_at: datetime
    settings: dict[str, str]


def lineage(table: Table, review_id: str, archive: Archive | None = None) -> list[Lineage]:
    """Every live row of `review_id`, in order of partition and file; ids may repeat, and then there are several.

    Only the ids are read of row groups whose statistics do not rule them out, and the rest where one is found.
    """
    found = in_parallel(lambda live: list(_rows_of(live, review_id)), live_partitions(table))
    rows = [row for rows in found for row in rows]
    return [_with_source(row, archive) for row in rows] if archive else rows


def _rows_of(live: LivePartition, review_id: str) -> Iterator[Lineage]:
    manifest = live.manifest
    etags = {file.path: file.etag for file in manifest.inputs}
    for part, live_file in zip(manifest.parts, live.live_files, strict=True):
        with live.opened(part.name) as file:
            for group in range(file.num_row_groups):
                for row in _matches(file, group, review_id).to_pylist():
                    yield Lineage(
                        **row,
                        partition=str(live.partition),
                        generation=manifest.generation,
                        published_at=manifest.published_at,
                        restores=manifest.restores,
                        live_file=live_file,
                        live_row_group=group,
                        source_etag=etags.get(row["source_file"]),
                        settings=manifest.ingredients,
                    )


def _matches(file: pq.ParquetFile, group: int, review_id: str) -> pa.Table:
    """The rows of a row group that have this id, with _COLUMNS."""
    nothing = file.schema_arrow.empty_table().select(_COLUMNS)
    statistics = file.metadata.row_group(group).column(_ID_COLUMN).statistics
    if statistics and statistics.has_min_max and not statistics.min <= review_id <= statistics.max:
        return nothing
    ids = file.read_row_group(group, columns=["review_id"], use_threads=False)["review_id"]
    is_wanted = pc.fill_null(pc.equal(ids, review_id), False)
    if not pc.any(is_wanted).as_py():
        return nothing
    return file.read_row_group(group, columns=list(_COLUMNS), use_threads=False).filter(is_wanted)


def _with_source(row: Lineage, archive: Archive) -> Lineage:
    """The same with the row group of the source file, if that is still what the row was made from."""
    found = archive.store.stat(row.source_file)
    is_unchanged = found is not None and found.etag == row.source_etag
    changes: dict[str, object] = {"source_is_unchanged": is_unchanged}
    if is_unchanged:
        end = 0
        for number, group in enumerate(archive.footer(row.source_file).row_groups):
            end += group.num_rows
            if row.source_row < end:
                changes["source_row_group"] = number
                break
        else:
            raise ArchiveError(
                f"{archive.location.uri}/{row.source_file}: found {end} rows, expected row {row.source_row} of them"
            )
    return row.model_copy(update=changes)
