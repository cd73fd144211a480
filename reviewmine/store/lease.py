"""Leases: who may publish a partition, or erase rows and collect garbage in a table, until another takes over.

A lease of a partition is only a courtesy that keeps two runs from doing the same work; what keeps the table right is
the fence number in the pointer. So a lease may be wrong about who is alive, and nothing is lost. The lease of the table
for its upkeep keeps erasures and collections of garbage from each other, and runs from neither.
"""

import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import ClassVar

from reviewmine.errors import LeaseHeld, LeaseLost, PreconditionFailed, StoreError
from reviewmine.partition import Partition
from reviewmine.store.filesystem import Store
from reviewmine.store.layout import Layout
from reviewmine.store.manifest import get_pointer
from reviewmine.store.record import Record


class LeaseRecord(Record):
    """What stands in the store. A released lease names no holder, and keeps its fence number.

    It is disputed while an earlier holder, which never gave it up, may yet wake and has not been shut out.
    """

    remedy: ClassVar[str] = "restore it from a backup, or, if no run is under way, delete it"

    holder: str | None
    run_id: str
    host: str
    fence: int
    heartbeat: int
    taken_at: datetime
    is_disputed: bool = False


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a lease lives without a heartbeat, by whose clock, and how long to wait for a live holder (s).

    Who waits for one lease, or keeps it, while holding another calls `meanwhile`, which is that one's `keep`.
    """

    ttl_s: float = 20.0
    wait_s: float = 60.0
    poll_s: float = 1.0
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    meanwhile: Callable[[], object] = lambda: None


@dataclass
class Lease:
    """A lease that this process holds; `keep` is called before each put."""

    store: Store
    name: str
    record: LeaseRecord
    etag: str
    patience: Patience
    _kept_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._kept_at = self.patience.now()

    @property
    def fence(self) -> int:
        return self.record.fence

    @property
    def is_disputed(self) -> bool:
        return self.record.is_disputed

    def settle(self) -> None:
        """Earlier holders are shut out; the store learns of it with the next beat or the release."""
        self.record = self.record.model_copy(update={"is_disputed": False})

    def keep(self) -> None:
        """Beat when a quarter of the TTL has passed; raises LeaseLost if another has taken over.

        Where the store has no compare-and-swap this look is all that holds a late writer back, so it is taken
        every time.
        """
        self.patience.meanwhile()
        if not self.store.compare_and_swap:
            stored = self.store.get(self.name)
            if stored is None or stored.etag != self.etag:
                raise self._lost()
        if self.patience.now() - self._kept_at >= self.patience.ttl_s / 4:
            self._replace(self.record.model_copy(update={"heartbeat": self.record.heartbeat + 1}))
            self._kept_at = self.patience.now()

    def beside(self) -> Patience:
        """The patience with which its holder takes further leases; this one is kept while those are."""
        return replace(self.patience, meanwhile=self.keep)

    def release(self) -> None:
        """Give the partition up; no error if it was taken already."""
        try:
            self._replace(self.record.model_copy(update={"holder": None}))
        except LeaseLost:
            return

    def _replace(self, record: LeaseRecord) -> None:
        try:
            self.etag = self.store.put_if(self.name, record.encode(), self.etag)
        except PreconditionFailed:
            raise self._lost() from None
        self.record = record

    def _lost(self) -> LeaseLost:
        return LeaseLost(
            f"{self.name}: another run took over from run {self.record.run_id}; nothing more is put"
        )


def standing_lease(store: Store, layout: Layout, partition: Partition) -> LeaseRecord | None:
    """Who holds the partition, or held it last; None where nobody ever did."""
    name = layout.lease(partition)
    stored = store.get(name)
    return LeaseRecord.decode(stored.body, where=f"{store.root}/{name}") if stored else None


def take_lease(
    store: Store,
    layout: Layout,
    partition: Partition,
    run_id: str,
    patience: Patience,
    *,
    silent: str | None = None,
) -> Lease:
    """Take the partition's lease, with a fence above every one seen, once it is free or its holder is dead.

    A holder is dead when its heartbeat has not moved for the TTL, on this process's monotonic clock; so is one whose
    lease still has the etag `silent`, which has stood still for so long already.
    Raises LeaseHeld, naming the holder, when one that is alive keeps it for longer than `patience.wait_s`.
    """

    def fence_of_pointer() -> int:
        return get_pointer(store, layout, partition)[0].fence

    what = f"partition {partition}"
    return _take(store, layout.lease(partition), what, run_id, patience, fence_of_pointer, silent)


@contextmanager
def upkeep(store: Store, layout: Layout, run_id: str, patience: Patience) -> Iterator[Lease]:
    """Hold the table for an erasure or a collection of garbage; a dead holder is taken over, as in a partition.

    What the holder takes meanwhile it takes with the patience of `beside`, so that this lease beats too.

    Raises LeaseHeld, naming the holder, when one that is alive keeps it for longer than `patience.wait_s`.
    """
    lease = _take(store, layout.upkeep_lease, f"upkeep of {layout.table}", run_id, patience, lambda: 0)
    try:
        yield lease
    finally:
        with suppress(StoreError):
            lease.release()


def _take(
    store: Store,
    name: str,
    what: str,
    run_id: str,
    patience: Patience,
    least_fence: Callable[[], int],
    silent: str | None = None,
) -> Lease:
    first_look = last_move = patience.now()
    seen: str | None = None
    while True:
        stored = store.get(name)
        standing = LeaseRecord.decode(stored.body, where=f"{store.root}/{name}") if stored else None
        now = patience.now()
        if stored is not None and stored.etag != seen:
            seen, last_move = stored.etag, now
        is_free = standing is None or standing.holder is None
        is_dead = now - last_move >= patience.ttl_s or (stored is not None and stored.etag == silent)
        if is_free or is_dead:
            fence = max(standing.fence if standing else 0, least_fence()) + 1
            is_disputed = standing is not None and (not is_free or standing.is_disputed)
            record = _record(run_id, fence, is_disputed=is_disputed)
            try:
                etag = store.put_if(name, record.encode(), stored.etag if stored else None)
                return Lease(store, name, record, etag, patience)
            except PreconditionFailed:
                continue  # another was quicker: look again at who holds it
        if standing is not None and now - first_look >= patience.wait_s:
            raise LeaseHeld(
                f"{what}: held by run {standing.run_id} on {standing.host} since "
                f"{standing.taken_at:%Y-%m-%d %H:%M:%S} UTC, and its heartbeat moves; wait for it, or stop it"
            )
        patience.meanwhile()
        patience.sleep(patience.poll_s)


def _record(run_id: str, fence: int, *, is_disputed: bool) -> LeaseRecord:
    return LeaseRecord(
        holder=uuid.uuid4().hex,
        run_id=run_id,
        host=socket.gethostname(),
        fence=fence,
        heartbeat=0,
        taken_at=datetime.now(UTC),
        is_disputed=is_disputed,
    )
