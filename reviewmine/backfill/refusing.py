"""Refusing: what stands against a range, a partition or a whole plan, whatever the files hold."""

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping

from reviewmine.backfill.result import CARRIED_COLUMNS
from reviewmine.backfill.standing import PlannedPartition
from reviewmine.errors import TableError, UsageError
from reviewmine.partition import NULL_VALUE, Partition, PartitionRange, comparable
from reviewmine.store.manifest import Manifest
from reviewmine.store.table import Table

_log = logging.getLogger(__name__)


def require_covered(
    only: PartitionRange, known: Collection[Partition], *, where: str, may_be_more: bool
) -> None:
    """A range that covers none of the `known` partitions is told; UsageError where it never can."""
    if any(only.covers(partition) for partition in known):
        return
    dated = sorted((p for p in known if NULL_VALUE not in p.values), key=comparable)
    found = f"{dated[0]} to {dated[-1]}" if dated else "undated rows alone" if known else "none"
    nothing = f"--partitions {only}: covers no partition of {where}"
    if not may_be_more and not only.may_come(known):
        raise UsageError(
            f"{nothing}; found {found}; expected a range that takes some of these, or dates that may still come; check "
            "its spelling"
        )
    _log.warning("%s yet; found %s; nothing is done", nothing, found)


def refuse_names(
    table: Table,
    drafts: Iterable[PlannedPartition],
    touched: Collection[Partition],
    live: Mapping[Partition, Manifest],
) -> dict[Partition, TableError]:
    """Those of the due partitions whose name the table's format has no room for, alone or beside another's."""
    published = {partition for partition, manifest in live.items() if manifest.parts}
    by_values: dict[tuple[str, ...], set[Partition]] = defaultdict(set)
    if table.live.tells_by_value:
        for partition in published.union(touched):
            by_values[partition.values].add(partition)
    refused = {}
    for draft in drafts:
        if not draft.is_due:
            continue
        alike = by_values.get(draft.partition.values, set()) - {draft.partition}
        if draft.state == "pruned":  # it takes the rows of others along, which the archive brings again
            alike &= published - frozenset(touched)
        if alike:
            refused[draft.partition] = TableError(
                f"{table.uri}: partition {draft.partition}: found {min(alike)} beside it, which is the same value to "
                "readers of this table; expected one folder for a value: move the files of both into one, and empty "
                "with --prune what is gone"
            )
        elif refusal := table.live.misnamed(draft.partition):
            refused[draft.partition] = TableError(refusal)
    return refused


def refuse_two_schemas(
    table: Table,
    live: Mapping[Partition, Manifest],
    due: Collection[Partition],
    *,
    carried: str,
    left_because: Callable[[Partition], str],
) -> None:
    """Raises TableError where a run would carry other columns than the rows have that it leaves as they are."""
    if not table.live.has_one_schema:
        return
    clashing = {
        partition: manifest.ingredients.get(CARRIED_COLUMNS, "")
        for partition, manifest in sorted(live.items())
        if partition not in due
        and manifest.parts
        and manifest.ingredients.get(CARRIED_COLUMNS, "") != carried
    }
    if clashing:
        told = [left_because(partition) for partition in clashing]
        more = [*told[1:3], *([f"{len(told) - 3:,} more"] if len(told) > 3 else [])]
        beside = f" (beside {'; '.join(more)})" if more else ""
        found = next(iter(clashing.values())) or "no columns"
        raise TableError(
            f"{table.uri}: {told[0]}, carries {found}{beside}; this run would carry {carried or 'none'}, and a table "
            "has one schema: --carry the same columns of the same types, or leave nothing out (--partitions, "
            "--limit-partitions, --settled-after), mend or take away files that cannot be used, and empty with --prune "
            "what is gone"
        )
