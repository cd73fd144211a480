"""Garbage: what goes, what stays, and that no crash on the way leaves a table that names what is gone."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from crash_points import HOWS, mutations, overwrite, starts_in, stopped_everywhere
from partition_world import (
    BEATING,
    DAY,
    FIRST,
    LAYOUT,
    RESULT_KEY,
    SECOND,
    Archive,
    broken_promise,
    fragments,
    judge,
    run_id,
    silent,
    write,
)
from stores import Crash, MemoryStore, PausingStore, StoppingStore, Writer

from reviewmine.backfill.garbage import Collected, Garbage, Retention, collect, survey
from reviewmine.backfill.summary import Summary
from reviewmine.errors import LeaseHeld, LeaseLost, PublishError, StoreError, TableError
from reviewmine.partition import Partition
from reviewmine.store.erasing import erase
from reviewmine.store.filesystem import Store
from reviewmine.store.lease import LeaseRecord, Patience, take_lease, upkeep
from reviewmine.store.live import HiveLive
from reviewmine.store.manifest import history, live_manifest
from reviewmine.store.receipts import Receipt, get_receipt
from reviewmine.store.rollback import PREVIOUS, roll_back
from reviewmine.store.tombstones import add_tombstones

NOW = datetime.now(UTC)
MONTHS_AHEAD = NOW + timedelta(days=100)
IMPATIENT = Patience(ttl_s=20, wait_s=0, now=lambda: 0.0, sleep=lambda s: None)
"""Waits for nobody, and takes nobody for dead."""
THIRD: Archive = {"a.parquet": ["r1", "r2", "r2"], "b.parquet": ["r6"]}


def retention(
    *, keep: int = 1, now: datetime = MONTHS_AHEAD, older_than: timedelta = timedelta(days=7)
) -> Retention:
    """By default nothing is young any more."""
    return Retention.of(keep, older_than, runs=(), now=now)


def clean(store: Store, number: int = 8, *, beating: bool = False, **changes: object) -> Collected:
    patience = BEATING if beating else silent()
    return collect(store, LAYOUT, HiveLive(store, LAYOUT), retention(**changes), run_id(number), patience)


def clean_up(store: Store, number: int, beating: bool) -> object:
    return clean(store, number)


def counted(garbage: Garbage) -> tuple[int, int, int]:
    """Parts, receipts and manifests."""
    return len(garbage.all_parts()), len(garbage.receipts), len(garbage.all_manifests())


def generations(store: Store) -> int:
    return len(list(history(store, LAYOUT, DAY, live_manifest(store, LAYOUT, DAY))))


def check_names(store: Store) -> None:
    """No receipt and no manifest names a part that is gone."""
    parts = {file.name for file in store.list(LAYOUT.all_parts)}
    receipts = [Receipt.decode(store.get(f.name).body, where=f.name) for f in store.list(LAYOUT.all_receipts)]
    live = live_manifest(store, LAYOUT, DAY)
    manifests = list(history(store, LAYOUT, DAY, live)) if live else []
    assert {part.name for named in (*receipts, *manifests) for part in named.parts} <= parts


@pytest.fixture
def store() -> MemoryStore:
    """Three generations, the third live: the first has a part of its own, so has the second, two."""
    made = MemoryStore()
    write(made, FIRST, 0)
    write(made, SECOND, 1)
    write(made, THIRD, 2)
    return made


def test_what_is_live_and_the_last_generation_stay_and_what_is_older_goes(store):
    assert counted(clean(store).gone) == (1, 1, 1)
    judge(store, THIRD)
    assert generations(store) == 2
    roll_back(store, LAYOUT, HiveLive(store, LAYOUT), DAY, run_id(9), to=PREVIOUS, patience=silent())
    judge(store, SECOND)


@pytest.mark.parametrize(("keep", "gone"), [(0, (3, 3, 2)), (1, (1, 1, 1)), (2, (0, 0, 0)), (9, (0, 0, 0))])
def test_so_many_generations_stay_as_are_to_be_kept(store, keep, gone):
    assert counted(clean(store, keep=keep).gone) == gone
    judge(store, THIRD)
    check_names(store)
    assert counted(survey(store, LAYOUT, retention(keep=keep))) == (0, 0, 0)


def test_what_is_young_stays_whatever_is_to_be_kept(store):
    assert counted(clean(store, keep=0, now=NOW).gone) == (0, 0, 0)


def test_a_generation_is_as_old_as_the_publish_that_replaced_it(store):
    """It was live until then, however long ago it was published."""
    live = live_manifest(store, LAYOUT, DAY)
    late = live.model_copy(update={"published_at": MONTHS_AHEAD - timedelta(days=1)})
    store.put(LAYOUT.manifest(DAY, live.generation), late.encode())
    assert counted(survey(store, LAYOUT, retention(keep=0)))[2] == 1


def test_a_survey_takes_nothing_away(store):
    before = dict(store.objects)
    survey(store, LAYOUT, retention(keep=0))
    assert store.objects == before


def test_staged_receipts_that_a_run_may_still_use_stay_while_they_are_young():
    store = MemoryStore()
    stopped = StoppingStore(store, at=next_of(MemoryStore(), "leases"), how="before")
    with pytest.raises(Crash):
        write(stopped, FIRST, 1)
    assert counted(clean(store, now=NOW).gone) == (0, 0, 0)
    assert all(get_receipt(store, LAYOUT, RESULT_KEY, fragment) for fragment in fragments(FIRST))
    assert counted(clean(store).gone) == (2, 2, 0)


def test_a_part_without_a_receipt_stays_for_a_day_because_it_may_be_in_the_making():
    store = MemoryStore()
    with pytest.raises(Crash):
        write(StoppingStore(store, at=0, how="after"), FIRST, 1)
    none = timedelta()
    assert counted(clean(store, now=NOW, older_than=none).gone) == (0, 0, 0)
    assert counted(clean(store, now=NOW + timedelta(hours=25), older_than=none).gone) == (1, 0, 0)


def test_a_part_whose_age_cannot_be_told_stays_unless_what_is_taken_away_names_it(store):
    odd = f"{LAYOUT.all_parts}/{RESULT_KEY}/f/0123456789abcdef-dt=2024-01-01.parquet"
    foreign = f"{LAYOUT.all_parts}/{RESULT_KEY}/f/20200101T000000-notes.txt"
    store.put(odd, b"x")
    store.put(foreign, b"x")
    clean(store, keep=0)
    assert store.get(odd)
    assert store.get(foreign)


def test_what_a_run_under_way_counts_on_stays_and_a_dead_run_holds_nothing_back():
    def run(**changes: object) -> Summary:
        made = Summary(run_id="r", state="running", started_at=NOW - timedelta(days=20), updated_at=NOW)
        return made.model_copy(update=changes)

    week = timedelta(days=7)
    cases = {
        "alive": (run(), NOW - timedelta(days=27)),
        "done": (run(state="done"), NOW - week),
        "dead": (run(updated_at=NOW - timedelta(days=2)), NOW - week),
    }
    assert {name: Retention.of(1, week, runs=[r], now=NOW).since for name, (r, _) in cases.items()} == {
        name: since for name, (_, since) in cases.items()
    }


def test_receipts_of_a_run_that_is_not_done_stay_however_old_they_are_and_so_do_their_parts():
    """A run takes them up a week after they were put; a collection beside it leaves it whole."""
    store = MemoryStore()
    stopped = StoppingStore(store, at=next_of(MemoryStore(), "leases"), how="before")
    with pytest.raises(Crash):
        write(stopped, FIRST, 1)

    def gone(**changes: object) -> int:
        run = Summary(run_id="r", state="running", started_at=NOW, updated_at=NOW, result_key=RESULT_KEY)
        young = timedelta(hours=1)
        begun = run.model_copy(
            update={"started_at": MONTHS_AHEAD, "updated_at": MONTHS_AHEAD + young, **changes}
        )
        kept = Retention.of(1, timedelta(days=7), runs=[begun], now=MONTHS_AHEAD + 2 * young)
        garbage = survey(store, LAYOUT, kept)
        assert len(garbage.receipts) == len(garbage.all_parts())
        return len(garbage.receipts)

    assert [gone(), gone(state="stopped"), gone(state="failed")] == [0, 0, 0]
    assert [gone(state="done"), gone(result_key="another")] == [2, 2]
    assert [gone(result_key=""), gone(result_key="", state="stopped")] == [0, 2]
    assert gone(state="stopped", updated_at=MONTHS_AHEAD - timedelta(days=8)) == 2


def test_a_partition_that_a_live_run_holds_is_left_alone_and_told(store):
    elapsed = [0.0]
    patience = Patience(ttl_s=20, wait_s=0, now=lambda: elapsed[0], sleep=lambda s: None)
    take_lease(store, LAYOUT, DAY, run_id(5), patience)
    done = collect(store, LAYOUT, HiveLive(store, LAYOUT), retention(), run_id(8), patience)
    assert counted(done.gone) == (0, 1, 0)
    assert f"held by run {run_id(5)}" in done.held[DAY]
    assert counted(clean(store).gone) == (1, 0, 1)
    judge(store, THIRD)


def test_a_generation_of_a_journal_stays(store):
    """Whoever holds the partition next finishes it or undoes it; until then it may be the one that is live."""
    log = mutations(store.twin())
    stopped = StoppingStore(store, at=next(i for i, o in enumerate(log) if "/journal/" in o), how="after")
    with pytest.raises(Crash):
        overwrite(stopped, 3, False)
    assert counted(survey(store, LAYOUT, retention()))[2] == 1


def test_a_manifest_that_cannot_be_read_stops_everything(store):
    name = LAYOUT.manifest(DAY, f"{run_id(0)}-1")
    store.put(name, b"{")
    before = dict(store.objects)
    with pytest.raises(TableError, match=f"{name}: not a manifest that this reviewmine can read"):
        clean(store)
    assert {**store.objects, LAYOUT.upkeep_lease: b""} == {**before, LAYOUT.upkeep_lease: b""}


def test_partitions_that_only_have_parts_are_cleaned_too(store):
    other = Partition((("dt", "2024-02-02"),))
    store.put(f"{LAYOUT.all_parts}/k/f/20240101T000000-0123456789abcdef-{other.name}.parquet", b"x")
    assert other in clean(store).gone.parts


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("keep", [0, 1])
def test_a_collection_stopped_at_any_operation_reads_right_and_the_next_ends_the_work(how, keep, store):
    def act(stopped: Store, number: int, beating: bool) -> object:
        return clean(stopped, number, keep=keep)

    enumerated = stopped_everywhere(store.twin, how, act=act, expected=THIRD)
    assert enumerated.num_cases == len(enumerated.operations) > 4
    for at in range(len(enumerated.operations)):
        twin = store.twin()
        stopping = StoppingStore(twin, at=at, how="after")
        with pytest.raises(Crash):
            clean(stopping, keep=keep)
        judge(twin, THIRD)
        check_names(twin)
        clean(twin, 9, keep=keep)
        assert counted(survey(twin, LAYOUT, retention(keep=keep))) == (0, 0, 0)
        judge(twin, THIRD)


@pytest.mark.parametrize(("turn", "how"), list(enumerate(HOWS)))
def test_the_same_holds_in_an_s3_compatible_bucket_with_the_ways_to_stop_taking_turns(
    turn, how, s3_uri, store
):
    start, only = starts_in(s3_uri, store.objects), slice(turn, None, 4)
    assert stopped_everywhere(start, how, act=clean_up, expected=THIRD, only=only).num_cases >= 1


def go_back(store: Store, number: int, beating: bool) -> object:
    return roll_back(
        store, LAYOUT, HiveLive(store, LAYOUT), DAY, run_id(number), to=PREVIOUS, patience=silent()
    )


@pytest.mark.parametrize("act", [overwrite, go_back])
def test_a_collection_beside_a_writer_at_every_operation_takes_nothing_that_is_live(act, store):
    """The writer stops before an operation, everything that can go goes, and the writer goes on; and the other way."""
    for at in range(200):
        twin = store.twin()
        pausing = PausingStore(twin, at=at)
        writer = Writer(pausing, lambda s: act(s, 4, False))
        writer.to_pause()
        clean(twin, keep=0)
        writer.to_end()
        assert isinstance(writer.error, PublishError | TableError | StoreError | None), (at, writer.error)
        assert broken_promise(twin) is None, at
        check_names(twin)
        write(twin, SECOND, 6)
        judge(twin, SECOND)
        if not pausing.has_paused:
            break
    for at in range(200):
        twin = store.twin()
        pausing = PausingStore(twin, at=at)
        collector = Writer(pausing, lambda s: clean(s, keep=0))
        collector.to_pause()
        with suppress(TableError):  # there may be no way back any more
            act(twin, 4, False)
        collector.to_end()
        assert isinstance(collector.error, LeaseLost | LeaseHeld | None), (at, collector.error)
        assert broken_promise(twin) is None, at
        write(twin, SECOND, 6)
        judge(twin, SECOND)
        if not pausing.has_paused:
            break


@pytest.mark.parametrize("alive", [True, False])
def test_a_collection_beside_an_erasure_at_every_operation_takes_no_part_that_it_made(alive, store):
    """A live erasure keeps the collection out; what one has made that was taken for dead is young, and stays."""
    erased = add_tombstones(store, LAYOUT, ["r2", "r4"]).model_copy(update={"erased_at": MONTHS_AHEAD})
    store.put(LAYOUT.tombstones, erased.encode())
    held_out = 0
    for at in range(300):
        twin = store.twin()
        pausing = PausingStore(twin, at=at)
        eraser = Writer(pausing, lambda s: erase(s, LAYOUT, HiveLive(s, LAYOUT), erased, run_id(4), silent()))
        eraser.to_pause()
        try:
            collect(
                twin, LAYOUT, HiveLive(twin, LAYOUT), retention(), run_id(8), IMPATIENT if alive else silent()
            )
        except LeaseHeld:
            held_out += 1
        eraser.to_end()
        assert isinstance(eraser.error, PublishError | StoreError | TableError | None), (at, eraser.error)
        assert eraser.error is None or not alive, at
        assert broken_promise(twin) is None, at
        check_names(twin)
        erase(twin, LAYOUT, HiveLive(twin, LAYOUT), erased, run_id(5), silent())
        judge(without_tombstones(twin), {"a.parquet": ["r1"], "b.parquet": ["r6"]})
        if not pausing.has_paused:
            break
    assert (held_out > 20) == alive


def test_a_collection_waits_for_a_live_one_and_takes_over_from_a_dead_one(store):
    with upkeep(store, LAYOUT, run_id(7), silent()):
        with pytest.raises(LeaseHeld, match=f"upkeep of table: held by run {run_id(7)} on "):
            collect(store, LAYOUT, HiveLive(store, LAYOUT), retention(), run_id(8), IMPATIENT)
        assert counted(clean(store).gone) == (1, 1, 1)
    assert counted(clean(store).gone) == (0, 0, 0)


def erase_r2(store: Store, patience: Patience) -> bool:
    tombstones = add_tombstones(store, LAYOUT, ["r2"])
    return bool(erase(store, LAYOUT, HiveLive(store, LAYOUT), tombstones, run_id(8), patience).held)


def collect_all(store: Store, patience: Patience) -> bool:
    return bool(collect(store, LAYOUT, HiveLive(store, LAYOUT), retention(), run_id(8), patience).held)


@pytest.mark.parametrize("act", [erase_r2, collect_all])
def test_the_lease_of_the_upkeep_beats_while_its_holder_waits_for_a_partition(act, store):
    """Nobody takes for dead an erasure or a collection that waits for a live run."""
    elapsed_s = [0.0]
    beats = []

    def sleep(seconds: float) -> None:
        elapsed_s[0] += seconds
        running.keep()
        beats.append(LeaseRecord.decode(store.get(LAYOUT.upkeep_lease).body, where="upkeep").heartbeat)

    patience = Patience(now=lambda: elapsed_s[0], sleep=sleep)
    running = take_lease(store, LAYOUT, DAY, run_id(4), patience)
    assert act(store, patience)
    assert elapsed_s[0] >= patience.wait_s
    longest = max(beats.count(beat) for beat in beats) * patience.poll_s
    assert longest <= patience.ttl_s / 2


def test_the_lease_of_the_upkeep_beats_while_a_partition_is_published_without_its_rows(store):
    class Slow(MemoryStore):
        def copy(self, source: str, target: str) -> None:
            elapsed_s[0] += 15
            super().copy(source, target)
            beats.append(LeaseRecord.decode(self.get(LAYOUT.upkeep_lease).body, where="upkeep").heartbeat)

    elapsed_s, beats = [0.0], []
    patience = Patience(now=lambda: elapsed_s[0], sleep=lambda seconds: None)
    assert not erase_r2(Slow(objects=store.objects), patience)
    assert beats == sorted(set(beats))


def without_tombstones(store: MemoryStore) -> MemoryStore:
    return MemoryStore(
        objects={name: body for name, body in store.objects.items() if name != LAYOUT.tombstones}
    )


def next_of(store: Store, part: str) -> int:
    """The number of the first mutation of a publish on a name that holds `part`."""
    counted_store = StoppingStore(store)
    write(counted_store, FIRST, 1)
    return next(i for i, operation in enumerate(counted_store.log) if part in operation)
