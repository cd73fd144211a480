"""Plan: what the table holds against what it should hold, partition by partition, before anything is read or put.

Only listings, footers, pointers and manifests are looked at; for partitions derived from dates also the date
column.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from reviewmine.backfill.inputs import Inputs, Reject
from reviewmine.backfill.refusing import refuse_names, refuse_two_schemas, require_covered
from reviewmine.backfill.result import CARRIED_COLUMNS, Result
from reviewmine.backfill.selection import Selection
from reviewmine.backfill.standing import PlannedPartition, Standing, State
from reviewmine.contract.reviews import ReviewColumns
from reviewmine.errors import ContractError, ReviewmineError, TableError, UsageError
from reviewmine.partition import Partition, PartitionBy, PartitionRange
from reviewmine.store.archive import Archive
from reviewmine.store.filesystem import Listed
from reviewmine.store.footers import FooterCache
from reviewmine.store.manifest import Manifest
from reviewmine.store.table import Table

__all__ = ["Plan", "PlannedPartition", "Planner", "Reject", "State"]

_Wanted = Mapping[Partition, Sequence[Listed]]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Every partition in range, in order, the files that could not be looked into, and all that is live.

    A partition that such files belong to, now or when it was last published, is left out of `partitions` and named with
    them in `blocked`: it would be published short of rows. One with a file that breaks the contract, with a name that
    the table's format has no room for, or of which the table does not say what is live, is left out as well, and named
    with the reason in `failed`.
    """

    result: Result
    partitions: tuple[PlannedPartition, ...]
    rejects: tuple[Reject, ...] = ()
    blocked: Mapping[Partition, tuple[Reject, ...]] = field(default_factory=dict)
    live: Mapping[Partition, Manifest] = field(default_factory=dict)
    """The live generation of every partition, those out of range too."""
    failed: Mapping[Partition, str] = field(default_factory=dict)
    out_of_range: frozenset[Partition] = frozenset()
    """Those of `failed` that the range does not cover."""

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
        selection: Selection | None = None,
        cache: FooterCache | None = None,
    ) -> None:
        """Raises UsageError if archive and table overlap, or a range is asked of what has no partitions."""
        table.refuse_overlap(archive.location)
        self._table = table
        self._archive_uri = archive.location.uri
        self._partition_by = partition_by
        self._only = only
        self._selection = selection or Selection()
        self._inputs = Inputs(archive, columns, partition_by, cache)
        if only and not partition_by and not self.partition_keys:
            raise UsageError(
                f"--partitions: {self._archive_uri} has no partition keys in its folders; take the range away, or "
                "derive keys with --partition-by day|month"
            )

    @property
    def partition_keys(self) -> tuple[str, ...]:
        """The archive's own partition keys; none where the archive is flat or the keys are derived."""
        return self._inputs.partition_keys

    def schemas(self) -> list[pa.Schema]:
        """The schema of every readable file, for what must be agreed over the whole archive."""
        return self._inputs.schemas()

    def body_bytes(self, path: str) -> int:
        """The bytes of the bodies of a file that is to be annotated, as its footer tells them."""
        return self._inputs.body_bytes(path)

    def plan(self, result: Result, *, damaged: Mapping[Partition, TableError] | None = None) -> Plan:
        """An unreadable file becomes a reject; one that lacks a required column costs its partitions alone.

        So does a damaged record of the table. `damaged` are the partitions that could not be recovered: readers may
        see a publish in them that is half done, so they are told as failed wherever they are.
        Raises what is wrong with the first where none that is due can be published, TableError where the run would
        give the table partitions of two schemas, and UsageError for a range that covers nothing and never will.
        """
        standing = Standing(self._table)
        touched, unsure = self._touched(standing)
        wanted = {partition: files for partition, files in touched.items() if self._covers(partition)}
        damaged = damaged or {}
        unreadable = {**standing.unreadable, **damaged}
        if self._only:
            known = {*touched, *standing.live, *unreadable}
            where = f"{self._archive_uri} or {self._table.uri}"
            require_covered(self._only, known, where=where, may_be_more=bool(unsure))
        drafts = {
            partition: standing.compare(partition, files, result) for partition, files in wanted.items()
        }
        left_behind = self._left_behind(standing, touched, may_prune=not unsure)
        drafts |= {draft.partition: draft for draft in left_behind}
        drafts = {partition: draft for partition, draft in drafts.items() if partition not in unreadable}
        ordered = [drafts[partition] for partition in self._selection.in_order(list(drafts))]
        settled = [self._if_settled(draft, wanted) for draft in ordered]
        misnamed = refuse_names(self._table, settled, touched, standing.live)
        plan = self._filled_in(settled, wanted, unsure, result, misnamed)
        failed = {p: str(error) for p, error in unreadable.items() if p in damaged or self._covers(p)}
        out_of_range = frozenset(p for p in failed if not self._covers(p))
        plan = replace(plan, live=standing.live, failed={**failed, **plan.failed}, out_of_range=out_of_range)
        if any(planned.fragments for planned in plan.due()):
            refuse_two_schemas(
                self._table,
                plan.live,
                {planned.partition for planned in plan.due()},
                carried=result.ingredients[CARRIED_COLUMNS],
                left_because=lambda partition: _left_because(partition, plan, touched),
            )
        return plan

    def _touched(self, standing: Standing) -> tuple[dict[Partition, list[Listed]], list[Reject]]:
        """The files of every partition, and those of which that cannot be told.

        Where the listing shows some files of a live partition, those that it lacks are looked for, and what is found
        may touch others. A partition of which it shows none keeps its rows, or is looked at before it is pruned.
        """
        touched, unsure = self._inputs.by_partition()
        while self._inputs.look_for(self._made_from(standing, touched)):
            touched, unsure = self._inputs.by_partition()
        return touched, unsure

    def _made_from(self, standing: Standing, touched: _Wanted) -> Iterator[str]:
        """The files that live partitions in range were made from, of those that the listing shows a file of."""
        names = {file.name for file in self._inputs.files}
        for partition, live in standing.live.items():
            paths = [file.path for file in live.inputs]
            if self._covers(partition) and (partition in touched or not names.isdisjoint(paths)):
                yield from paths

    def _filled_in(
        self,
        drafts: list[PlannedPartition],
        wanted: _Wanted,
        unsure: list[Reject],
        result: Result,
        misnamed: Mapping[Partition, TableError],
    ) -> Plan:
        """The plan of `drafts`, in their order; the files of those that are due and within the limit are looked into.

        What turns out to be unreadable does not count towards the limit, or it would stand in the way for ever.
        """
        rejects = {reject.path: reject for reject in unsure}
        planned, blocked = {}, {}
        failed: dict[Partition, ReviewmineError] = dict(misnamed)
        waiting = [draft for draft in drafts if draft.is_due and draft.partition not in failed]
        room = len(waiting) if self._selection.max_partitions is None else self._selection.max_partitions
        while waiting and room:
            taken, waiting = waiting[:room], waiting[room:]
            files = [file for draft in taken for file in wanted.get(draft.partition, ())]
            looked_into = zip(files, self._inputs.look_into(files), strict=True)
            rejects |= {file.name: footer for file, footer in looked_into if isinstance(footer, Reject)}
            for draft in taken:
                inputs = wanted.get(draft.partition, ())
                if unreadable := sorted(rejects.keys() & _paths(draft.live, inputs)):
                    blocked[draft.partition] = tuple(rejects[path] for path in unreadable)
                    continue
                try:
                    planned[draft.partition] = self._filled(draft, inputs)
                    room -= 1
                except ContractError as broken:
                    failed[draft.partition] = broken
        if failed and not planned:
            raise next(iter(failed.values()))
        limit = f"over the limit of {self._selection.max_partitions} partitions"
        later = {draft.partition: draft.left("later", limit) for draft in waiting}
        left_out = {*blocked, *failed}
        chosen = planned | later
        return Plan(
            result=result,
            partitions=tuple(chosen.get(d.partition, d) for d in drafts if d.partition not in left_out),
            rejects=tuple(rejects.values()),
            blocked=blocked,
            failed={partition: str(broken) for partition, broken in failed.items()},
        )

    def _if_settled(self, draft: PlannedPartition, wanted: _Wanted) -> PlannedPartition:
        why = self._selection.unsettled(wanted.get(draft.partition, ())) if draft.is_due else None
        return draft.left("unsettled", why) if why else draft

    def _covers(self, partition: Partition) -> bool:
        return self._only is None or self._only.covers(partition)

    def _left_behind(
        self, standing: Standing, touched: _Wanted, *, may_prune: bool
    ) -> list[PlannedPartition]:
        """The live partitions that no file touches any more.

        Where the keys are derived and a file is still there, its rows have moved to other dates: the partition is
        stale, and nothing. Otherwise its source is gone, and it may be pruned: never while there are files of which
        nobody can tell what they touch (`may_prune`). The reason of one that is gone says why its rows stay.
        """
        names = {file.name for file in self._inputs.files}
        left = []
        for partition, live in standing.live.items():
            if partition in touched or not live.parts or not self._covers(partition):
                continue
            has_moved = self._partition_by is not None and any(file.path in names for file in live.inputs)
            state: State
            if has_moved:
                state, reason = "stale", "archive changed"
            elif kept := self._kept_because(live, may_prune=may_prune):
                state, reason = "gone", kept
            else:
                state, reason = "pruned", "gone from the archive"
            left.append(
                PlannedPartition(
                    partition=partition, state=state, reasons=(reason,), live=live, num_rows=live.num_rows
                )
            )
        return left

    def _kept_because(self, live: Manifest, *, may_prune: bool) -> str | None:
        """Why the rows of a partition that no file touches stay in the table; None if they are to go."""
        if not self._selection.prune:
            return "--prune is not given"
        if not may_prune:
            return "a file that may hold some of them cannot be read: mend it, or take it away"
        if not self._inputs.are_gone(live.inputs):
            return "the store still has a file of theirs that its listing lacks: run again"
        return None

    def _filled(self, draft: PlannedPartition, files: Sequence[Listed]) -> PlannedPartition:
        cuts = [self._inputs.cut(file) for file in files]
        rows_of_inputs = tuple(self._inputs.num_rows(draft.partition, whole) for whole, _ in cuts)
        return replace(
            draft,
            num_rows=sum(rows_of_inputs),
            inputs=tuple(whole for whole, _ in cuts),
            rows_of_inputs=rows_of_inputs,
            fragments=tuple(fragment for _, fragments in cuts for fragment in fragments),
        )


def _paths(live: Manifest | None, files: Sequence[Listed]) -> set[str]:
    """The files that a partition was made from and is to be made from."""
    before = {file.path for file in live.inputs} if live else set()
    return before | {file.name for file in files}


def _left_because(partition: Partition, plan: Plan, touched: _Wanted) -> str:
    """Why a run leaves a live partition as it is, in words."""
    if partition in plan.blocked:
        return f"{partition}, of which a file cannot be read"
    if partition in plan.failed:
        return f"{partition}, which cannot be published ({plan.failed[partition]})"
    return f"{partition}, which is {'left out' if partition in touched else 'gone from the archive'}"
