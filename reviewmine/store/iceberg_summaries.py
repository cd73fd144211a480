"""Snapshot summaries: what reviewmine writes into those of its commits, and what the history of a table tells by them.

A commit names the run, and for each partition the generation and the digest of its manifest; a snapshot that shuts
writers out names the partition and the fence. Histories are read as far back as snapshots have not expired.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.snapshots import Operation, Snapshot, ancestors_of

from reviewmine.partition import Partition
from reviewmine.store.manifest import Manifest

_RUN_ID: Final = "reviewmine.run-id"
_GENERATION: Final = "reviewmine.generation."
_MANIFEST: Final = "reviewmine.manifest-sha256."
_FENCE: Final = "reviewmine.fence."


def summary_of(staged: Sequence[Manifest]) -> dict[str, str]:
    """What the commit of `staged`, of one run, says of itself."""
    summary = {_RUN_ID: staged[0].run_id}
    for manifest in staged:
        name = Partition.of_path(manifest.partition).name
        summary[f"{_GENERATION}{name}"] = manifest.generation
        summary[f"{_MANIFEST}{name}"] = hashlib.sha256(manifest.encode()).hexdigest()
    return summary


def fence_summary(partition: Partition, fence: int) -> dict[str, str]:
    """What a snapshot says that shuts out all writers of `partition` below `fence`."""
    return {f"{_FENCE}{partition.name}": str(fence)}


def committed(table: IcebergTable, partition: Partition, generation: str) -> bool:
    """Whether a snapshot that led to the current one is the commit of `generation`."""
    name = f"{_GENERATION}{partition.name}"
    return any(_told_by(snapshot).get(name) == generation for snapshot in _history(table))


def fence_seen(table: IcebergTable, partition: Partition) -> int:
    """The highest fence that a snapshot names for a partition, be it by shutting out or by a commit; 0 for none."""
    fences = [0]
    for snapshot in _history(table):
        told = _told_by(snapshot)
        fences.append(int(told.get(f"{_FENCE}{partition.name}", "0")))
        fences.append(int(told.get(f"{_GENERATION}{partition.name}", "-0").rpartition("-")[2]))
    return max(fences)


def foreign_rows(table: IcebergTable) -> bool:
    """Whether a snapshot of another writer added rows; those that wrote rows anew, to compact them, did not."""
    return any(_adds_foreign_rows(snapshot) for snapshot in _history(table))


def _adds_foreign_rows(snapshot: Snapshot) -> bool:
    told = _told_by(snapshot)
    is_ours = any(name.startswith((_GENERATION, _FENCE)) for name in told)
    is_compaction = snapshot.summary is not None and snapshot.summary.operation == Operation.REPLACE
    return not is_ours and not is_compaction and int(told.get("added-data-files", "0")) > 0


def _history(table: IcebergTable) -> Iterator[Snapshot]:
    """The snapshots that led to the current one, newest first."""
    yield from ancestors_of(table.current_snapshot(), table.metadata)


def _told_by(snapshot: Snapshot) -> dict[str, str]:
    return snapshot.summary.additional_properties if snapshot.summary else {}
