"""Watching: many leases at once, in the time of one."""

import pytest
from partition_world import LAYOUT, run_id
from stores import MemoryStore

from reviewmine.errors import TableError
from reviewmine.partition import Partition
from reviewmine.store.lease import Lease, LeaseRecord, Patience, take_lease
from reviewmine.store.watching import silent_leases

DAYS = [Partition((("dt", f"2024-01-{day:02}"),)) for day in range(1, 31)]


class Clock:
    """A clock that only sleeping moves, and what happens meanwhile."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.meanwhile = lambda: None
        self.patience = Patience(now=lambda: self.now_s, sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        self.meanwhile()


def taken(store: MemoryStore, clock: Clock) -> dict[Partition, Lease]:
    return {day: take_lease(store, LAYOUT, day, run_id(1), clock.patience) for day in DAYS}


def test_leases_that_are_free_are_silent_at_once(caplog):
    store, clock = MemoryStore(), Clock()
    for lease in taken(store, clock).values():
        lease.release()
    never = Partition((("dt", "2023-01-01"),))
    found = silent_leases(store, LAYOUT, [*DAYS, never], clock.patience)
    assert (set(found), found[never], clock.now_s, caplog.text) == ({*DAYS, never}, None, 0, "")


def test_all_holders_that_stand_still_are_told_after_one_ttl_and_those_that_beat_are_not(caplog):
    store, clock = MemoryStore(), Clock()
    leases = taken(store, clock)
    clock.meanwhile = lambda: [leases[day].keep() for day in DAYS[:10]]
    found = silent_leases(store, LAYOUT, DAYS, clock.patience)
    assert (list(found), clock.now_s) == (DAYS[10:], clock.patience.ttl_s)
    assert (
        f"publishes of 30 partitions, such as {DAYS[0]}, are not done, by run {run_id(1)} on " in caplog.text
    )
    assert "waiting 20 s to see whether it lives" in caplog.text


def test_where_all_holders_beat_nobody_waits_any_longer():
    store, clock = MemoryStore(), Clock()
    leases = taken(store, clock)
    clock.meanwhile = lambda: [lease.keep() for lease in leases.values()]
    assert silent_leases(store, LAYOUT, DAYS, clock.patience) == {}
    assert clock.now_s == clock.patience.ttl_s / 4


def test_a_lease_that_is_given_up_meanwhile_is_silent():
    store, clock = MemoryStore(), Clock()
    leases = taken(store, clock)
    clock.meanwhile = leases[DAYS[3]].release
    assert set(silent_leases(store, LAYOUT, DAYS, clock.patience)) == set(DAYS)


def test_a_lease_seen_to_be_silent_is_taken_at_once_unless_it_has_moved_since():
    store, clock = MemoryStore(), Clock()
    dead = taken(store, clock)
    found = silent_leases(store, LAYOUT, DAYS, clock.patience)
    elapsed_s = clock.now_s
    dead[DAYS[0]].keep()
    for day in DAYS[1:]:
        lease = take_lease(store, LAYOUT, day, run_id(2), clock.patience, silent=found[day])
        assert (lease.fence, lease.is_disputed) == (2, True)
    assert clock.now_s == elapsed_s
    take_lease(store, LAYOUT, DAYS[0], run_id(2), clock.patience, silent=found[DAYS[0]])
    assert clock.now_s == elapsed_s + clock.patience.ttl_s
    assert LeaseRecord.decode(store.get(LAYOUT.lease(DAYS[0])).body, where="x").run_id == run_id(2)


def test_a_lease_that_is_damaged_is_not_waited_for_and_told_to_whoever_takes_it():
    store, clock = MemoryStore(), Clock()
    store.put(LAYOUT.lease(DAYS[0]), b"{")
    found = silent_leases(store, LAYOUT, DAYS[:1], clock.patience)
    assert (list(found), clock.now_s) == (DAYS[:1], 0)
    with pytest.raises(TableError, match="lease"):
        take_lease(store, LAYOUT, DAYS[0], run_id(2), clock.patience, silent=found[DAYS[0]])
