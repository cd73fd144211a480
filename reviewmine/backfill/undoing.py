"""Undoing: a range of partitions rolled back, each by itself, with what the next run would make of it."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reviewmine.backfill.result import CARRIED_COLUMNS, Result
from reviewmine.errors import PublishError, StoreError, TableError, UsageError
from reviewmine.partition import Partition, PartitionRange
from reviewmine.store.lease import Patience
from reviewmine.store.manifest import Manifest, history, live_manifest, published_partitions
from reviewmine.store.parallel import in_parallel
from reviewmine.store.rollback import Rollback, find_generation, roll_back
from reviewmine.store.table import Table

_log = logging.getLogger(__name__)
ALL = "all"
_SCHEMA_INGREDIENTS = ("contract version", CARRIED_COLUMNS)


@dataclass(frozen=True, kw_only=True)
class Undone:
    """How the rollback of one partition ended: what it did, or why it did not."""

    partition: Partition
    rollback: Rollback | None = None
    failure: str = ""

    @property
    def differences(self) -> tuple[str, ...]:
        """In what the generation that was live differs from the restored one: what makes the latter stale again."""
        if self.rollback is None:
            return ()
        before, restored = self.rollback.before, self.rollback.restored
        changed = Result(before.ingredients).changed_since(restored.ingredients)
        return (*(["archive"] if before.input_fingerprint != restored.input_fingerprint else []), *changed)


def chosen_partitions(table: Table, written: str) -> list[Partition]:
    """The published partitions that `written` means: a range as --partitions takes it, or ALL.

    Raises UsageError where it means none.
    """
    published = list(published_partitions(table.store, table.layout))
    only = None if written == ALL else PartitionRange.parse(written)
    chosen = [partition for partition in published if only is None or only.covers(partition)]
    if not chosen:
        told = f"{published[0]} to {published[-1]}" if published else "none"
        raise UsageError(
            f"--partitions {written}: covers no partition of {table.uri}; found {told}; {ALL!r} means every one"
        )
    return chosen


def undo(
    table: Table, partitions: Sequence[Partition], run_id: str, *, to: str, patience: Patience
) -> list[Undone]:
    """Roll each of `partitions` back to `to`; one that cannot be leaves the others be.

    Raises TableError, before anything is done, where the table would come out with two schemas.
    """
    published = list(published_partitions(table.store, table.layout))
    if table.live.has_one_schema:
        _refuse_two_schemas(table, partitions, published, to)
    undone = []
    for partition in partitions:
        try:
            if table.live.tells_by_value:
                _refuse_other_spellings(table, partition, published)
            done = roll_back(
                table.store, table.layout, table.live, partition, run_id, to=to, patience=patience
            )
            undone.append(Undone(partition=partition, rollback=done))
        except (PublishError, StoreError, TableError) as error:
            undone.append(Undone(partition=partition, failure=str(error)))
    return undone


def _refuse_two_schemas(
    table: Table, partitions: Sequence[Partition], published: Sequence[Partition], to: str
) -> None:
    """A rollback of some partitions must not bring back columns that none has now; what clashes already may stay.

    Partitions whose live manifest cannot be read are passed over.
    """
    found = zip(published, in_parallel(lambda partition: _live(table, partition), published), strict=True)
    before = {partition: live for partition, live in found if live}
    wanted = in_parallel(lambda p: _wanted(table, p, before[p], to), [p for p in before if p in partitions])
    after = before | dict(zip((p for p in before if p in partitions), wanted, strict=True))
    schemas = _schemas(after)
    if len(schemas) > 1 and not schemas.keys() <= _schemas(before).keys():
        (first, one), (second, other) = list(schemas.items())[:2]
        raise TableError(
            f"{table.uri}: after this rollback {one} would have contract version {first[0]} and carry "
            f"{first[1] or 'no columns'}, {other} {second[0]} and {second[1] or 'no columns'}; a table has one schema: "
            f"roll all of them back, --partitions {ALL}, or to a generation of the same columns"
        )


def _refuse_other_spellings(table: Table, partition: Partition, published: Sequence[Partition]) -> None:
    """Rows brought back must not take the place of those of a partition that is the same value to readers."""
    for other in published:
        if other.values == partition.values and other != partition:
            live = live_manifest(table.store, table.layout, other)
            if live and live.parts:
                raise TableError(
                    f"{table.uri}: partition {partition}: found {other} beside it, which is the same value to readers "
                    "of this table; expected it to be empty: prune it first"
                )


def _live(table: Table, partition: Partition) -> Manifest | None:
    """What is live in a partition, or None also where that cannot be read, which is warned of."""
    try:
        return live_manifest(table.store, table.layout, partition)
    except TableError as damaged:
        _log.warning("partition %s: %s; meanwhile it is passed over", partition, damaged)
        return None


def _schemas(manifests: Mapping[Partition, Manifest]) -> dict[tuple[str, ...], Partition]:
    """What decides the schema of each partition that has rows, and the first that has it."""
    found: dict[tuple[str, ...], Partition] = {}
    for partition, manifest in manifests.items():
        if manifest.parts:
            found.setdefault(tuple(manifest.ingredients.get(n, "") for n in _SCHEMA_INGREDIENTS), partition)
    return found


def _wanted(table: Table, partition: Partition, live: Manifest, to: str) -> Manifest:
    """What a partition would hold; the live generation where there is no way back, which is told later."""
    try:
        return find_generation(list(history(table.store, table.layout, partition, live)), to)
    except TableError:
        return live
