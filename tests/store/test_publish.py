"""The protocol under every crash and every pair of interleaved writers that the store's operations allow."""

import contextlib
import copy
from collections import Counter

import pytest
from partition_world import DAY, FIRST, LAYOUT, SECOND, broken_promise, judge, run_id, write
from stores import Crash, MemoryStore, PausingStore, StoppingStore, Writer

from reviewmine.errors import LeaseLost, PublishError, ReviewmineError, StoreUnavailable
from reviewmine.store.generation import Generation
from reviewmine.store.lease import Patience, take_lease
from reviewmine.store.manifest import InputFile, live_manifest
from reviewmine.store.publish import Publisher
from reviewmine.store.retrying import RetryingStore

HOWS = ("before", "after", "lost")


def published(*, compare_and_swap: bool = True) -> MemoryStore:
    """A store in which the first archive is live."""
    store = MemoryStore(compare_and_swap=compare_and_swap)
    write(store, FIRST, 1)
    return store


def mutations_of_an_overwrite() -> list[str]:
    counted = StoppingStore(published())
    write(counted, SECOND, 2)
    return counted.log


def operations_of_an_overwrite() -> int:
    counted = PausingStore(published(), at=None)
    write(counted, SECOND, 2)
    return counted.num_operations


def test_a_partition_is_published_and_then_replaced():
    store = published()
    judge(store, FIRST)
    write(store, SECOND, 2)
    judge(store, SECOND)


def test_publishing_what_is_live_writes_no_file():
    store = published()
    before = {name for name in store.objects if "leases" not in name and "live/" not in name}
    manifest = write(store, FIRST, 2)
    after = {name for name in store.objects if "leases" not in name and "live/" not in name}
    assert (before, manifest.run_id) == (after, run_id(1))


def test_a_live_file_that_was_taken_away_is_published_again():
    store = published()
    store.delete(live_manifest(store, LAYOUT, DAY).live_files[0])
    write(store, FIRST, 2)
    judge(store, FIRST)


def test_a_file_of_another_name_pattern_is_never_deleted():
    store = published()
    store.put("table/dt=2024-01-01/theirs.parquet", b"not ours")
    write(store, SECOND, 2)
    assert store.get("table/dt=2024-01-01/theirs.parquet") is not None


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("archive_before", [{}, FIRST], ids=["first publish", "overwrite"])
def test_a_run_stopped_at_any_operation_leaves_nothing_that_the_next_run_does_not_mend(how, archive_before):
    start = published() if archive_before else MemoryStore()
    counted = StoppingStore(copy.deepcopy(start))
    write(counted, SECOND, 2)
    for at in range(len(counted.log)):
        store = copy.deepcopy(start)
        stopping = StoppingStore(store, at=at, how=how)
        try:
            write(RetryingStore(stopping, sleep=lambda _: None), SECOND, 2)
        except Crash:
            assert broken_promise(store) is None, counted.log[at]
        else:
            assert how == "lost"
            judge(store, SECOND)
        write(store, SECOND, 3)
        judge(store, SECOND)


def test_receipts_that_stood_before_a_crash_are_used_again():
    log = mutations_of_an_overwrite()
    first_receipt = next(i for i, operation in enumerate(log) if "receipts/" in operation)
    store = published()
    with pytest.raises(Crash):
        write(StoppingStore(store, at=first_receipt, how="after"), SECOND, 2)
    again = StoppingStore(store)
    write(again, SECOND, 3)
    assert sum("receipts/" in operation for operation in log) == 2
    assert sum("receipts/" in operation for operation in again.log) == 1


def interleave(store: MemoryStore, first: int, second: int | None) -> tuple[Writer, Writer]:
    """One writer runs to operation `first`; another takes over and runs to `second`; the first ends; the second ends.

    `second` None: the second runs to its end before the first, a zombie, wakes.
    """
    promises: list[str] = []

    def look() -> None:
        broken = broken_promise(store)
        if broken:
            promises.append(broken)

    one = Writer(PausingStore(store, at=first, after_each=look), lambda s: write(s, SECOND, 2))
    two = Writer(PausingStore(store, at=second, after_each=look), lambda s: write(s, SECOND, 3))
    one.to_pause()
    two.to_pause()
    one.to_end()
    two.to_end()
    assert promises == []
    return one, two


def test_two_writers_interleaved_at_every_pair_of_operations_lose_nothing():
    start, num_operations, outcomes = published(), operations_of_an_overwrite(), Counter()
    for first in range(num_operations):
        for second in [None, *range(num_operations)]:
            store = copy.deepcopy(start)
            one, two = interleave(store, first, second)
            outcomes[_outcome(one), _outcome(two)] += 1
            write(store, SECOND, 4)
            judge(store, SECOND)
    assert set(outcomes) <= {("done", "done"), ("lost", "done"), ("done", "lost")}
    assert outcomes["lost", "done"] > num_operations


def test_a_zombie_whose_reply_was_lost_before_another_took_over_loses_nothing():
    start, log = published(), mutations_of_an_overwrite()
    for at in range(len(log)):
        store = copy.deepcopy(start)
        losing = StoppingStore(store, at=at, how="lost")

        def another_takes_over(_: float, store: MemoryStore = store, at: int = at) -> None:
            write(store, SECOND, 3)
            assert broken_promise(store) is None, log[at]

        with contextlib.suppress(LeaseLost):
            write(RetryingStore(losing, sleep=another_takes_over), SECOND, 2)
        assert broken_promise(store) is None, log[at]
        write(store, SECOND, 4)
        judge(store, SECOND)


def test_without_compare_and_swap_writers_that_do_not_overlap_lose_nothing():
    start = published(compare_and_swap=False)
    counted = StoppingStore(copy.deepcopy(start))
    write(counted, SECOND, 2)
    for at in range(len(counted.log)):
        for how in ("before", "after"):
            store = copy.deepcopy(start)
            with pytest.raises(Crash):
                write(StoppingStore(store, at=at, how=how), SECOND, 2)
            assert broken_promise(store) is None
            write(store, SECOND, 3)
            judge(store, SECOND)


def test_without_compare_and_swap_a_zombie_is_held_back_unless_it_slept_between_its_look_and_its_put():
    """What the promise still holds: a late writer looks at its lease before each put, and stops.

    Only one that slept after the look still carries its one operation out, which is why such a store wants a
    scheduler that starts one run at a time; the run after it mends what that one operation did.
    """
    start = published(compare_and_swap=False)
    counted = PausingStore(copy.deepcopy(start), at=None)
    write(counted, SECOND, 2)
    outcomes: Counter[str] = Counter()
    for at in range(counted.num_operations):
        store = copy.deepcopy(start)
        zombie = Writer(PausingStore(store, at=at), lambda s: write(s, SECOND, 2))
        zombie.to_pause()
        write(store, SECOND, 3)
        zombie.to_end()
        outcomes[_outcome(zombie)] += 1
        write(store, SECOND, 4)
        judge(store, SECOND)
    assert outcomes["lost"] > 0
    assert set(outcomes) <= {"lost", "done"}


def test_a_lease_whose_heartbeat_moves_is_not_taken():
    store = published()
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds
        holder.patience.sleep(0)
        holder._kept_at = -1e9
        holder.keep()

    holder = take_lease(store, LAYOUT, DAY, run_id(2), Patience(sleep=lambda _: None))
    waiting = Patience(ttl_s=20, wait_s=60, poll_s=5, now=lambda: now[0], sleep=sleep)
    with pytest.raises(PublishError, match=r"held by run 20240101T000000-00000002 on .* since"):
        take_lease(store, LAYOUT, DAY, run_id(3), waiting)


def test_a_lease_whose_heartbeat_stands_still_for_its_ttl_is_taken_with_a_higher_fence():
    store, now = published(), [0.0]
    dead = take_lease(store, LAYOUT, DAY, run_id(2), Patience())
    waiting = Patience(
        ttl_s=20, wait_s=60, poll_s=5, now=lambda: now[0], sleep=lambda s: now.__setitem__(0, now[0] + s)
    )
    taken = take_lease(store, LAYOUT, DAY, run_id(3), waiting)
    assert taken.fence == dead.fence + 1
    assert now[0] == pytest.approx(20)
    dead._kept_at = -1e9
    with pytest.raises(LeaseLost):
        dead.keep()


def test_a_generation_with_a_missing_receipt_is_refused_and_the_live_one_stays():
    store = published()
    short = Generation(
        partition=DAY,
        result_key="other",
        ingredients={},
        inputs=(InputFile(path="a.parquet", num_bytes=1, etag="x", num_rows=3),),
        receipts=(),
    )
    with pytest.raises(PublishError, match=r"a.parquet: receipts cover rows 0 to 0, expected 3"):
        Publisher(store, LAYOUT, run_id(2)).publish(short)
    judge(store, FIRST)


def test_an_empty_partition_publishes_an_empty_manifest_in_place_of_its_rows():
    store = published()
    write(store, {}, 2)
    manifest = live_manifest(store, LAYOUT, DAY)
    assert (manifest.run_id, manifest.live_files) == (run_id(2), ())
    assert list(store.list("table")) == []


def test_a_store_that_stays_away_leaves_the_live_generation():
    class Gone(StoppingStore):
        def _operate(self, operation, *arguments):
            if operation == "copy":
                raise StoreUnavailable("away")
            return super()._operate(operation, *arguments)

    store = published()
    with pytest.raises(StoreUnavailable):
        write(RetryingStore(Gone(store), sleep=lambda _: None), SECOND, 2)
    assert broken_promise(store) is None
    write(store, SECOND, 3)
    judge(store, SECOND)


def _outcome(writer: Writer) -> str:
    if writer.error is None:
        return "done"
    assert isinstance(writer.error, ReviewmineError), writer.error
    return "lost" if isinstance(writer.error, LeaseLost) else type(writer.error).__name__
