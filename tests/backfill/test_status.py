"""Status: what the meta of a table says, and what is told of a part of it that cannot be read."""

from datetime import UTC, datetime, timedelta

import pytest
from archives import corrupt, reviews, write_files
from backfill_world import FIRST, SECOND, World, two_days
from partition_world import BEATING, run_id, silent
from stores import Crash, StoppingStore

from reviewmine.backfill.status import PartitionStatus, status_of
from reviewmine.errors import RejectBudgetExceeded, TableError
from reviewmine.partition import Partition
from reviewmine.store.erasing import erase
from reviewmine.store.journal import Journal
from reviewmine.store.layout import new_run_id
from reviewmine.store.lease import take_lease
from reviewmine.store.manifest import live_manifest
from reviewmine.store.rollback import PREVIOUS, roll_back
from reviewmine.store.table import Table
from reviewmine.store.tombstones import add_tombstones
from reviewmine.table_console import status_lines

DAY = Partition((("dt", "2024-01-01"),))


@pytest.fixture
def world(tmp_path) -> World:
    made = two_days(tmp_path)
    made.run()
    return made


def partitions(world: World) -> dict[str, PartitionStatus]:
    return {found.partition: found for found in status_of(world.table).partitions}


def test_each_partition_says_what_is_live_in_it_and_what_was_before(world):
    first = partitions(world)[FIRST].generation
    write_files(world.root, {f"{FIRST}/b.parquet": reviews(["b1", "b2"])})
    summary = world.run()
    found = partitions(world)
    live = live_manifest(world.table.store, world.table.layout, DAY)
    assert (found[FIRST].state, found[FIRST].rows, found[FIRST].run_id) == ("live", 5, summary.run_id)
    assert (found[FIRST].published_at, found[FIRST].earlier) == (live.published_at, (first,))
    assert (found[SECOND].rows, found[SECOND].earlier, found[SECOND].holder) == (2, (), None)


def test_a_rollback_is_told_as_one(world):
    write_files(world.root, {f"{FIRST}/b.parquet": reviews(["b1", "b2"])})
    world.run()
    table = world.table
    done = roll_back(table.store, table.layout, table.live, DAY, new_run_id(), to=PREVIOUS, patience=silent())
    assert partitions(world)[FIRST].restores == done.restored.generation


def test_looking_writes_nothing(world):
    before = list(world.table.store.list(""))
    status_of(world.table, wait=lambda: None)
    assert list(world.table.store.list("")) == before


def test_each_run_says_how_it_ended_how_much_it_did_and_how_fast(world):
    status = status_of(world.table)
    (run,) = status.runs
    assert (run.state, run.rows_read, run.rows_due) == ("done", 6, 6)
    assert (run.partitions_published, run.partitions_due) == (2, 2)
    assert run.rows_per_s > 0
    assert run.started_at < run.updated_at <= datetime.now(UTC)


def test_runs_come_in_the_order_they_began_in(world):
    for checkpoint in ("two", "three", "four"):
        world.run(checkpoint=checkpoint)
    begun = [run.started_at for run in status_of(world.table).runs]
    assert begun == sorted(begun)
    assert len(begun) == 4


@pytest.mark.parametrize(("beats", "told"), [(True, True), (False, False)])
def test_who_holds_a_partition_and_whether_the_heartbeat_moves(world, beats, told):
    lease = take_lease(world.table.store, world.table.layout, DAY, run_id(7), BEATING)
    wait = lease.keep if beats else lambda: None
    found = {p.partition: p for p in status_of(world.table, wait=wait).partitions}[FIRST]
    assert (found.holder.run_id, found.holder.since) == (run_id(7), lease.record.taken_at)
    assert found.holder.is_beating is told
    assert partitions(world)[FIRST].holder.is_beating is None
    lease.release()
    assert partitions(world)[FIRST].holder is None


def test_a_holder_that_lets_go_between_the_looks_is_none(world):
    lease = take_lease(world.table.store, world.table.layout, DAY, run_id(7), silent())
    found = status_of(world.table, wait=lease.release)
    assert [p.holder for p in found.partitions] == [None, None]


def test_a_publish_that_was_cut_off_is_told(world):
    store, layout = world.table.store, world.table.layout
    store.put(layout.journal(DAY, 9), Journal(run_id=run_id(1), fence=9, puts=(), replaces=()).encode())
    assert {name: found.has_journal for name, found in partitions(world).items()} == {
        FIRST: True,
        SECOND: False,
    }


def test_a_partition_that_was_begun_and_never_published_is_told(tmp_path):
    world = two_days(tmp_path)
    run = world.prepare()
    table = world.table
    table.store = StoppingStore(table.store, at=None)
    run._publisher._store = StoppingStore(run._publisher._store, at=1, how="before")
    with pytest.raises(Crash):
        run.run()
    (found,) = status_of(Table(table.uri)).partitions
    assert (found.state, found.generation, found.rows) == ("unpublished", None, 0)


def test_a_partition_without_rows_is_empty(tmp_path):
    world = World(tmp_path).write({f"{FIRST}/a.parquet": reviews([])})
    world.run()
    assert partitions(world)[FIRST].state == "empty"


def test_live_files_that_are_missing_are_told_with_one_of_them(world):
    gone = live_manifest(world.table.store, world.table.layout, DAY).live_files[1]
    world.table.store.delete(gone)
    found = partitions(world)[FIRST]
    assert (found.state, found.reason) == ("damaged", f"1 live files are missing, such as {gone}")


def test_a_manifest_that_cannot_be_read_hides_no_other_partition(world):
    live = live_manifest(world.table.store, world.table.layout, DAY)
    name = world.table.layout.manifest(DAY, live.generation)
    world.table.store.put(name, b'{"partition": ')
    found = partitions(world)
    assert (found[FIRST].state, found[SECOND].state) == ("unreadable", "live")
    assert f"{name}: not a manifest that this reviewmine can read" in found[FIRST].reason


def test_a_run_record_that_cannot_be_read_hides_no_other(world):
    world.table.store.put(world.table.layout.run("20990101T000000-00000000"), b"{")
    assert [run.state for run in status_of(world.table).runs] == ["done", "unreadable"]


def test_files_that_were_rejected_since_a_partition_was_published_are_told_with_their_reason(world):
    write_files(world.root, {f"{FIRST}/b.parquet": reviews(["b1", "b2"])})
    corrupt(world.root / FIRST / "b.parquet")
    with pytest.raises(RejectBudgetExceeded):
        world.run()
    found = partitions(world)
    assert [reject.split(":")[0] for reject in found[FIRST].rejects] == [f"{FIRST}/b.parquet"]
    assert found[SECOND].rejects == ()
    write_files(world.root, {f"{FIRST}/b.parquet": reviews(["b1"])})
    world.run()
    assert partitions(world)[FIRST].rejects == ()


def test_foreign_files_in_the_table_are_told(world):
    world.table.store.put(f"{world.table.layout.table}/{FIRST}/notes.txt", b"x")
    assert status_of(world.table).foreign_files == (f"table/{FIRST}/notes.txt",)


def test_an_erasure_that_was_cut_off_is_told_until_it_is_finished(world):
    store, layout = world.table.store, world.table.layout
    assert status_of(world.table).erasures == ""
    tombstones = add_tombstones(store, layout, ["a2"])
    found = status_of(world.table)
    assert (found.num_erasures, found.num_erasures_finished) == (1, 0)
    assert found.erasures.startswith("0 of 1 erasures are finished, and rows that are to be gone may still")
    assert any(line == f"erasures: {found.erasures}" for line in status_lines(found, now=datetime.now(UTC)))
    erase(store, layout, world.table.live, tombstones, new_run_id(), silent())
    assert status_of(world.table).erasures == ""


def test_a_record_of_erasures_that_cannot_be_read_hides_no_partition(world):
    world.table.store.put(world.table.layout.tombstones, b"{")
    found = status_of(world.table)
    assert "erased.json: not a tombstones that this reviewmine can read" in found.erasures
    assert len(found.partitions) == 2


def test_a_place_without_a_table_is_an_error_that_says_so(tmp_path):
    with pytest.raises(
        TableError, match=r"there is no table here: found no nothing__meta/table\.json; correct"
    ):
        status_of(Table(str(tmp_path / "nothing")))


@pytest.mark.parametrize(
    ("silent", "told"),
    [
        (
            timedelta(minutes=2),
            "running; last heard of 2 min 00 s ago; 1 of 2 partitions published; 3 of 6 rows; 0.5 rows/s; ",
        ),
        (timedelta(hours=9), "running or dead; last heard of 9 h 00 min ago; "),
    ],
)
def test_a_run_that_was_silent_for_long_may_be_dead_and_nothing_is_foretold_of_it(world, silent, told):
    record = world.records()[-1].model_copy(
        update={"state": "running", "rows_due": 6, "rows_read": 3, "seconds": 6.0, "partitions_published": 1}
    )
    world.table.store.put(world.table.layout.run(record.run_id), record.encode())
    (line,) = [
        line
        for line in status_lines(status_of(world.table), now=record.updated_at + silent)
        if record.run_id in line and "rows/s" in line
    ]
    assert told in line
    assert line.endswith(" left") == (silent < timedelta(hours=1))
