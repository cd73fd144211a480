"""Polarity per partition of a published table, counted file by file, so that a large table fits."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from reviewmine.labels import ANNOTATED_STATUSES, POLARITIES, Polarity
from reviewmine.partition import NULL_VALUE, Partition
from reviewmine.store.table import Table

UNDATED: Final = "undated"


@dataclass(frozen=True, kw_only=True)
class PartitionPolarity:
    """One partition: its rows, and of the annotated ones how many of each polarity and their mean intensity."""

    label: str
    num_rows: int
    num_by_polarity: dict[Polarity, int]
    mean_intensity: float
    """Null intensities and rows without annotation are left out; 0 where nothing is annotated."""

    @property
    def num_annotated(self) -> int:
        return sum(self.num_by_polarity.values())

    def share(self, polarity: Polarity) -> float:
        """The share of a polarity among the annotated rows, in [0, 1]; 0 where nothing is annotated."""
        return self.num_by_polarity[polarity] / self.num_annotated if self.num_annotated else 0.0


def live_files(table: str) -> list[tuple[Partition, str]]:
    """Every file that readers of a table see, by its name in the table's store, with the partition that it spells."""
    seen = Table(table)
    root = f"{seen.layout.table}/"
    return [(Partition.of_file(name.removeprefix(root)), name) for name in sorted(seen.live.sizes())]


def live_rows(table: str, columns: Sequence[str]) -> Iterator[tuple[Partition, pa.Table]]:
    """The rows of one live file after the other, with their partition."""
    store = Table(table).store
    for partition, name in live_files(table):
        with store.open(name) as file:
            yield partition, pq.read_table(file, columns=list(columns))


def partition_keys(table: str) -> tuple[str, ...]:
    """The keys of the partitions of a table, outermost first; none for a flat or an empty one."""
    return next((partition.keys for partition, _ in live_files(table)), ())


def polarity_by_partition(table: str) -> list[PartitionPolarity]:
    """Every partition of a table in the order of its values, undated rows last; a flat table by day of review (UTC).

    Args:
        table: its root, a local path or an `s3://` URI.
    """
    rows: defaultdict[str, int] = defaultdict(int)
    counts: defaultdict[str, np.ndarray] = defaultdict(lambda: np.zeros(len(POLARITIES), np.int64))
    intensities: defaultdict[str, float] = defaultdict(float)
    for partition, read in live_rows(table, ["polarity", "intensity", "status", "reviewed_at"]):
        for label, part in _by_label(partition, read):
            rows[label] += part.num_rows
            annotated = part.filter(pc.is_in(part["status"], pa.array(sorted(ANNOTATED_STATUSES))))
            counts[label] += [_count(annotated["polarity"], polarity) for polarity in POLARITIES]
            intensities[label] += pc.sum(annotated["intensity"]).as_py() or 0.0
    return [
        PartitionPolarity(
            label=label,
            num_rows=rows[label],
            num_by_polarity=dict(zip(POLARITIES, counts[label].tolist(), strict=True)),
            mean_intensity=intensities[label] / max(1, int(counts[label].sum())),
        )
        for label in sorted(rows, key=lambda label: (label == UNDATED, label))
    ]


def _by_label(partition: Partition, table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    if partition.values:
        undated = NULL_VALUE in partition.values
        yield UNDATED if undated else "-".join(partition.values), table
        return
    days = pc.fill_null(pc.strftime(table["reviewed_at"], format="%Y-%m-%d"), UNDATED)
    for day in pc.unique(days):
        yield day.as_py(), table.filter(pc.equal(days, day))


def _count(column: pa.ChunkedArray, value: str) -> int:
    return int(pc.sum(pc.equal(column, value)).as_py() or 0)
