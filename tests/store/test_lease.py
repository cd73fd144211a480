"""Leases: who waits for whom, and how a holder learns that it is one no more."""

from datetime import UTC, datetime

import pytest
from partition_world import DAY, LAYOUT, run_id
from stores import MemoryStore

from reviewmine.errors import LeaseHeld, LeaseLost, TableError
from reviewmine.store.lease import Lease, LeaseRecord, Patience, take_lease
from reviewmine.store.manifest import Pointer

NAME = LAYOUT.lease(DAY)


class Clock:
    """A clock that only sleeping moves, and what happens meanwhile."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.meanwhile = lambda: None

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        self.meanwhile()

    def patience(self, *, ttl_s: float = 20, wait_s: float = 60) -> Patience:
        return Patience(ttl_s=ttl_s, wait_s=wait_s, poll_s=5, now=lambda: self.now_s, sleep=self.sleep)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def standing(store: MemoryStore) -> LeaseRecord:
    return LeaseRecord.decode(store.get(NAME).body, where=NAME)


def taken(store: MemoryStore, clock: Clock, number: int, **patience: float) -> Lease:
    return take_lease(store, LAYOUT, DAY, run_id(number), clock.patience(**patience))


def test_a_free_partition_is_taken_at_once_with_the_first_fence(clock):
    lease = taken(MemoryStore(), clock, 1)
    assert (lease.fence, clock.now_s) == (1, 0)


def test_a_released_lease_is_taken_at_once_with_a_higher_fence(clock):
    store = MemoryStore()
    taken(store, clock, 1).release()
    assert standing(store).holder is None
    assert (taken(store, clock, 2).fence, clock.now_s) == (2, 0)


def test_a_fence_is_above_that_of_the_pointer_even_where_the_lease_was_deleted(clock):
    store = MemoryStore()
    store.put(LAYOUT.pointer(DAY), Pointer(generation=None, fence=7).encode())
    assert taken(store, clock, 1).fence == 8


def test_a_lease_whose_heartbeat_moves_is_not_taken(clock):
    store = MemoryStore()
    holder = taken(store, clock, 2)
    clock.meanwhile = holder.keep
    with pytest.raises(
        LeaseHeld, match=r"held by run 20240101T000000-00000002 on .* since .* heartbeat moves"
    ):
        taken(store, clock, 3)
    assert clock.now_s == 60
    holder.keep()


def test_a_lease_whose_heartbeat_stands_still_for_its_ttl_is_taken_with_a_higher_fence(clock):
    store = MemoryStore()
    dead = taken(store, clock, 2)
    assert (taken(store, clock, 3).fence, clock.now_s) == (dead.fence + 1, 20)
    with pytest.raises(LeaseLost, match="another run took over from run 20240101T000000-00000002"):
        dead.keep()


def test_a_lease_that_is_released_while_another_waits_is_taken_by_it(clock):
    store = MemoryStore()
    holder = taken(store, clock, 2)
    clock.meanwhile = holder.release
    assert (taken(store, clock, 3).fence, clock.now_s) == (2, 5)


def test_of_two_who_find_a_lease_free_the_slower_waits(clock):
    class Beaten(MemoryStore):
        def put_if(self, name, body, etag):
            if not self.objects:
                take_lease(inner, LAYOUT, DAY, run_id(9), clock.patience())
                self.objects.update(inner.objects)
            return super().put_if(name, body, etag)

    inner, store = MemoryStore(), Beaten()
    lease = taken(store, clock, 2)
    assert (lease.fence, lease.record.run_id, clock.now_s) == (2, run_id(2), 20)


def test_a_heartbeat_is_put_once_a_quarter_of_the_ttl_has_passed(clock):
    store = MemoryStore()
    lease = taken(store, clock, 2)
    clock.now_s = 4.9
    lease.keep()
    assert standing(store).heartbeat == 0
    clock.now_s = 5
    lease.keep()
    lease.keep()
    assert standing(store).heartbeat == 1


def test_without_compare_and_swap_every_keep_looks_at_the_lease(clock):
    store = MemoryStore(compare_and_swap=False)
    lease = taken(store, clock, 2)
    lease.keep()
    store.delete(NAME)
    with pytest.raises(LeaseLost):
        lease.keep()


def test_releasing_a_lease_that_another_took_leaves_it_to_the_other(clock):
    store = MemoryStore()
    dead = taken(store, clock, 2)
    taken(store, clock, 3)
    dead.release()
    assert standing(store).run_id == run_id(3)


def test_a_lease_that_cannot_be_read_names_the_object(clock):
    store = MemoryStore()
    store.put(NAME, b'{"holder": ')
    with pytest.raises(TableError, match=f"{NAME}: not a lease record that this reviewmine can read"):
        taken(store, clock, 2)


def test_a_lease_says_who_holds_it_and_since_when(clock):
    store = MemoryStore()
    before = datetime.now(UTC)
    taken(store, clock, 2)
    record = standing(store)
    assert (record.run_id, bool(record.host)) == (run_id(2), True)
    assert before <= record.taken_at <= datetime.now(UTC)


def test_a_lease_taken_from_a_holder_that_never_gave_it_up_is_disputed_until_it_is_settled(clock):
    store = MemoryStore()
    assert not taken(store, clock, 1).is_disputed
    second = taken(store, clock, 2)
    second.release()
    third = taken(store, clock, 3)
    assert (second.is_disputed, third.is_disputed) == (True, True)
    third.settle()
    third.release()
    assert not taken(store, clock, 4).is_disputed
