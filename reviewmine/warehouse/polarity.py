"""Polarity per partition of a published table, counted file by file, so that a large table fits."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyarrow.fs import FileSystem

from reviewmine.labels import ANNOTATED_STATUSES, POLARITIES, Polarity
from reviewmine.partition import NULL_VALUE, Partition

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


def live_files(table: str, filesystem: FileSystem | None = None) -> Iterator[tuple[Partition, ds.Fragment]]:
    """Each live Parquet file of a table under `table`, with the partition that its path spells."""
    dataset = ds.dataset(table, format="parquet", filesystem=filesystem)
    root = table.rstrip("/")
    for fragment in sorted(dataset.get_fragments(), key=lambda fragment: fragment.path):
        yield Partition.of_path(fragment.path.removeprefix(root)), fragment


def partition_keys(table: str, filesystem: FileSystem | None = None) -> tuple[str, ...]:
    """The keys of the partitions of a table, outermost first; none for a flat or an empty one."""
    return next((partition.keys for partition, _ in live_files(table, filesystem)), ())


def polarity_by_partition(table: str, filesystem: FileSystem | None = None) -> list[PartitionPolarity]:
    """Every partition of a table in the order of its values, undated rows last; a flat table by day of review (UTC).

    Args:
        table: the root, a local path or, with `filesystem`, a path in it.
    """
    rows: defaultdict[str, int] = defaultdict(int)
    counts: defaultdict[str, np.ndarray] = defaultdict(lambda: np.zeros(len(POLARITIES), np.int64))
    intensities: defaultdict[str, float] = defaultdict(float)
    for partition, file in live_files(table, filesystem):
        read = file.to_table(columns=["polarity", "intensity", "status", "reviewed_at"])
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
