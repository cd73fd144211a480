"""Tables: where annotations are published, and the record that says what kind of table it is."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar, Literal

from reviewmine.contract.annotations import CONTRACT_VERSION, annotations_schema
from reviewmine.errors import PreconditionFailed, StoreError, TableError, UsageError
from reviewmine.partition import DERIVED_KEYS, PartitionBy
from reviewmine.store.catalog_entry import CatalogEntry, IcebergSettings
from reviewmine.store.filesystem import Location, Store
from reviewmine.store.layout import META_SUFFIX, Layout, is_abandoned, scratch_name
from reviewmine.store.live import HiveLive, Live
from reviewmine.store.opening import open_store
from reviewmine.store.record import Record

_log = logging.getLogger(__name__)
_NO_ETAG = f'"{"0" * 32}"'
"""An etag that no object has."""


Format = Literal["hive", "iceberg"]


class TableRecord(Record):
    """`table.json`: put when the table is made; no table changes its format.

    `partition_by` is set where the keys are derived from dates, `entry` where the format is `iceberg`.
    """

    remedy: ClassVar[str] = "restore it from a backup, or use the reviewmine that wrote it"

    format: Format = "hive"
    partition_keys: tuple[str, ...]
    partition_by: PartitionBy | None
    contract_version: int
    entry: CatalogEntry | None = None


class Table:
    """A table at a local path or an `s3://` URI: its store, the names of its objects, and its record."""

    def __init__(self, uri: str) -> None:
        self.location = Location.parse(uri)
        self.layout = Layout(self.location.name)
        self.store = open_store(self.location.parent, scratch=self.layout.scratch)
        self._found: TableRecord | None = None

    def __reduce__(self) -> tuple[type["Table"], tuple[str]]:
        return Table, (self.location.uri,)

    @property
    def uri(self) -> str:
        return self.location.uri

    @property
    def live(self) -> Live:
        """What its readers see, by the format that its record names; a place without a record is seen as files."""
        if self._found is None:  # no table changes what this depends on
            self._found = self.record()
        if self._found is None:
            return HiveLive(self.store, self.layout)
        return _live_of(self._found, self.location, self.store, self.layout)

    def record(self) -> TableRecord | None:
        """What stands in `table.json`, or None where no table was made yet."""
        stored = self.store.get(self.layout.table_record)
        where = f"{self.location.parent.uri}/{self.layout.table_record}"
        return TableRecord.decode(stored.body, where=where) if stored else None

    def refuse_overlap(self, archive: Location) -> None:
        """Raises UsageError if archive and table lie within each other: annotations would be read as reviews."""
        meta = Location(self.location.scheme, f"{self.location.path}{META_SUFFIX}")
        if archive.holds(self.location) or self.location.holds(archive) or meta.holds(archive):
            raise UsageError(
                f"{self.uri}: the table and the archive {archive.uri} lie within each other; expected two places "
                "apart, such as two folders side by side"
            )

    def make_or_match(
        self,
        partition_keys: tuple[str, ...],
        partition_by: PartitionBy | None,
        *,
        carried: Sequence[str] = (),
        iceberg: IcebergSettings | None = None,
    ) -> None:
        """Make the table, or raise TableError if the one that stands is of another kind or holds foreign files.

        Args:
            iceberg: where to register it, if its format is to be `iceberg`; `hive` without.
        """
        wanted = self._wanted(partition_keys, partition_by, carried, iceberg)
        found = self.record() or self._make(wanted)
        self._refuse_another(found, wanted)
        if found != wanted:
            # It is older: partitions of both versions stand side by side, and readers see the columns of either.
            self.store.put(self.layout.table_record, wanted.encode())
        self.live.prepare()
        self._probe_compare_and_swap()

    def match(
        self,
        partition_keys: tuple[str, ...],
        partition_by: PartitionBy | None,
        *,
        carried: Sequence[str] = (),
        iceberg: IcebergSettings | None = None,
    ) -> None:
        """Raise TableError if `make_or_match` would, as far as that can be told without making anything.

        Nothing is written, but the catalog entry of a table whose maker was killed before it could.
        """
        wanted = self._wanted(partition_keys, partition_by, carried, iceberg)
        self._refuse_another(self.record() or wanted, wanted)
        _live_of(wanted, self.location, self.store, self.layout)  # whether its package is there
        self.live.prepare()

    def _wanted(
        self,
        partition_keys: tuple[str, ...],
        partition_by: PartitionBy | None,
        carried: Sequence[str],
        iceberg: IcebergSettings | None,
    ) -> TableRecord:
        if partition_by:
            partition_keys = (DERIVED_KEYS[partition_by],)
        self._refuse_twofold_names(partition_keys, carried)
        return TableRecord(
            format="iceberg" if iceberg else "hive",
            partition_keys=partition_keys,
            partition_by=partition_by,
            contract_version=CONTRACT_VERSION,
            entry=CatalogEntry.of(iceberg, self.location) if iceberg else None,
        )

    def _refuse_another(self, found: TableRecord, wanted: TableRecord) -> None:
        self._refuse_other_contract(found)
        if found.model_copy(update={"contract_version": CONTRACT_VERSION}) != wanted:
            raise TableError(
                f"{self.uri}: found {_kind(found)}, expected {_kind(wanted)}; use the same --format, --catalog and "
                "--partition-by as before, or another table"
            )

    def require(self, *, writing: bool = False) -> TableRecord:
        """The record of a table that is there; one that is to be written is also probed for compare-and-swap.

        Raises TableError where no table was made, and for one of another contract version.
        """
        found = self.record()
        if found is None:
            raise TableError(
                f"{self.uri}: there is no table here: found no {self.layout.table_record}; correct the path, or make "
                "one with reviewmine annotate"
            )
        self._refuse_other_contract(found)
        if writing:
            self._probe_compare_and_swap()
        return found

    def refuse_snapshots(self) -> None:
        """Raises TableError where readers may go back to what was replaced: nothing can be erased from there."""
        if self.live.keeps_replaced:
            raise TableError(
                f"{self.uri}: rows cannot be erased from an Iceberg table: its earlier snapshots keep them, and only "
                "its catalog can expire those; take the reviews out of the archive and annotate again, expire the "
                "earlier snapshots and delete their files with the catalog's tools, then run reviewmine backfill gc "
                "--keep 0 --older-than 0s; erase --dry-run tells where the rows are"
            )

    def live_sizes(self) -> dict[str, int]:
        """The bytes of every file that readers see, by name."""
        return self.live.sizes()

    def sweep_scratch(self) -> None:
        """Delete what killed writers of a local store left half written."""
        for file in self.store.list(self.layout.scratch):
            if is_abandoned(file.name, now=datetime.now(UTC)):
                self.store.delete(file.name)

    def _refuse_other_contract(self, found: TableRecord) -> None:
        """An Iceberg table has room for partitions of an older one beside newer ones."""
        is_older = found.format == "iceberg" and found.contract_version < CONTRACT_VERSION
        if found.contract_version != CONTRACT_VERSION and not is_older:
            raise TableError(
                f"{self.uri}: found contract version {found.contract_version}, expected {CONTRACT_VERSION}; "
                "use the reviewmine that wrote it, or another table"
            )

    def _refuse_twofold_names(self, partition_keys: tuple[str, ...], carried: Sequence[str]) -> None:
        """A name that is both a key in the path and a column in the files makes a table that pyarrow cannot read."""
        columns = {name.casefold() for name in (*annotations_schema().names, *carried)}
        twofold = [key for key in partition_keys if key.casefold() in columns]
        if twofold:
            raise TableError(
                f"{self.uri}: the archive's partition key {twofold[0]!r} is a column of the annotations too; expected "
                "another name; rename the folders, derive the keys with --partition-by, or do not --carry it"
            )

    def _probe_compare_and_swap(self) -> None:
        """A store that puts where a condition does not hold has no compare-and-swap, whatever it declares.

        Both conditions are tried, for Swift heeds the one and answers 501 to the other. Each probe has a name of its
        own: one that another run takes away meanwhile would look as if a condition had not been heeded.
        Raises TableError for a store that does not put where a condition holds: no lease could ever be taken there.
        """
        if self.location.scheme == "file" or not self.store.compare_and_swap:
            return
        probe = f"{self.layout.scratch}/{scratch_name()}"
        self.store.put(probe, b"stands")
        try:
            are_heeded = [self._is_refused(probe, etag) for etag in (None, _NO_ETAG)]
            standing = self.store.get(probe)
            if all(are_heeded) and standing and self._is_refused(probe, standing.etag):
                raise TableError(
                    f"{self.uri}: the store refused a put under the etag that it had just shown, {standing.etag}; a "
                    "proxy may alter etags: go past it"
                )
        finally:
            self.store.delete(probe)
        if not all(are_heeded):
            self.store.deny_compare_and_swap()
            _log.warning(
                "%s: conditional puts are not heeded here: only one writer at a time is safe", self.uri
            )

    def _is_refused(self, probe: str, etag: str | None) -> bool:
        """Whether `probe` is not replaced under this condition."""
        try:
            self.store.put_if(probe, b"replaced", etag)
        except PreconditionFailed:
            return True
        return False

    def _make(self, wanted: TableRecord) -> TableRecord:
        if HiveLive(self.store, self.layout).sizes():
            raise TableError(
                f"{self.uri}: found files but no {self.layout.table_record}; expected a table of reviewmine or a "
                "place that is still empty: restore the record, or choose another table"
            )
        try:
            self.store.put_if(self.layout.table_record, wanted.encode(), None)
        except PreconditionFailed:
            return self.record() or wanted
        except StoreError as refused:
            raise TableError(f"{self.uri}: the table cannot be written: {refused}") from refused
        return wanted


def _kind(record: TableRecord) -> str:
    keys = "/".join(record.partition_keys) or "none"
    return f"format {record.format}{f' ({record.entry})' if record.entry else ''}, partition keys {keys}"


def _live_of(record: TableRecord, location: Location, store: Store, layout: Layout) -> Live:
    """Raises UsageError where the format needs a package that is not installed."""
    if record.entry is None:
        return HiveLive(store, layout)
    try:
        from reviewmine.store.iceberg import IcebergLive
    except ModuleNotFoundError as absent:
        raise UsageError(
            f"{location.uri}: an Iceberg table needs pyiceberg, and {absent.name} is not installed; "
            "pip install 'reviewmine[iceberg]'"
        ) from None
    return IcebergLive(store, layout, location, record.entry, record.partition_keys)
