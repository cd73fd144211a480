"""Watching: which leases of many partitions nobody alive holds, told in the time that it takes to tell it of one."""

import logging
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass

from reviewmine.errors import TableError
from reviewmine.partition import Partition
from reviewmine.store.filesystem import Store
from reviewmine.store.layout import Layout
from reviewmine.store.lease import LeaseRecord, Patience
from reviewmine.store.parallel import in_parallel

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Seen:
    """A lease as one look shows it; it has no holder where it is free, no etag where there is none."""

    etag: str | None
    holder: LeaseRecord | None


def silent_leases(
    store: Store, layout: Layout, partitions: Sequence[Partition], patience: Patience
) -> dict[Partition, str | None]:
    """Those of `partitions` that nobody holds, or a dead holder, with the etag of each lease; None where there is none.

    A holder is dead when its heartbeat has not moved for the TTL. All are watched at once, and where none is held
    nothing is waited for. Of a damaged lease nobody can tell: whoever takes it is told.
    """

    def look(partition: Partition) -> _Seen:
        name = layout.lease(partition)
        stored = store.get(name)
        record = None
        if stored:
            with suppress(TableError):
                record = LeaseRecord.decode(stored.body, where=f"{store.root}/{name}")
        return _Seen(stored.etag if stored else None, record if record and record.holder else None)

    seen = dict(zip(partitions, in_parallel(look, partitions), strict=True))
    silent = {partition: one.etag for partition, one in seen.items() if one.holder is None}
    watched = {partition: one.etag for partition, one in seen.items() if one.holder}
    since = patience.now()
    if watched:
        _tell(watched, [one.holder for one in seen.values() if one.holder], patience)
    while watched and patience.now() - since < patience.ttl_s:
        patience.sleep(max(patience.poll_s, patience.ttl_s / 4))
        again = dict(zip(watched, in_parallel(look, list(watched)), strict=True))
        silent |= {partition: one.etag for partition, one in again.items() if one.holder is None}
        watched = {
            partition: one.etag
            for partition, one in again.items()
            if one.holder and one.etag == watched[partition]
        }
    return silent | watched


def _tell(watched: Collection[Partition], holders: Sequence[LeaseRecord], patience: Patience) -> None:
    runs = sorted({f"run {holder.run_id} on {holder.host}" for holder in holders})
    _log.warning(
        "publishes of %d partitions, such as %s, are not done, by %s: waiting %g s to see whether it lives",
        len(watched),
        next(iter(watched)),
        ", ".join(runs),
        patience.ttl_s,
    )
