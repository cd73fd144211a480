"""Whose rows to erase: the ids of a file, or the reviews of a user, told by the archive or by a carried column."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from reviewmine.backfill.settings import AnnotateSettings
from reviewmine.config import load_run_file
from reviewmine.contract.reviews import ReviewColumns, check_schema
from reviewmine.contract.texts import identifiers
from reviewmine.errors import UsageError
from reviewmine.store.archive import Archive
from reviewmine.store.filesystem import Listed
from reviewmine.store.fragment import cut
from reviewmine.store.manifest import live_manifests
from reviewmine.store.parallel import in_parallel
from reviewmine.store.table import Table
from reviewmine.store.tombstones import get_tombstones
from reviewmine.store.tracing import read_to_erase

USER_COLUMN = "user_id"
_COLUMNS = ["review_id", USER_COLUMN]
_MAX_TOLD = 20
_Source = TypeVar("_Source")


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

    Raises ArchiveError for a file that cannot be read, UsageError where the files have no column of users, or reviews
    of others have such an id too.
    """

    def read(file: Listed) -> Iterator[pa.Table]:
        footer = archive.footer(file.name)
        where = f"{archive.location.uri}/{file.name}"
        names = check_schema(footer.schema, columns, where=where)
        if USER_COLUMN not in names:
            raise UsageError(
                f"--user-id: {where} has no column {USER_COLUMN!r}; name it in the run file, [columns]"
            )
        wanted = [names["review_id"], names[USER_COLUMN]]
        for fragment in cut(file.name, file.etag, footer.row_groups):
            yield archive.read(fragment, lambda _: wanted).select(wanted).rename_columns(_COLUMNS)

    return _ids_of_user(user_id, read, archive.files())


def ids_of_user_in_table(table: Table, user_id: str) -> list[str]:
    """The same by the carried column, of every part that stands: an erasure that was cut off left some behind.

    Raises TableError for a part that cannot be read, UsageError where what is live does not carry it, or reviews of
    others have such an id too.
    """
    live = set(_live_parts(table))

    def read(name: str) -> Iterator[pa.Table]:
        rows = read_to_erase(table.store, name, "live" if name in live else "staged", _COLUMNS)
        if rows is not None and rows.column_names == _COLUMNS:
            yield rows
        elif name in live:
            raise UsageError(
                f"--user-id: {table.uri} does not carry {USER_COLUMN!r}, so it cannot tell whose a row is; name "
                "the archive with --archive, or the reviews with --review-ids"
            )

    return _ids_of_user(
        user_id, read, sorted({f.name for f in table.store.list(table.layout.all_parts)} | live)
    )


def _ids_of_user(
    user_id: str, read: Callable[[_Source], Iterator[pa.Table]], sources: Sequence[_Source]
) -> list[str]:
    """The ids of this user's rows [id, user] in all of `sources`, which are read again to see whose they are besides.

    Raises UsageError where rows of another user, or of nobody, have such an id too: they would be erased with these.
    """

    def of_user(source: _Source) -> list[str]:
        return [review for rows in read(source) for review in _ids_where(rows, _are_of(rows, user_id))]

    found = [review for ids in in_parallel(of_user, sources) for review in ids]
    ids = pa.array(sorted(set(found)), pa.string())

    def of_others(source: _Source) -> set[str]:
        return {
            review
            for rows in read(source)
            for review in _ids_where(
                rows,
                pc.and_(pc.is_in(identifiers(rows["review_id"]), ids), pc.invert(_are_of(rows, user_id))),
            )
        }

    shared = sorted(set().union(*in_parallel(of_others, sources))) if found else []
    if shared:
        more = f" and {len(shared) - _MAX_TOLD} more" if len(shared) > _MAX_TOLD else ""
        raise UsageError(
            f"--user-id: of the ids of this user's reviews {len(shared)} are also those of reviews of others: "
            f"{', '.join(shared[:_MAX_TOLD])}{more}; whoever has such an id would lose the review: name those to erase "
            "with --review-ids"
        )
    return found


def _columns_of(run_file: Path | None) -> ReviewColumns:
    """The column mapping of a run file, whatever archive and table it names."""
    if run_file is None:
        return ReviewColumns()
    unnamed = {"archive": "", "table": ""}
    return load_run_file(run_file, AnnotateSettings, unnamed).columns


def _are_of(rows: pa.Table, user_id: str) -> pa.Array:
    return pc.fill_null(pc.equal(identifiers(rows[USER_COLUMN]), user_id), False)


def _ids_where(rows: pa.Table, is_wanted: pa.Array) -> list[str]:
    ids = identifiers(rows["review_id"]).filter(is_wanted).to_pylist()
    return [found for found in ids if found is not None]


def _live_parts(table: Table) -> Iterator[str]:
    for live in live_manifests(table.store, table.layout).values():
        yield from (part.name for part in live.parts)
