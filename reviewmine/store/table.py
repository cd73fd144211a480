"""Tables: where annotations are published, and the record that says what kind of table it is."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar, Literal

from reviewmine.contract.annotations import CONTRACT_VERSION, annotations_schema
from reviewmine.errors import PreconditionFailed, StoreError, TableError, UsageError
from reviewmine.partition import DERIVED_KEYS, PartitionBy
from reviewmine.store.filesystem import Location
from reviewmine.store.layout import META_SUFFIX, Layout, fence_of, is_abandoned
from reviewmine.store.opening import open_store
from reviewmine.store.record import Record

_log = logging.getLogger(__name__)
_NO_ETAG = f'"{"0" * 32}"'
"""An etag that no object has."""


class TableRecord(Record):
    """`table.json`: put once, when the table is made. `partition_by` is set where the keys are derived from dates."""

    remedy: ClassVar[str] = "restore it from a backup, or use the reviewmine that wrote it"

    format: Literal["hive"] = "hive"
    partition_keys: tuple[str, ...]
    partition_by: PartitionBy | None
    contract_version: int


class Table:
    """A table at a local path or an `s3://` URI: its store, the names of its objects, and its record."""

    def __init__(self, uri: str) -> None:
        self.location = Location.parse(uri)
        self.layout = Layout(self.location.name)
        self.store = open_store(self.location.parent, scratch=self.layout.scratch)

    def __reduce__(self) -> tuple[type["Table"], tuple[str]]:
        return Table, (self.location.uri,)

    @property
    def uri(self) -> str:
        return self.location.uri

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
    ) -> None:
        """Make the table, or raise TableError if the one that stands is of another kind or holds foreign files."""
        wanted = self._wanted(partition_keys, partition_by, carried)
        self._refuse_another(self.record() or self._make(wanted), wanted)
        self.refuse_foreign_files()
        self._probe_compare_and_swap()

    def match(
        self,
        partition_keys: tuple[str, ...],
        partition_by: PartitionBy | None,
        *,
        carried: Sequence[str] = (),
    ) -> None:
        """Raise TableError if `make_or_match` would, as far as that can be told without writing anything."""
        wanted = self._wanted(partition_keys, partition_by, carried)
        self._refuse_another(self.record() or wanted, wanted)
        self.refuse_foreign_files()

    def _wanted(
        self, partition_keys: tuple[str, ...], partition_by: PartitionBy | None, carried: Sequence[str]
    ) -> TableRecord:
        if partition_by:
            partition_keys = (DERIVED_KEYS[partition_by],)
        self._refuse_twofold_names(partition_keys, carried)
        return TableRecord(
            partition_keys=partition_keys, partition_by=partition_by, contract_version=CONTRACT_VERSION
        )

    def _refuse_another(self, found: TableRecord, wanted: TableRecord) -> None:
        self._refuse_other_contract(found)
        if found != wanted:
            raise TableError(
                f"{self.uri}: found partition keys {_keys(found)}, expected {_keys(wanted)}; "
                "use the same --partition-by as before, or another table"
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

    def live_sizes(self) -> dict[str, int]:
        """The bytes of every file in the table, by name, as one listing shows them; folder markers are none."""
        listed = self.store.list(self.layout.table)
        return {file.name: file.num_bytes for file in listed if not file.name.endswith("/")}

    def sweep_scratch(self) -> None:
        """Delete what killed writers of a local store left half written."""
        for file in self.store.list(self.layout.scratch):
            if is_abandoned(file.name, now=datetime.now(UTC)):
                self.store.delete(file.name)

    def refuse_foreign_files(self) -> None:
        """Raises TableError if a file in the table is not one of ours: readers would take it for annotations."""
        foreign = [name for name in self.live_sizes() if fence_of(name) is None]
        if foreign:
            raise TableError(
                f"{self.uri}: found {len(foreign)} files that reviewmine did not write, such as {foreign[0]}; "
                "move them away, or choose another table"
            )

    def _refuse_other_contract(self, found: TableRecord) -> None:
        if found.contract_version != CONTRACT_VERSION:
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

        Both conditions are tried, for Swift heeds the one and answers 501 to the other.
        """
        if self.location.scheme == "file" or not self.store.compare_and_swap:
            return
        self.store.put(self.layout.probe, b"stands")
        try:
            are_heeded = [self._is_refused(etag) for etag in (None, _NO_ETAG)]
        finally:
            self.store.delete(self.layout.probe)
        if not all(are_heeded):
            self.store.deny_compare_and_swap()
            _log.warning(
                "%s: conditional puts are not heeded here: only one writer at a time is safe", self.uri
            )

    def _is_refused(self, etag: str | None) -> bool:
        """Whether the probe is not replaced under a condition that does not hold."""
        try:
            self.store.put_if(self.layout.probe, b"replaced", etag)
        except PreconditionFailed:
            return True
        return False

    def _make(self, wanted: TableRecord) -> TableRecord:
        if self.live_sizes():
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


def _keys(record: TableRecord) -> str:
    return "/".join(record.partition_keys) or "none"
