"""Recovering: what dead runs left half published is finished or undone, before anything else is done to a table."""

import logging
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass

from reviewmine.backfill.stopping import StopSignal
from reviewmine.errors import LeaseHeld, LeaseLost, TableError
from reviewmine.partition import Partition
from reviewmine.store.journal import partitions_with_journals
from reviewmine.store.lease import Patience
from reviewmine.store.publish import Publisher
from reviewmine.store.table import Table
from reviewmine.store.watching import silent_leases

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Recovered:
    """The partitions that were recovered, and those that a damaged record keeps from it, as they stand."""

    partitions: tuple[Partition, ...]
    damaged: Mapping[Partition, TableError]

    def check(self, partitions: Collection[Partition] | None = None) -> None:
        """Raises the first TableError, of `partitions` alone if given: for whoever must not go on beside that."""
        for partition, damage in self.damaged.items():
            if partitions is None or partition in partitions:
                raise damage


def recover_dead_publishes(
    table: Table, run_id: str, patience: Patience | None = None, stop: StopSignal | None = None
) -> Recovered:
    """Finish or undo every publish that a dead run left half done; those of live runs are left to them.

    Raises Stopped where the signal comes while it waits to see who lives, or between two partitions.
    """
    patience, stop = patience or Patience(), stop or StopSignal()
    table.sweep_scratch()
    publisher = Publisher(table.store, table.layout, table.live, run_id, patience)
    with stop.interrupting():
        journalled = partitions_with_journals(table.store, table.layout)
        silent = silent_leases(table.store, table.layout, journalled, patience)
    recovered: list[Partition] = []
    damaged: dict[Partition, TableError] = {}
    for partition, etag in silent.items():
        stop.check()
        try:
            with suppress(LeaseHeld, LeaseLost):
                publisher.recover(partition, etag)
                recovered.append(partition)
        except TableError as damage:
            _log.warning("partition %s: %s; meanwhile what a dead run left in it stands", partition, damage)
            damaged[partition] = damage
    return Recovered(partitions=tuple(recovered), damaged=damaged)
