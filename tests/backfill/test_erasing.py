"""Whose rows are erased, and that no run brings them back from an archive that still has them."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archives import reviews, write_files
from backfill_world import EXPECTED, FIRST, SECOND, World, two_days
from partition_world import silent
from stores import Crash, MemoryStore, PausingStore, WrappedStore, Writer

from reviewmine.backfill.erasing import ids_to_erase
from reviewmine.backfill.runs import runs_of, unaware_of
from reviewmine.backfill.work import FragmentReader, FragmentWriter, Outcome, Task
from reviewmine.errors import TableError, UsageError
from reviewmine.store.erasing import Erased, erase
from reviewmine.store.layout import new_run_id
from reviewmine.store.live import HiveLive
from reviewmine.store.receipts import get_receipt, put_receipt
from reviewmine.store.tombstones import add_tombstones, get_tombstones

WITHOUT_A2 = {FIRST: ["a1", "b1"], SECOND: ["c1", "a1"]}


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = two_days(tmp_path)
    made.run()
    return made


def without(world: World, *ids: str, later: timedelta = timedelta()) -> Erased:
    store, layout = world.table.store, world.table.layout
    tombstones = add_tombstones(store, layout, ids)
    now = datetime.now(UTC) + later
    unaware = unaware_of(tombstones, runs_of(store, layout, now=now), now=now)
    return erase(store, layout, HiveLive(store, layout), tombstones, new_run_id(), silent(), awaited=unaware)


class Interrupted(WrappedStore):
    """Calls `before` before, and `after` after, the first put of a part."""

    def __init__(self, world: World, before: Callable[[], None], after: Callable[[], None] = lambda: None):
        super().__init__(world.table.store)
        self._world, self._before, self._after = world, before, after

    def put(self, name: str, body: bytes) -> None:
        if "/parts/" not in name:
            return super().put(name, body)
        self._world.table.store = self.store
        self._before()
        super().put(name, body)
        return self._after()


def asked(world: World, **how: object) -> Counter[str]:
    nothing = {"review_ids": None, "user_id": None, "archive": None, "run_file": None}
    return Counter(ids_to_erase(world.table, **{**nothing, **how}))


def ids_in_files(world: World) -> set[str]:
    """The ids in every Parquet file of table and meta."""
    root = Path(world.table.location.parent.path)
    files = [path for path in root.rglob("*.parquet") if "archive" not in path.parts]
    return {review for path in files for review in pq.ParquetFile(path).read()["review_id"].to_pylist()}


def test_erased_rows_are_gone_and_the_table_is_fresh(world):
    erased = without(world, "a2")
    assert [row for trace in erased.traces for row in trace.rows] == [
        ("a2", f"{FIRST}/a.parquet", 1),
        ("a2", f"{FIRST}/a.parquet", 2),
    ]
    world.judge(WITHOUT_A2)
    assert set(world.states().values()) == {"fresh"}
    assert "a2" not in ids_in_files(world)


@pytest.mark.parametrize("checkpoint", ["one", "two"])
def test_no_run_brings_them_back(world, checkpoint):
    without(world, "a2")
    write_files(world.root, {f"{FIRST}/b.parquet": reviews(["b1", "a2", "b2"])})
    world.run(checkpoint=checkpoint)
    world.judge({FIRST: ["a1", "b1", "b2"], SECOND: ["c1", "a1"]})
    assert "a2" not in ids_in_files(world)


def test_receipts_of_the_rest_are_used_again(world):
    without(world, "c1")
    write_files(world.root, {f"{FIRST}/b.parquet": reviews(["b1", "b2"])})
    world.run()
    assert world.num_done() == 1


def test_a_fragment_of_which_nothing_is_left_has_no_part(world):
    without(world, "b1")
    world.run(checkpoint="two")
    world.judge({FIRST: ["a1", "a2", "a2"], SECOND: ["c1", "a1"]})


def test_receipts_that_no_erasure_has_rewritten_are_made_again(world):
    """They were put after it had come by: what the run publishes is refused, and the next run makes it anew."""
    run = world.prepare(checkpoint="two")
    add_tombstones(world.table.store, world.table.layout, ["a2"])
    write = world.executor._write
    stale = []

    def late(task, annotations, carried_over, effort):
        receipt = write(task, annotations, carried_over, effort)
        stale.append(receipt.model_copy(update={"num_erasures": 0}))
        put_receipt(world.table.store, world.table.layout, stale[-1])
        return stale[-1]

    world.executor._write = late
    assert set(run.run().partitions_failed) == {FIRST, SECOND}
    without(world, "a2")
    world.run(checkpoint="two")
    world.judge(WITHOUT_A2)


def test_a_part_that_a_worker_puts_after_the_last_look_of_an_erasure_is_taken_back(world):
    """It had read the tombstones of before: the run publishes its partitions without the rows all the same."""
    erased = []
    run = world.prepare(checkpoint="two")
    world.table.store = Interrupted(world, lambda: erased.append(without(world, "a2")))
    assert run.run().partitions_failed == {}
    world.judge(WITHOUT_A2)
    assert "a2" not in ids_in_files(world)
    assert f"run {run.summary.run_id}, last heard of at" in erased[0].awaited[0]


def test_an_erasure_at_any_operation_of_a_worker_leaves_no_row_and_no_receipt_that_brings_one_back(tmp_path):
    world = two_days(tmp_path)
    start = world.table.store = MemoryStore()
    run = world.prepare()
    task = Task(
        fragment=next(f for p in run._plan.due() for f in p.fragments if f.path.endswith("a.parquet"))
    )
    job, layout = world.executor._job, world.table.layout
    annotations = world.executor._annotate(task, FragmentReader(job)(task))
    for at in range(50):
        store = start.twin()
        world.table.store = PausingStore(store, at=at)
        writer = Writer(world.table.store, lambda _: FragmentWriter(job)(task, annotations))
        writer.to_pause()
        tombstones = add_tombstones(store, layout, ["a2"])
        erase(store, layout, HiveLive(store, layout), tombstones, new_run_id(), silent())
        writer.to_end()
        assert writer.error is None, at
        bodies = [store.get(file.name).body for file in store.list(layout.all_parts)]
        assert not any("a2" in ids_in(body) for body in bodies), at
        receipt = get_receipt(store, layout, job.result_key, task.fragment)
        assert receipt.num_erasures == 0 or all(store.stat(part.name) for part in receipt.parts), at
        if not world.table.store.has_paused:
            break
    assert at > 3


def test_an_erasure_is_not_finished_while_a_worker_that_began_before_may_die_and_leave_a_part(world):
    def die() -> None:
        raise Crash

    erased = []
    run = world.prepare(checkpoint="two")
    world.table.store = Interrupted(world, lambda: erased.append(without(world, "a2")), die)
    with pytest.raises(Crash):
        run.run()
    store, layout = world.table.store, world.table.layout
    assert (erased[0].is_finished, get_tombstones(store, layout).num_finished) == (False, 0)
    assert "a2" in ids_in_files(world)
    assert not without(world, "a2").is_finished
    assert without(world, "a2", later=timedelta(minutes=11)).is_finished
    assert get_tombstones(store, layout).num_finished == 1
    assert "a2" not in ids_in_files(world)


def test_a_plan_warns_of_an_erasure_that_was_cut_off(world, caplog):
    add_tombstones(world.table.store, world.table.layout, ["a2"])
    assert set(world.states().values()) == {"fresh"}
    assert f"{world.table.uri}: 0 of 1 erasures are finished, and rows that are to be gone" in caplog.text
    caplog.clear()
    without(world, "a2")
    world.states()
    assert caplog.text == ""


@pytest.mark.parametrize(("gone", "left"), [("nobody", EXPECTED), ("a2", WITHOUT_A2)])
def test_a_run_publishes_what_it_annotated_before_an_erasure_as_that_rewrote_it(tmp_path, gone, left):
    world = two_days(tmp_path)
    annotated = []

    def after(outcome: Outcome) -> None:
        annotated.append(outcome)
        if len(annotated) == 1:
            without(world, gone)

    summary = world.run(after=after)
    assert (summary.partitions_failed, summary.partitions_published) == ({}, 2)
    world.judge(left)
    world.run()
    assert world.num_done() == 0
    assert without(world, gone).is_finished


def test_what_a_killed_writer_left_in_the_scratch_folder_is_erased_once_nobody_can_put_it_any_more(world):
    """A put of a local store is written there first; kill -9 before it is moved leaves it."""
    store, layout = world.table.store, world.table.layout
    parts = [store.get(file.name).body for file in store.list(layout.all_parts)]
    with_a2 = next(body for body in parts if "a2" in ids_in(body))
    without_a2 = next(body for body in parts if "a2" not in ids_in(body))
    now = datetime.now(UTC)

    def left(number: int, body: bytes, *, minutes: int) -> str:
        begun = now - timedelta(minutes=minutes)
        name = f"{layout.scratch}/{begun:%Y%m%dT%H%M%S}-{number:016x}.put"
        store.put(name, body)
        return name

    old = [left(0, with_a2, minutes=11), left(1, with_a2[:-100], minutes=11)]
    young = [left(2, with_a2, minutes=5), left(3, with_a2[:-100], minutes=5)]
    others = [left(4, without_a2, minutes=11), left(5, b'{"run_id": ""}', minutes=5)]
    erased = without(world, "a2")
    assert [any(name in told for told in erased.awaited) for name in (*old, *young, *others)] == [
        False,
        False,
        True,
        True,
        False,
        False,
    ]
    assert {file.name for file in store.list(layout.scratch)} == {*young, *others}
    assert get_tombstones(store, layout).num_finished == 0
    for name in young:
        store.delete(name)
    assert without(world, "a2").is_finished


def ids_in(body: bytes) -> list[str]:
    return pq.read_table(pa.BufferReader(body))["review_id"].to_pylist()


def test_ids_are_read_from_a_file_a_line_each(world, tmp_path):
    file = tmp_path / "ids.txt"
    file.write_text("a1\n\n  a2 \n")
    assert asked(world, review_ids=file) == Counter(["a1", "a2"])
    file.write_text("\n")
    with pytest.raises(UsageError, match="found no id; expected a review id a line"):
        asked(world, review_ids=file)
    with pytest.raises(UsageError, match="cannot be read"):
        asked(world, review_ids=tmp_path / "nothing")


def test_the_reviews_of_a_user_are_told_by_the_archive(world):
    write_files(
        world.root,
        {
            f"{FIRST}/a.parquet": reviews(["a1", "a2", "a3"], user_id=["u", "v", "u"]),
            f"{FIRST}/b.parquet": reviews(["b1"], user_id=["v"]),
            f"{SECOND}/c.parquet": reviews(["c1", "a1"], user_id=[None, "u"]),
        },
    )
    assert asked(world, user_id="u", archive=str(world.root)) == Counter(["a1", "a3", "a1"])
    with pytest.raises(UsageError, match="has no review of this user"):
        asked(world, user_id="nobody", archive=str(world.root))


def test_ids_that_are_numbers_are_told_as_the_table_has_them(tmp_path):
    world = World(tmp_path).write({"a.parquet": reviews(["x", "y"], user_id=[7, 8])})
    world.run()
    assert asked(world, user_id="7", archive=str(world.root)) == Counter(["x"])


def test_an_archive_without_users_says_what_is_missing(world):
    with pytest.raises(UsageError, match=r"a\.parquet has no column 'user_id'; name it in the run file"):
        asked(world, user_id="u", archive=str(world.root))


def test_the_columns_of_a_run_file_name_the_users(world, tmp_path):
    write_files(world.root, {f"{day}/a.parquet": reviews(["a1"], who=["u"]) for day in (FIRST, SECOND)})
    for name in ("b", "c"):
        for path in world.root.rglob(f"{name}.parquet"):
            path.unlink()
    file = tmp_path / "run.toml"
    file.write_text('[columns]\nuser_id = "who"\n')
    assert asked(world, user_id="u", archive=str(world.root), run_file=file) == Counter(["a1", "a1"])


def test_without_an_archive_a_carried_column_tells_them(tmp_path):
    world = World(tmp_path, carry=["user_id"]).write({"a.parquet": reviews(["x", "y"], user_id=["u", "v"])})
    world.run()
    assert asked(world, user_id="v") == Counter(["y"])


@pytest.mark.parametrize("of_archive", [True, False])
def test_ids_that_reviews_of_others_have_too_are_refused_and_told(tmp_path, of_archive):
    users = {"a.parquet": reviews(["1", "2", "3", "4"], user_id=["u", "u", "u", "v"])}
    users["b.parquet"] = reviews(["2", "3", "5"], user_id=["v", None, "u"])
    world = World(tmp_path, carry=["user_id"]).write(users)
    world.run()
    archive = {"archive": str(world.root)} if of_archive else {}
    with pytest.raises(UsageError, match=r"2 are also those of reviews of others: 2, 3; .*--review-ids"):
        asked(world, user_id="u", **archive)
    with pytest.raises(UsageError, match="1 are also those of reviews of others: 2; "):
        asked(world, user_id="v", **archive)


def test_a_part_that_cannot_be_read_is_named_with_what_to_do(tmp_path):
    world = World(tmp_path, carry=["user_id"]).write({"a.parquet": reviews(["x"], user_id=["u"])})
    world.run()
    store = world.table.store
    (part,) = [file.name for file in store.list(world.table.layout.all_parts)]
    store.put(part, b"PAR1")
    with pytest.raises(TableError, match=f"{part}: cannot be read, so that nobody can say .*; restore it"):
        asked(world, user_id="u")


def test_an_erasure_of_a_user_that_was_cut_off_goes_on_though_no_live_row_is_left(tmp_path):
    world = World(tmp_path, carry=["user_id"]).write({"a.parquet": reviews(["x", "y"], user_id=["u", "v"])})
    world.run()
    world.run(checkpoint="two")
    store, layout = world.table.store, world.table.layout
    tombstones = add_tombstones(store, layout, ["y"])
    parts = [file.name for file in store.list(layout.all_parts)]
    assert asked(world, user_id="v") == Counter(["y"] * len(parts))
    erase(store, layout, HiveLive(store, layout), tombstones, new_run_id(), silent())
    with pytest.raises(UsageError, match="has no review of this user"):
        asked(world, user_id="v")
    add_tombstones(store, layout, ["z"])
    assert asked(world, user_id="v") == Counter()


def test_a_file_of_ids_may_begin_with_a_byte_order_mark(world, tmp_path):
    (tmp_path / "ids.txt").write_text("a1\n", encoding="utf-8-sig")
    assert asked(world, review_ids=tmp_path / "ids.txt") == Counter(["a1"])


def test_without_either_the_way_out_is_told(world):
    with pytest.raises(
        UsageError, match=r"does not carry 'user_id', .*; name the archive with --archive, or the"
    ):
        asked(world, user_id="u")


@pytest.mark.parametrize("how", [{}, {"review_ids": Path("x"), "user_id": "u"}])
def test_one_way_to_tell_them_is_wanted(world, how):
    with pytest.raises(UsageError, match="expected --review-ids FILE or --user-id USER, and not both"):
        asked(world, **how)
    world.judge(EXPECTED)


def test_an_erasure_since_the_plan_is_no_other_publish_and_the_run_goes_on_without_the_rows(world):
    run = world.prepare(checkpoint="two")
    without(world, "a2")
    assert run.run().partitions_failed == {}
    world.judge(WITHOUT_A2)
    assert "a2" not in ids_in_files(world)
