"""Plan: what the table holds against what it should hold, partition by partition, before anything is read or put.

Only listings, footers, pointers and manifests are looked at; for partitions derived from dates also the date
column.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from reviewmine.backfill.inputs import Inputs, Reject
from reviewmine.backfill.result import CARRIED_COLUMNS, Result
from reviewmine.backfill.standing import PlannedPartition, Standing, State
from reviewmine.contract.reviews import ReviewColumns
from reviewmine.errors import TableError, UsageError
from reviewmine.partition import Partition, PartitionBy, PartitionRange
from reviewmine.store.archive import Archive
from reviewmine.store.filesystem import Listed
from reviewmine.store.manifest import Manifest
from reviewmine.store.table import Table

__all__ = ["Plan", "PlannedPartition", "Planner", "Reject", "State"]

_Wanted = Mapping[Partition, Sequence[Listed]]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Every partition in range, in order, and the files that could not be looked into.

    A partition that such a file belongs to, now or when it was last published, is left out of `partitions` and named
    in `blocked`: it would be published short of rows.
    """

    result: Result
    partitions: tuple[PlannedPartition, ...]
    rejects: tuple[Reject, ...] = ()
    blocked: tuple[Partition, ...] = ()

    def due(self) -> tuple[PlannedPartition, ...]:
        return tuple(planned for planned in self.partitions if planned.is_due)

    def count(self, state: State) -> int:
        return sum(planned.state == state for planned in self.partitions)


class Planner:
    """Plans one archive into one table."""

    def __init__(
        self,
        archive: Archive,
        table: Table,
        *,
        columns: ReviewColumns,
        partition_by: PartitionBy | None = None,
        only: PartitionRange | None = None,
    ) -> None:
        """Raises UsageError if archive and table overlap, or a range is asked of what has no partitions."""
        table.refuse_overlap(archive.location)
        self._table = table
        self._partition_by = partition_by
        self._only = only
        self._inputs = Inputs(archive, columns, partition_by)
        if only and not partition_by and not self.partition_keys:
            raise UsageError(
                f"--partitions: {archive.location.uri} has no partition keys in its folders; take the range away, or "
                "derive keys with --partition-by day|month"
            )

    @property
    def partition_keys(self) -> tuple[str, ...]:
        """The archive's own partition keys; none where the archive is flat or the keys are derived."""
        return self._inputs.partition_keys

    def schemas(self) -> list[pa.Schema]:
        """The schema of every readable file, for what must be agreed over the whole archive."""
        return self._inputs.schemas()

    def plan(self, result: Result) -> Plan:
        """Raises ContractError for a file that lacks a required column; an unreadable file becomes a reject.

        Raises TableError where a range would give the table partitions of two schemas.
        """
        touched, unsure = self._inputs.by_partition()
        wanted = {partition: files for partition, files in touched.items() if self._covers(partition)}
        standing = Standing(self._table)
        self._refuse_two_schemas(standing, touched, result)
        drafts = [standing.compare(partition, files, result) for partition, files in sorted(wanted.items())]
        drafts += self._left_behind(standing, touched)
        due = [file for draft in drafts if draft.is_due for file in wanted.get(draft.partition, ())]
        looked_into = zip(due, self._inputs.look_into(due), strict=True)
        rejects = {file.name: footer for file, footer in looked_into if isinstance(footer, Reject)}
        rejects |= {reject.path: reject for reject in unsure}
        partitions, blocked = [], []
        for draft in sorted(drafts, key=lambda draft: draft.partition):
            files = wanted.get(draft.partition, ())
            if draft.is_due and any(path in rejects for path in _paths(draft.live, files)):
                blocked.append(draft.partition)
            else:
                partitions.append(self._filled(draft, files) if draft.is_due else draft)
        return Plan(
            result=result,
            partitions=tuple(partitions),
            rejects=tuple(rejects.values()),
            blocked=tuple(blocked),
        )

    def _covers(self, partition: Partition) -> bool:
        return self._only is None or self._only.covers(partition)

    def _refuse_two_schemas(self, standing: Standing, touched: _Wanted, result: Result) -> None:
        """A range must not carry other columns than the partitions beside it, which a run of all would bring along."""
        if not self._table.live.has_one_schema:
            return
        wanted = result.ingredients[CARRIED_COLUMNS]
        for partition, live in sorted(standing.live.items()):
            found = live.ingredients.get(CARRIED_COLUMNS, "")
            if live.parts and found != wanted and partition in touched and not self._covers(partition):
                raise TableError(
                    f"{self._table.uri}: {partition}, outside the range, carries {found or 'no columns'}; this run "
                    f"would carry {wanted or 'none'}, and a table has one schema: --carry the same columns of the same "
                    "types, or take --partitions away so that all are annotated again"
                )

    def _left_behind(self, standing: Standing, touched: _Wanted) -> list[PlannedPartition]:
        """The live partitions that no file touches any more.

        Where the keys are derived and a file is still there, its rows have moved to other dates: the partition is
        stale, and nothing. Otherwise its source is gone.
        """
        names = {file.name for file in self._inputs.files}
        left = []
        for partition, live in standing.live.items():
            if partition in touched or not live.parts or not self._covers(partition):
                continue
            has_moved = self._partition_by is not None and any(file.path in names for file in live.inputs)
            state: State = "stale" if has_moved else "gone"
            reasons = ("archive changed",) if has_moved else ()
            left.append(PlannedPartition(partition=partition, state=state, reasons=reasons, live=live))
        return left

    def _filled(self, draft: PlannedPartition, files: Sequence[Listed]) -> PlannedPartition:
        cuts = [self._inputs.cut(file) for file in files]
        return replace(
            draft,
            inputs=tuple(whole for whole, _ in cuts),
            fragments=tuple(fragment for _, fragments in cuts for fragment in fragments),
        )


def _paths(live: Manifest | None, files: Sequence[Listed]) -> set[str]:
    """The files that a partition was made from and is to be made from."""
    before = {file.path for file in live.inputs} if live else set()
    return before | {file.name for file in files}
