"""Tables: where annotations are published, and the record that says what kind of table it is."""

from typing import Literal

from reviewmine.contract.annotations import CONTRACT_VERSION
from reviewmine.errors import PreconditionFailed, StoreError, TableError
from reviewmine.partition import DERIVED_KEYS, PartitionBy
from reviewmine.store.filesystem import Location, open_store
from reviewmine.store.layout import Layout, fence_of
from reviewmine.store.record import Record


class TableRecord(Record):
    """`table.json`: put once, when the table is made. `partition_by` is set where the keys are derived from dates."""

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
        return TableRecord.decode(stored.body, where=self.layout.table_record) if stored else None

    def make_or_match(self, partition_keys: tuple[str, ...], partition_by: PartitionBy | None) -> None:
        """Make the table, or raise TableError if the one that stands is of another kind or holds foreign files."""
        if partition_by:
            partition_keys = (DERIVED_KEYS[partition_by],)
        wanted = TableRecord(
            partition_keys=partition_keys, partition_by=partition_by, contract_version=CONTRACT_VERSION
        )
        found = self.record() or self._make(wanted)
        if found.contract_version != CONTRACT_VERSION:
            raise TableError(
                f"{self.uri}: found contract version {found.contract_version}, expected {CONTRACT_VERSION}; "
                "use the reviewmine that wrote it, or another table"
            )
        if found != wanted:
            raise TableError(
                f"{self.uri}: found partition keys {_keys(found)}, expected {_keys(wanted)}; "
                "use the same --partition-by as before, or another table"
            )
        self.refuse_foreign_files()

    def live_sizes(self) -> dict[str, int]:
        """The bytes of every file in the table, by name, as one listing shows them."""
        return {file.name: file.num_bytes for file in self.store.list(self.layout.table)}

    def refuse_foreign_files(self) -> None:
        """Raises TableError if a file in the table is not one of ours: readers would take it for annotations."""
        foreign = [name for name in self.live_sizes() if fence_of(name) is None and not name.endswith("/")]
        if foreign:
            raise TableError(
                f"{self.uri}: found {len(foreign)} files that reviewmine did not write, such as {foreign[0]}; "
                "move them away, or choose another table"
            )

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
