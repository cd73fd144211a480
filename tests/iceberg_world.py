"""A world of one partition in an Iceberg table: catalogs that stop or pause where a commit is, and the judgement."""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from partition_world import DAY, LAYOUT, Archive
from pyiceberg.catalog import Catalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io.pyarrow import _dataframe_to_data_files
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.snapshots import Operation, Summary
from pyiceberg.table.update.snapshot import _OverwriteFiles
from pyiceberg.typedef import EMPTY_DICT
from stores import PausingStore, StoppingStore

from reviewmine.store.catalog_entry import CatalogEntry
from reviewmine.store.filesystem import Location, Store
from reviewmine.store.iceberg import IcebergLive
from reviewmine.store.iceberg_catalog import EMBEDDED
from reviewmine.store.journal import standing_journals
from reviewmine.store.local import LocalStore
from reviewmine.store.manifest import live_manifest

ENTRY = CatalogEntry(catalog=None, namespace="reviewmine", name="table")


class WatchedCatalog(SqlCatalog):
    """A catalog whose commits are steps of a store that stops or pauses."""

    def __init__(self, uri: str, store: StoppingStore | PausingStore) -> None:
        super().__init__(EMBEDDED, uri=uri)
        self._store = store

    def commit_table(self, table, requirements, updates):
        commit = super().commit_table
        return self._store.step("commit", lambda: commit(table, requirements, updates))


class IcebergWorld:
    """A table in a folder that can be put back to how it was; its files are named by their whole place."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self._kept = folder / "kept"
        self.live(self.store()).prepare()

    def store(self) -> LocalStore:
        return LocalStore(self.root, scratch=LAYOUT.scratch)

    def live(self, store: Store) -> IcebergLive:
        """The table as a writer through `store` has it; steps of a watched store are commits too."""

        def watched(entry: CatalogEntry, embedded: Location) -> Catalog:
            return WatchedCatalog(f"sqlite:///{embedded.path}", store)

        location = Location("file", f"{self.root}/table")
        if isinstance(store, StoppingStore | PausingStore):
            return IcebergLive(store, LAYOUT, location, ENTRY, ("dt",), open_entry=watched)
        return IcebergLive(store, LAYOUT, location, ENTRY, ("dt",))

    def keep(self) -> "IcebergWorld":
        """What `reset` goes back to."""
        shutil.copytree(self.root, self._kept)
        return self

    def reset(self) -> None:
        shutil.rmtree(self.root)
        shutil.copytree(self._kept, self.root)

    def table(self) -> IcebergTable:
        return self.live(self.store()).catalog.load_table(ENTRY.identifier)

    def review_ids(self) -> list[str]:
        """What a reader sees at this moment."""
        return sorted(self.table().scan().to_arrow()["review_id"].to_pylist())

    def generations(self) -> list[str]:
        """The generation that each snapshot names, oldest first."""
        key = f"reviewmine.generation.{DAY.name}"
        told = (snapshot.summary.additional_properties for snapshot in self.table().snapshots())
        return [properties[key] for properties in told if key in properties]

    def judge(self, archive: Archive) -> None:
        """Readers see the archive's rows, the pointer names what they see, and every data file is of a snapshot."""
        store = self.store()
        assert self.review_ids() == ids(archive)
        manifest = live_manifest(store, LAYOUT, DAY)
        assert manifest is not None
        assert self.live(store).stands(manifest)
        assert list(standing_journals(store, LAYOUT, DAY)) == []
        assert max(Counter(self.generations()).values()) == 1
        table = self.table()
        named = {path for s in table.snapshots() for path in paths_of(table, s.snapshot_id)}
        in_folder = {f"file://{path}" for path in (self.root / "table").rglob("*.parquet")}
        assert in_folder == named


def ids(archive: Archive) -> list[str]:
    return sorted(review for reviews in archive.values() for review in reviews)


def paths_of(table: IcebergTable, snapshot_id: int) -> list[str]:
    return [task.file.file_path for task in table.scan(snapshot_id=snapshot_id).plan_files()]


def attempt(write: Callable[[], Any]) -> BaseException | None:
    """How `write` ended."""
    try:
        write()
    except BaseException as error:
        return error
    return None


class _Replacing(_OverwriteFiles):
    """A commit that says of itself what those of engines say that compact a table."""

    def _summary(self, snapshot_properties=EMPTY_DICT) -> Summary:
        told = super()._summary(snapshot_properties)
        return Summary(Operation.REPLACE, **told.additional_properties)


def compact(table: IcebergTable, row_filter: str, *, num_lost: int = 0) -> None:
    """What an engine does that writes small files anew as one; a broken one loses rows."""
    doomed = [task.file for task in table.scan(row_filter=row_filter).plan_files()]
    rows = table.scan(row_filter=row_filter).to_arrow().slice(num_lost)
    transaction = table.transaction()
    with _Replacing(operation=Operation.OVERWRITE, transaction=transaction, io=table.io) as replacing:
        for file in doomed:
            replacing.delete_data_file(file)
        for file in _dataframe_to_data_files(table.metadata, rows, table.io):
            replacing.append_data_file(file)
    transaction.commit_transaction()
