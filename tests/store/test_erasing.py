"""Erasing under every crash and beside other writers: the rows are nowhere, and every count still adds up."""

from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from crash_points import HOWS
from partition_world import (
    DAY,
    FIRST,
    LAYOUT,
    RESULT_KEY,
    SECOND,
    Archive,
    annotations,
    broken_promise,
    fragments,
    judge,
    run_id,
    silent,
    write,
)
from stores import Crash, MemoryStore, PausingStore, StoppingStore, Writer

from reviewmine.errors import LeaseHeld, LeaseLost, PublishError, StoreError, TableError
from reviewmine.store.erasing import Erased, erase
from reviewmine.store.filesystem import Store
from reviewmine.store.lease import Patience, take_lease
from reviewmine.store.live import HiveLive
from reviewmine.store.manifest import history, live_manifest
from reviewmine.store.parts import encode_parquet
from reviewmine.store.receipts import get_receipt
from reviewmine.store.retrying import RetryingStore
from reviewmine.store.rollback import PREVIOUS, roll_back
from reviewmine.store.tombstones import Tombstones, add_tombstones, get_tombstones
from reviewmine.store.tracing import Search

IMPATIENT = Patience(ttl_s=20, wait_s=0, now=lambda: 0.0, sleep=lambda s: None)
"""Waits for nobody, and takes nobody for dead."""
LEFT: Archive = {"a.parquet": ["r1"], "b.parquet": ["r3", "r4"], "c.parquet": ["r5"]}
"""The second archive without r2."""


@pytest.fixture
def store() -> MemoryStore:
    """The first archive was live, the second is; r2 is in both, twice."""
    made = MemoryStore()
    write(made, FIRST, 0)
    write(made, SECOND, 1)
    return made


def without(store: Store, number: int = 5, *ids: str, patience: Patience | None = None) -> Erased:
    tombstones = add_tombstones(store, LAYOUT, ids or ["r2"])
    return erase(store, LAYOUT, HiveLive(store, LAYOUT), tombstones, run_id(number), patience or silent())


def ids_anywhere(store: Store) -> set[str]:
    """The ids in any Parquet file of the store, in the table or beside it."""
    names = [file.name for file in store.list("") if file.name.endswith(".parquet")]
    return {
        review
        for name in names
        for review in pq.read_table(pa.BufferReader(store.get(name).body))["review_id"].to_pylist()
    }


def check(store: Store) -> None:
    """Every receipt adds up, and honours the erasure."""
    for fragment in fragments(SECOND):
        receipt = get_receipt(store, LAYOUT, RESULT_KEY, fragment)
        receipt.check()
        assert receipt.num_erasures == get_tombstones(store, LAYOUT).num_erasures
        assert sum(receipt.num_rows_by_status.values()) == fragment.num_rows - receipt.num_rows_erased


def judge_left(store: Store) -> None:
    """`judge` without its list of kinds, to which tombstones are new."""
    twin = MemoryStore(
        objects={n: store.get(n).body for n in [f.name for f in store.list("")] if n != LAYOUT.tombstones}
    )
    judge(twin, LEFT)


def test_rows_are_nowhere_any_more_and_where_they_were_is_told(store):
    erased = without(store)
    assert [(t.standing, [row[1:] for row in t.rows]) for t in erased.traces] == [
        ("live", [("a.parquet", 1), ("a.parquet", 2)])
    ]
    assert "r2" not in ids_anywhere(store)
    judge_left(store)
    check(store)
    assert Search(store, LAYOUT, get_tombstones(store, LAYOUT).are_erased).look() == []


def test_earlier_and_staged_rows_go_too(store):
    third = {"d.parquet": ["r2", "r9"]}
    with pytest.raises(Crash):
        write(StoppingStore(store, at=2, how="before"), third, 2)
    write(store, {"b.parquet": ["r8"]}, 3)
    erased = without(store)
    assert sorted(trace.standing for trace in erased.traces) == ["earlier", "staged"]
    assert "r2" not in ids_anywhere(store)
    roll_back(store, LAYOUT, HiveLive(store, LAYOUT), DAY, run_id(7), to=PREVIOUS, patience=silent())
    judge_left(store)
    check(store)


def test_a_generation_takes_the_place_of_the_one_it_was_made_from(store):
    before = [kept.generation for kept in history(store, LAYOUT, DAY, live_manifest(store, LAYOUT, DAY))]
    without(store)
    after = [kept.generation for kept in history(store, LAYOUT, DAY, live_manifest(store, LAYOUT, DAY))]
    assert (len(after), after[1:]) == (2, before[1:])
    assert before[0] not in after


def test_a_part_that_has_no_other_rows_is_named_no_more(store):
    without(store, 5, "r5")
    assert [part.num_rows for part in live_manifest(store, LAYOUT, DAY).parts] == [3, 2]
    receipt = get_receipt(store, LAYOUT, RESULT_KEY, fragments(SECOND)[2])
    assert (receipt.parts, receipt.num_rows_erased, receipt.num_rows_by_status) == ((), 1, {})


def test_a_rerun_publishes_nothing_and_brings_nothing_back(store):
    without(store)
    live = live_manifest(store, LAYOUT, DAY)
    assert write(store, SECOND, 6) == live
    assert "r2" not in ids_anywhere(store)


def test_erasing_twice_changes_nothing(store):
    without(store)
    before = {name: body for name, body in store.objects.items() if not is_of_a_holder(name)}
    assert without(store, 6).traces == ()
    assert {n: b for n, b in store.objects.items() if not is_of_a_holder(n)} == before


def is_of_a_holder(name: str) -> bool:
    return "/leases/" in name or "/live/" in name or name == LAYOUT.upkeep_lease


def test_a_second_erasure_counts_on(store):
    without(store)
    without(store, 6, "r3")
    assert get_tombstones(store, LAYOUT).num_erasures == 2
    assert ids_anywhere(store) == {"r1", "r4", "r5"}
    check(store)


def test_a_receipt_from_before_an_erasure_is_not_published(store):
    """A writer that began before, and ends after, must not bring the rows back."""
    add_tombstones(store, LAYOUT, ["r2"])
    with pytest.raises(PublishError, match="was annotated before rows were erased; rerun"):
        write(store, {**SECOND, "d.parquet": ["r2"]}, 6)
    assert broken_promise(store) is None


def test_a_partition_that_a_live_run_holds_keeps_its_rows_until_it_is_done_again(store):
    held = Patience(ttl_s=20, wait_s=0, now=lambda: 0.0, sleep=lambda s: None)
    take_lease(store, LAYOUT, DAY, run_id(4), held)
    erased = without(store, patience=held)
    assert f"held by run {run_id(4)}" in erased.held[DAY]
    assert broken_promise(store) is None
    assert {part.name for part in live_manifest(store, LAYOUT, DAY).parts} <= set(store.objects)
    without(store, 6)
    assert "r2" not in ids_anywhere(store)
    judge_left(store)


def test_a_part_that_cannot_be_read_stops_before_anything_is_changed_but_the_tombstones(store):
    part = live_manifest(store, LAYOUT, DAY).parts[0].name
    store.put(part, b"PAR1")
    before = dict(store.objects)
    with pytest.raises(TableError, match=f"{part}: cannot be read, so that nobody can say"):
        without(store)
    changed = {name for name in store.objects if store.objects[name] != before.get(name)}
    assert changed == {LAYOUT.tombstones, LAYOUT.upkeep_lease}


@pytest.mark.parametrize("how", HOWS)
def test_an_erasure_stopped_at_any_operation_reads_right_and_is_ended_by_the_next(how, store):
    counted = StoppingStore(store.twin())
    without(counted)
    assert len(counted.log) > 12
    for at, operation in enumerate(counted.log):
        twin = store.twin()
        stopping = RetryingStore(StoppingStore(twin, at=at, how=how), sleep=lambda _: None)
        try:
            without(stopping)
        except Crash:
            assert how != "lost"
        assert broken_promise(twin) is None, operation
        seen = Counter(part.num_rows for part in live_manifest(twin, LAYOUT, DAY).parts)
        assert seen in (Counter([3, 2, 1]), Counter([1, 2, 1])), operation
        without(twin, 6)
        assert "r2" not in ids_anywhere(twin), operation
        judge_left(twin)
        check(twin)


def test_an_erasure_beside_a_writer_at_every_operation_leaves_nothing_to_be_seen(store):
    """The writer stops before an operation, the erasure runs, the writer goes on: nothing of it is live."""
    for at in range(200):
        twin = store.twin()
        pausing = PausingStore(twin, at=at)
        writer = Writer(pausing, lambda s: write(s, SECOND, 4))
        writer.to_pause()
        without(twin)
        writer.to_end()
        assert isinstance(writer.error, LeaseLost | PublishError | None), (at, writer.error)
        assert broken_promise(twin) is None
        live = [twin.get(name).body for name in live_manifest(twin, LAYOUT, DAY).live_files]
        assert not any("r2" in pq.read_table(pa.BufferReader(b))["review_id"].to_pylist() for b in live), at
        if not pausing.has_paused:
            break


def test_a_writer_beside_an_erasure_at_every_operation_brings_nothing_back():
    """Its part and receipt come while the erasure stands still: they are rewritten, or no run takes them up."""
    third = {**SECOND, "d.parquet": ["r2", "r9"]}
    store = MemoryStore()
    write(store, FIRST, 0)
    for at in range(200):
        twin = store.twin()
        writing = PausingStore(twin, at=0)  # it has read the tombstones of before, and put nothing yet
        writer = Writer(writing, lambda s: late_annotation(s, third))
        writer.to_pause()
        pausing = PausingStore(twin, at=at)
        eraser = Writer(pausing, without)
        eraser.to_pause()
        writer.to_end()
        eraser.to_end()
        assert (writer.error, eraser.error) == (None, None), at
        for fragment in fragments(third):
            receipt = get_receipt(twin, LAYOUT, RESULT_KEY, fragment)
            if receipt and receipt.num_erasures == 1:
                assert not any("r2" in ids_of(twin, part.name) for part in receipt.parts), at
        if not pausing.has_paused:
            break
    assert at > 20


def test_a_part_that_its_writer_takes_back_while_an_erasure_is_at_work_is_no_damage(store):
    part = f"{LAYOUT.all_parts}/{RESULT_KEY}/f/20240101T000000-0123456789abcdef-{DAY.name}.parquet"
    store.put(part, encode_parquet(annotations(["r2", "r9"])))
    for at in range(200):
        twin = store.twin()
        pausing = PausingStore(twin, at=at)
        eraser = Writer(pausing, without)
        eraser.to_pause()
        twin.delete(part)
        eraser.to_end()
        assert eraser.error is None, (at, eraser.error)
        judge_left(twin)
        if not pausing.has_paused:
            break
    assert at > 20


def late_annotation(store: Store, archive: Archive) -> None:
    """Every fragment is annotated and has its receipt, and nothing is published."""
    publish = 2 * (len(archive) - 1)  # after a part and a receipt of each file but one, which has them
    with pytest.raises(Crash):
        write(StoppingStore(store, at=publish), archive, 4)


def ids_of(store: Store, name: str) -> list[str]:
    return pq.read_table(pa.BufferReader(store.get(name).body))["review_id"].to_pylist()


def test_a_first_publish_that_was_verified_before_the_erasure_is_found_by_it(store):
    """It commits while the erasure is at work, in a partition that had no manifest when the erasure looked."""
    store = MemoryStore()
    committed = []

    class Overtaken(StoppingStore):
        """The run publishes as soon as the erasure has rewritten a part."""

        def _operate(self, operation, *arguments):
            answer = super()._operate(operation, *arguments)
            if operation == "put" and "/parts/" in arguments[0] and not committed:
                committed.append(True)
                writer.to_end()
            return answer

    pausing = PausingStore(store, at=None)
    write(pausing, SECOND, 4)
    copies = next(i for i, told in enumerate(pausing.log) if told.startswith("copy"))
    store.objects.clear()
    pausing = PausingStore(store, at=copies)
    writer = Writer(pausing, lambda s: write(s, SECOND, 4))
    writer.to_pause()
    without(Overtaken(store))
    assert committed
    assert broken_promise(store) is None
    assert "r2" not in ids_anywhere(store)


@pytest.mark.parametrize("alive", [True, False])
def test_two_erasures_at_every_operation_lose_neither(alive, store):
    """The second waits for the first, or takes over from it when it is silent; the first wakes and goes on."""
    held_out = 0
    for at in range(200):
        twin = store.twin()
        pausing = PausingStore(twin, at=at)
        first = Writer(pausing, without)
        first.to_pause()
        try:
            without(twin, 6, "r3", patience=IMPATIENT if alive else None)
        except LeaseHeld:
            held_out += 1
        first.to_end()
        assert isinstance(first.error, PublishError | StoreError | TableError | None), (at, first.error)
        assert first.error is None or not alive, at
        assert broken_promise(twin) is None, at
        without(twin, 7, "r2", "r3")
        assert ids_anywhere(twin) == {"r1", "r4", "r5"}, at
        check(twin)
        if not pausing.has_paused:
            break
    assert (held_out > 20) == alive


def test_an_erasure_that_is_not_finished_is_not_undone_by_a_rollback(store):
    tombstones = add_tombstones(store, LAYOUT, ["r2"])
    with pytest.raises(
        PublishError, match="0 of 1 erasures are finished; call the last erase again, and roll"
    ):
        roll_back(store, LAYOUT, HiveLive(store, LAYOUT), DAY, run_id(4), to=PREVIOUS, patience=silent())
    erase(store, LAYOUT, HiveLive(store, LAYOUT), tombstones, run_id(5), silent())
    assert get_tombstones(store, LAYOUT).num_finished == 1
    roll_back(store, LAYOUT, HiveLive(store, LAYOUT), DAY, run_id(6), to=PREVIOUS, patience=silent())
    assert "r2" not in ids_anywhere(store)


def test_a_receipt_that_lost_rows_otherwise_is_not_made_to_add_up_by_an_erasure(store):
    name = LAYOUT.receipt(RESULT_KEY, fragments(SECOND)[0].id)
    receipt = get_receipt(store, LAYOUT, RESULT_KEY, fragments(SECOND)[0])
    store.put(name, receipt.model_copy(update={"num_rows_erased": 1}).encode())
    with pytest.raises(PublishError, match="parts hold 1 rows, expected 0"):
        without(store)


def test_tombstones_hold_no_id():
    store = MemoryStore()
    add_tombstones(store, LAYOUT, ["review-number-one"])
    assert b"review-number-one" not in store.get(LAYOUT.tombstones).body


def test_of_tombstones_that_two_put_at_once_none_is_lost():
    class Beaten(MemoryStore):
        def put_if(self, name, body, etag):
            if not self.objects:
                self.objects.update(other.objects)
            return super().put_if(name, body, etag)

    other, store = MemoryStore(), Beaten()
    add_tombstones(other, LAYOUT, ["a"])
    grown = add_tombstones(store, LAYOUT, ["b"])
    assert grown.are_erased(pa.chunked_array([["a", "b", "c", None]])).tolist() == [True, True, False, False]
    assert grown.num_erasures == 2
    assert not Tombstones().are_erased(pa.chunked_array([["a"]])).any()
