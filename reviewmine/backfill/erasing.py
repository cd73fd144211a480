"""Whose rows to erase: the ids of a file, or the reviews of a user, told by the archive or by a carried column."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from reviewmine.backfill.settings import AnnotateSettings
from reviewmine.config import load_run_file
from reviewmine.contract.reviews import ReviewColumns, check_schema
from reviewmine.contract.texts import identifiers
from reviewmine.errors import UsageError
from reviewmine.store.archive import Archive
from reviewmine.store.fragment import cut
from reviewmine.store.manifest import live_manifests
from reviewmine.store.parallel import in_parallel
from reviewmine.store.table import Table
from reviewmine.store.tombstones import get_tombstones

USER_COLUMN = "user_id"


def ids_to_erase(
    table: Table, *, review_ids: Path | None, user_id: str | None, archive: str | None, run_file: Path | None
) -> list[str]:
    """The ids that a person asked for.

    Raises UsageError unless they are told in one way, and there are any; none are needed of a user while an erasure is
    unfinished, which is then to go on.
    """
    if (review_ids is None) == (user_id is None):
        raise UsageError("expected --review-ids FILE or --user-id USER, and not both")
    if review_ids is not None:
        return ids_of_file(review_ids)
    assert user_id is not None
    if archive:
        columns = _columns_of(run_file)
        found = ids_of_user_in_archive(Archive(archive), columns, user_id)
    else:
        found = ids_of_user_in_table(table, user_id)
    tombstones = get_tombstones(table.store, table.layout)
    if not found and tombstones.num_finished >= tombstones.num_erasures:
        raise UsageError(f"--user-id: {archive or table.uri} has no review of this user")
    return found


def ids_of_file(path: Path) -> list[str]:
    """One id a line; blank lines are none. Raises UsageError for a file that is not there, or holds none."""
    try:
        found = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as refused:
        raise UsageError(
            f"--review-ids {path}: cannot be read: {refused}; expected a review id a line"
        ) from None
    if not found:
        raise UsageError(f"--review-ids {path}: found no id; expected a review id a line")
    return found


def ids_of_user_in_archive(archive: Archive, columns: ReviewColumns, user_id: str) -> list[str]:
    """The ids of the reviews of a user, of every file of the archive.

    Raises ArchiveError for a file that cannot be read, UsageError where the files have no column of users.
    """

    def look(path: str, etag: str) -> list[str]:
        footer = archive.footer(path)
        where = f"{archive.location.uri}/{path}"
        names = check_schema(footer.schema, columns, where=where)
        if USER_COLUMN not in names:
            raise UsageError(
                f"--user-id: {where} has no column {USER_COLUMN!r}; name it in the run file, [columns]"
            )
        wanted = [names["review_id"], names[USER_COLUMN]]
        tables = (archive.read(fragment, lambda _: wanted) for fragment in cut(path, etag, footer.row_groups))
        return [
            found for table in tables for found in _ids_where(table[wanted[0]], table[wanted[1]], user_id)
        ]

    files = archive.files()
    return [found for ids in in_parallel(lambda file: look(file.name, file.etag), files) for found in ids]


def ids_of_user_in_table(table: Table, user_id: str) -> list[str]:
    """The same by the carried column, of every part that stands: an erasure that was cut off left some behind.

    Raises UsageError where what is live does not carry it.
    """
    found: list[str] = []
    live = set(_live_parts(table))
    for name in sorted({file.name for file in table.store.list(table.layout.all_parts)} | live):
        with table.store.open(name) as file:
            parquet = pq.ParquetFile(file)
            if USER_COLUMN not in parquet.schema_arrow.names:
                if name not in live:
                    continue
                raise UsageError(
                    f"--user-id: {table.uri} does not carry {USER_COLUMN!r}, so it cannot tell whose a row is; name "
                    "the archive with --archive, or the reviews with --review-ids"
                )
            rows = parquet.read(columns=["review_id", USER_COLUMN], use_threads=False)
        found += _ids_where(rows["review_id"], rows[USER_COLUMN], user_id)
    return found


def _columns_of(run_file: Path | None) -> ReviewColumns:
    """The column mapping of a run file, whatever archive and table it names."""
    if run_file is None:
        return ReviewColumns()
    unnamed = {"archive": "", "table": ""}
    return load_run_file(run_file, AnnotateSettings, unnamed).columns


def _ids_where(ids: pa.ChunkedArray, users: pa.ChunkedArray, user_id: str) -> list[str]:
    is_wanted = pc.fill_null(pc.equal(identifiers(users), user_id), False)
    return [found for found in identifiers(ids).filter(is_wanted).to_pylist() if found is not None]


def _live_parts(table: Table) -> Iterator[str]:
    for live in live_manifests(table.store, table.layout).values():
        yield from (part.name for part in live.parts)
