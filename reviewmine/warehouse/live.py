"""Live rows by the table's pointers: one generation of each partition and never a mix, whatever is published meanwhile.

A manifest names its rows twice. Its live copies are what any engine reads, until the next publish replaces them; its
parts hold the same bytes and stay until they are collected as garbage, so rows are read from them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from reviewmine.errors import TableError
from reviewmine.partition import NULL_VALUE, Partition, PartitionRange
from reviewmine.store.manifest import Manifest, live_manifests
from reviewmine.store.table import Table


@dataclass(frozen=True)
class LivePartition:
    """The generation of a partition that was live when its pointer was read."""

    table: Table
    partition: Partition
    manifest: Manifest

    @property
    def live_files(self) -> list[str]:
        """The paths or URIs of the live copies, with the partition's keys in them."""
        return [self._uri(name) for name in self.manifest.live_files]

    @property
    def part_files(self) -> list[str]:
        """The paths or URIs of the parts, in the same order, without the keys in them."""
        return [self._uri(part.name) for part in self.manifest.parts]

    def opened(self, part: str) -> pq.ParquetFile:
        """Raises TableError if the part is gone: erased or collected since the pointer was read."""
        try:
            return pq.ParquetFile(self.table.store.open(part))
        except FileNotFoundError:
            raise TableError(
                f"{self._uri(part)}: is gone, though generation {self.manifest.generation} of partition "
                f"{self.partition} names it; if rows were erased meanwhile, read again"
            ) from None
        except (OSError, pa.ArrowException) as broken:
            raise TableError(
                f"{self._uri(part)}: cannot be read as Parquet: {broken}; delete its receipt and annotate again"
            ) from broken

    def schema(self) -> pa.Schema | None:
        """The columns of `batches`, by one footer, for the parts of a generation are alike; None where it has none."""
        if not self.manifest.parts:
            return None
        with self.opened(self.manifest.parts[0].name) as file:
            return self._with_keys(file.schema_arrow.empty_table()).schema

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """The rows, a row group at a time, the partition's keys behind them as strings; undated rows have null."""
        for part in self.manifest.parts:
            with self.opened(part.name) as file:
                for group in range(file.num_row_groups):
                    rows = file.read_row_group(group, columns=columns, use_threads=False)
                    yield self._with_keys(rows)

    def _with_keys(self, rows: pa.Table) -> pa.Table:
        """Parts of an Iceberg table have them already."""
        for key, value in zip(self.partition.keys, self.partition.values, strict=True):
            if key in rows.column_names:
                continue
            keyed = pa.repeat(pa.scalar(None if value == NULL_VALUE else value, pa.string()), rows.num_rows)
            rows = rows.append_column(pa.field(key, pa.string()), keyed)
        return rows

    def _uri(self, name: str) -> str:
        return f"{self.table.location.parent.uri}/{name}"


def live_partitions(table: Table, only: PartitionRange | None = None) -> list[LivePartition]:
    """The live generation of every partition in range that has one, in order.

    Raises TableError where there is no table or one of another contract version, and for a manifest that cannot be
    read: rows must not go missing without a word.
    """
    table.require()
    found = live_manifests(table.store, table.layout, lambda partition: not only or only.covers(partition))
    return [LivePartition(table, partition, manifest) for partition, manifest in sorted(found.items())]
