"""The protocol under every crash and every pair of interleaved writers that the store's operations allow."""

import contextlib
import shutil
from collections import Counter
from pathlib import Path

import pytest
from crash_points import (
    HOWS,
    interleaved_everywhere,
    mutations,
    operations,
    outcome,
    starts_in,
    stopped_everywhere,
)
from partition_world import DAY, FIRST, LAYOUT, SECOND, broken_promise, judge, run_id, silent, write
from stores import Crash, MemoryStore, PausingStore, StoppingStore, WrappedStore, Writer

from reviewmine.errors import LeaseLost, PublishError, StoreError, StoreUnavailable
from reviewmine.partition import Partition
from reviewmine.store.filesystem import Store
from reviewmine.store.generation import Generation
from reviewmine.store.held import HeldPartition
from reviewmine.store.lease import Patience, standing_lease, take_lease
from reviewmine.store.live import HiveLive
from reviewmine.store.local import LocalStore
from reviewmine.store.manifest import InputFile, live_manifest
from reviewmine.store.publish import Publisher
from reviewmine.store.retrying import RetryingStore


def published(*, compare_and_swap: bool = True) -> MemoryStore:
    """A store in which the first archive is live."""
    store = MemoryStore(compare_and_swap=compare_and_swap)
    write(store, FIRST, 1)
    return store


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
@pytest.mark.parametrize("beating", [False, True], ids=["silent lease", "beating lease"])
def test_a_run_stopped_at_any_operation_leaves_nothing_that_the_next_run_does_not_mend(
    how, archive_before, beating
):
    start = published() if archive_before else MemoryStore()
    enumerated = stopped_everywhere(start.twin, how, beating=beating)
    assert enumerated.num_cases == len(enumerated.operations)


@pytest.mark.parametrize("how", HOWS)
def test_the_same_holds_on_a_local_disk(how, tmp_path):
    template = tmp_path / "template"
    write(local(template), FIRST, 1)
    places = (tmp_path / str(number) for number in range(1000))

    def start() -> Store:
        place = next(places)
        shutil.copytree(template, place)
        return local(place)

    assert stopped_everywhere(start, how).num_cases > 10


@pytest.mark.parametrize(("turn", "how"), list(enumerate(HOWS)))
def test_the_same_holds_in_an_s3_compatible_bucket_with_the_ways_to_stop_taking_turns(turn, how, s3_uri):
    assert (
        stopped_everywhere(starts_in(s3_uri, published().objects), how, only=slice(turn, None, 3)).num_cases
        >= 4
    )


@pytest.mark.slow
@pytest.mark.parametrize("how", HOWS)
def test_the_same_holds_in_an_s3_compatible_bucket(how, s3_uri):
    assert stopped_everywhere(starts_in(s3_uri, published().objects), how).num_cases > 10


def test_receipts_that_stood_before_a_crash_are_used_again():
    log = mutations(published())
    first_receipt = next(i for i, operation in enumerate(log) if "receipts/" in operation)
    store = published()
    with pytest.raises(Crash):
        write(StoppingStore(store, at=first_receipt, how="after"), SECOND, 2)
    again = StoppingStore(store)
    write(again, SECOND, 3)
    assert sum("receipts/" in operation for operation in log) == 2
    assert sum("receipts/" in operation for operation in again.log) == 1


@pytest.mark.parametrize(
    "beating", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["silent leases", "beating leases"]
)
def test_two_writers_interleaved_at_every_pair_of_operations_lose_nothing(beating):
    enumerated = interleaved_everywhere(published(), beating=beating)
    assert set(enumerated.outcomes) == {("done", "done"), ("lost", "done"), ("done", "lost")}
    assert min(enumerated.outcomes.values()) > len(enumerated.operations)


def test_a_protocol_that_does_not_fence_the_pointer_is_caught_losing_rows(monkeypatch):
    """The enumerator has teeth: without step 2 it must find what the model of the protocol finds."""
    fence_pointer = HeldPartition._fence_pointer

    def look_only(self: HeldPartition) -> None:
        put, self._put_pointer = self._put_pointer, lambda pointer: None
        fence_pointer(self)
        self._put_pointer = put

    monkeypatch.setattr(HeldPartition, "_fence_pointer", look_only)
    with pytest.raises(AssertionError):
        interleaved_everywhere(published())


def test_a_zombie_whose_reply_was_lost_before_another_took_over_loses_nothing():
    start = published()
    log = mutations(start.twin())
    for at in range(len(log)):
        store = start.twin()
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
    for at in range(len(mutations(start.twin()))):
        for how in ("before", "after"):
            store = start.twin()
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
    outcomes: Counter[str] = Counter()
    for at in range(len(operations(start.twin()))):
        store = start.twin()
        zombie = Writer(PausingStore(store, at=at), lambda s: write(s, SECOND, 2))
        zombie.to_pause()
        write(store, SECOND, 3)
        zombie.to_end()
        outcomes[outcome(zombie)] += 1
        write(store, SECOND, 4)
        judge(store, SECOND)
    assert outcomes["lost"] > 0
    assert set(outcomes) <= {"lost", "done"}


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
        Publisher(store, LAYOUT, HiveLive(store, LAYOUT), run_id(2)).publish(short)
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


def test_a_copy_that_the_store_refuses_takes_the_others_back_so_that_no_reader_sees_rows_twice():
    class Full(StoppingStore):
        num_copies = 0

        def _operate(self, operation, *arguments):
            self.num_copies += operation == "copy"
            if operation == "copy" and self.num_copies == 2:
                raise StoreError("no space is left")
            return super()._operate(operation, *arguments)

    store = published()
    with pytest.raises(StoreError, match="no space is left"):
        write(Full(store), SECOND, 2)
    judge(store, FIRST)
    write(store, SECOND, 3)
    judge(store, SECOND)


def test_a_live_copy_that_came_out_short_is_not_committed():
    class Short(StoppingStore):
        def _operate(self, operation, *arguments):
            answer = super()._operate(operation, *arguments)
            if operation == "copy":
                self.store.put(arguments[1], b"short")
            return answer

    store = published()
    with pytest.raises(StoreError, match="the live copies are not what was copied"):
        write(Short(store), SECOND, 2)
    judge(store, FIRST)


def local(root: Path) -> Store:
    return LocalStore(root, scratch=LAYOUT.scratch)


def empty_days(num_days: int) -> list[Generation]:
    days = (Partition((("dt", f"2024-02-{day + 1:02}"),)) for day in range(num_days))
    return [
        Generation(partition=day, result_key="result", ingredients={}, inputs=(), receipts=()) for day in days
    ]


def test_partitions_that_are_published_together_cost_no_more_looks_at_leases_than_by_themselves():
    class Counting(WrappedStore):
        def __init__(self, store: Store) -> None:
            super().__init__(store)
            self.num_looks = 0

        def get(self, name: str):
            self.num_looks += "/leases/" in name
            return super().get(name)

    looks = []
    for num_days in (1, 20):
        store = Counting(MemoryStore(compare_and_swap=False))
        publisher = Publisher(store, LAYOUT, HiveLive(store, LAYOUT), run_id(1), silent())
        assert len(publisher.publish_together(empty_days(num_days))) == num_days
        looks.append(store.num_looks)
    assert looks[1] == 20 * looks[0]


def test_leases_that_are_held_beat_while_another_is_waited_for():
    store = MemoryStore()
    first, second = empty_days(2)
    elapsed_s = [0.0]
    others = Patience(now=lambda: elapsed_s[0])
    theirs = take_lease(store, LAYOUT, second.partition, run_id(9), others)
    heartbeats = []

    def sleep(seconds: float) -> None:
        elapsed_s[0] += seconds
        theirs.keep()
        heartbeats.append(standing_lease(store, LAYOUT, first.partition).heartbeat)
        if elapsed_s[0] >= 50:
            theirs.release()

    patience = Patience(now=lambda: elapsed_s[0], sleep=sleep)
    Publisher(store, LAYOUT, HiveLive(store, LAYOUT), run_id(1), patience).publish_together([first, second])
    assert len(heartbeats) == 50
    longest_silence = max(heartbeats.count(heartbeat) for heartbeat in set(heartbeats))
    assert longest_silence <= 20 / 2
