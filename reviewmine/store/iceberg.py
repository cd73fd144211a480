"""Iceberg: a table whose readers see the snapshot of a catalog, which is the commit of what reviewmine publishes.

A snapshot's summary names, for each partition that it replaces, the generation and the digest of the manifest that
was put before it. Commits are conditioned on the head that they were planned on, so a writer is shut out by moving
the head: a snapshot without files, that names the partition and the fence below which nobody may commit. Data files
get no name twice and are never deleted here: they belong to snapshots, and go when those expire.
"""

import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import CommitFailedException, ResolveError, ValidationError
from pyiceberg.expressions import AlwaysTrue, And, BooleanExpression, EqualTo, IsNull, Reference
from pyiceberg.expressions.literals import literal
from pyiceberg.io.pyarrow import parquet_files_to_data_files
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table import Transaction

from reviewmine.errors import LeaseLost, PublishError, TableError
from reviewmine.partition import NULL_VALUE, Partition
from reviewmine.store.catalog_entry import CatalogEntry
from reviewmine.store.filesystem import Location, Store
from reviewmine.store.iceberg_catalog import open_catalog, registered, told
from reviewmine.store.iceberg_summaries import committed, fence_seen, fence_summary, foreign_rows, summary_of
from reviewmine.store.journal import Journal
from reviewmine.store.layout import Layout, fence_of
from reviewmine.store.manifest import Manifest, Pointer, get_pointer

_NUM_TRIES: Final = 50


class IcebergLive:
    """An Iceberg table: readers see what the current snapshot of its catalog names."""

    has_one_schema = False
    keeps_replaced = True
    tells_by_value = True

    def __init__(
        self,
        store: Store,
        layout: Layout,
        location: Location,
        entry: CatalogEntry,
        keys: Sequence[str],
        *,
        open_entry: Callable[[CatalogEntry, Location], Catalog] = open_catalog,
    ) -> None:
        self._store = store
        self._layout = layout
        self._location = location
        self._entry = entry
        self._keys = keys
        self._open_entry = open_entry

    @cached_property
    def catalog(self) -> Catalog:
        catalog = self._open_entry(
            self._entry,
            Location(self._location.scheme, f"{self._location.parent.path}/{self._layout.catalog}"),
        )
        weakref.finalize(self, catalog.close)
        return catalog

    def prepare(self) -> None:
        table = registered(self.catalog, self._entry, self._uri(self._layout.table), self._keys)
        foreign = self.foreign(self._names(_files(table, AlwaysTrue())))
        if foreign:
            raise TableError(
                f"{self._location.uri}: found {len(foreign)} files that reviewmine did not write, such as "
                f"{foreign[0]}; delete their rows, or choose another table"
            )

    def foreign(self, names: Iterable[str]) -> list[str]:
        """Files of another name, unless whoever wrote them only wrote rows anew that were there."""
        others = [name for name in names if fence_of(name) is None]
        return others if others and foreign_rows(self._table()) else []

    def misnamed(self, partition: Partition) -> str | None:
        if not set(partition.path) & set("#?"):
            return None
        return (
            f"{self._location.uri}: partition {partition}: found '#' or '?', which the place of an Iceberg file "
            "cannot have; rename the folder in the archive"
        )

    def part_of(self, partition: Partition, annotations: pa.Table) -> pa.Table:
        """Filters look for the key in the files, so it stands in each row; undated ones have none."""
        if refusal := self.misnamed(partition):
            raise TableError(refusal)
        for key, value in zip(partition.keys, partition.values, strict=True):
            column = pa.repeat(
                pa.scalar(None if value == NULL_VALUE else value, pa.string()), annotations.num_rows
            )
            annotations = annotations.append_column(pa.field(key, pa.string()), column)
        return annotations

    def sizes(self) -> dict[str, int]:
        return self._seen(AlwaysTrue())

    def stands(self, manifest: Manifest) -> bool:
        """Files that another engine put in the place of ours, to compact them, are known by the rows they hold."""
        sizes = (part.num_bytes for part in manifest.parts)
        expected = dict(zip(manifest.live_files, sizes, strict=True))
        with told(str(self._entry)):
            scanned = list(self._table().scan(row_filter=_rows_of(_partition(manifest))).plan_files())
        seen = self._names([task.file for task in scanned])
        if seen == expected:
            return True
        ours = {name: num_bytes for name, num_bytes in seen.items() if fence_of(name) is not None}
        num_rows = sum(task.file.record_count for task in scanned if not task.delete_files)
        return len(ours) < len(seen) and ours.items() <= expected.items() and num_rows == manifest.num_rows

    def strays(self, partition: Partition, fence: int, named: Collection[str]) -> Iterator[str]:
        """None: readers see no file that the snapshot does not name."""
        return iter(())

    def unread_after(self, replaced: Manifest) -> tuple[str, ...]:
        """None: older snapshots name them."""
        return ()

    def shut_out(self, partition: Partition, fence: int) -> None:
        self._until_landed(
            lambda table: fence_seen(table, partition) >= fence,
            lambda table: self._put_fence(table, partition, fence),
        )

    def commit(self, staged: Sequence[Manifest]) -> None:
        """One snapshot that drops the files of these partitions and adds the staged ones, with any new columns.

        A conflict is tried again only if none of the partitions was touched in between.
        """
        planned_on: list[set[str]] = []

        def attempt(table: IcebergTable) -> None:
            doomed = [_files(table, _rows_of(_partition(one))) for one in staged]
            self._refuse_fenced_off(table, staged)
            planned_on.append({file.file_path for files in doomed for file in files})
            if planned_on[0] != planned_on[-1]:
                raise PublishError(
                    f"{self._location.uri}: partition {', '.join(str(_partition(one)) for one in staged)}: "
                    "another writer changed it meanwhile; rerun to publish it"
                )
            try:
                self._put_snapshot(table, staged, [file for files in doomed for file in files])
            except FileNotFoundError:  # a later run has undone what was staged
                self._refuse_fenced_off(self._table(), staged)
                raise

        self._until_landed(
            lambda table: all(committed(table, _partition(one), one.generation) for one in staged),
            attempt,
        )

    def has_committed(self, partition: Partition, journal: Journal, pointer: Pointer) -> bool:
        """The files are looked at too: the snapshot that brought them may have expired."""
        if committed(self._table(), partition, journal.generation):
            return True
        return bool(journal.puts) and set(journal.puts) <= set(self._seen(_rows_of(partition)))

    def snapshot(self) -> str | None:
        """The metadata file that says what readers see now."""
        return self._table().metadata_location

    def _table(self) -> IcebergTable:
        """As it is now."""
        with told(str(self._entry)):
            return self.catalog.load_table(self._entry.identifier)

    def _seen(self, rows: BooleanExpression) -> dict[str, int]:
        with told(str(self._entry)):
            return self._names(_files(self._table(), rows))

    def _until_landed(
        self, has_landed: Callable[[IcebergTable], bool], attempt: Callable[[IcebergTable], None]
    ) -> None:
        """Try again while other commits are quicker; what has landed is not done twice."""
        for _ in range(_NUM_TRIES):
            table = _TriedOnce(self._table(), has_landed)
            if has_landed(table):
                return
            with told(str(self._entry)), suppress(CommitFailedException):
                attempt(table)
                return
        raise PublishError(
            f"{self._location.uri}: other commits to {self._entry} were quicker {_NUM_TRIES} times; rerun to publish"
        )

    def _put_snapshot(self, table: IcebergTable, staged: Sequence[Manifest], doomed: list[DataFile]) -> None:
        transaction = table.transaction()
        self._widen(transaction, [name for one in staged for name in one.live_files[:1]])
        names = [self._uri(name) for one in staged for name in one.live_files]
        with transaction.update_snapshot(snapshot_properties=summary_of(staged)).overwrite() as overwrite:
            for file in doomed:
                overwrite.delete_data_file(file)
            for file in parquet_files_to_data_files(table.io, transaction.table_metadata, iter(names)):
                overwrite.append_data_file(file)
        transaction.commit_transaction()

    def _widen(self, transaction: Transaction, names: Sequence[str]) -> None:
        """What is new among the columns of these files becomes a column of the table, null in older files."""
        try:
            with transaction.update_schema() as columns:
                for name in names:
                    with self._store.open(name) as file:
                        columns.union_by_name(pq.read_schema(file))
        except (ValidationError, ResolveError, ValueError) as unfit:
            raise PublishError(
                f"{self._location.uri}: the new columns do not fit those of the table: {unfit}; carry them under other "
                "names, or choose another table"
            ) from unfit

    def _put_fence(self, table: IcebergTable, partition: Partition, fence: int) -> None:
        transaction = table.transaction()
        with transaction.update_snapshot(snapshot_properties=fence_summary(partition, fence)).fast_append():
            pass
        transaction.commit_transaction()

    def _refuse_fenced_off(self, table: IcebergTable, staged: Sequence[Manifest]) -> None:
        """Raises LeaseLost if a later writer shut this one out: by a snapshot, or long ago, by the pointer."""
        for one in staged:
            partition = _partition(one)
            pointer, _ = get_pointer(self._store, self._layout, partition)
            if max(pointer.fence, fence_seen(table, partition)) > one.fence:
                raise LeaseLost(f"partition {partition}: a later run fenced off run {one.run_id}")

    def _uri(self, name: str) -> str:
        root = self._location.parent
        return f"file://{root.path}/{name}" if root.scheme == "file" else f"{root.uri}/{name}"

    def _names(self, files: Sequence[DataFile]) -> dict[str, int]:
        """Sizes by the names of the store."""
        root = self._uri("")
        return {file.file_path.removeprefix(root): file.file_size_in_bytes for file in files}


class _TriedOnce(IcebergTable):
    """A table whose transaction is not tried again by pyiceberg, which knows nothing of fences.

    pyiceberg refreshes between two tries. What was told as a conflict and had landed, for an answer was lost, counts
    as landed; otherwise the conflict is raised, and pyiceberg takes the files of the try away.
    """

    def __init__(self, table: IcebergTable, has_landed: Callable[[IcebergTable], bool]) -> None:
        super().__init__(table.name(), table.metadata, table.metadata_location, table.io, table.catalog)
        self._has_landed = has_landed

    def refresh(self) -> IcebergTable:
        super().refresh()
        if not self._has_landed(self):
            raise CommitFailedException("another commit was quicker")
        return self


def _partition(manifest: Manifest) -> Partition:
    return Partition.of_path(manifest.partition)


def _rows_of(partition: Partition) -> BooleanExpression:
    """The filter that the rows of a partition pass."""
    rows: BooleanExpression = AlwaysTrue()
    for key, value in zip(partition.keys, partition.values, strict=True):
        column = Reference(key)
        rows = And(
            rows, IsNull(term=column) if value == NULL_VALUE else EqualTo(term=column, value=literal(value))
        )
    return rows


def _files(table: IcebergTable, rows: BooleanExpression) -> list[DataFile]:
    """The data files of the current snapshot that hold such rows."""
    return [task.file for task in table.scan(row_filter=rows).plan_files()]
