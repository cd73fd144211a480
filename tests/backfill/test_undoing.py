"""Undoing: a range of partitions rolled back, each by itself, and what a plan says of them afterwards."""

import pytest
from archives import reviews, write_files
from backfill_world import EXPECTED, FIRST, SECOND, World, two_days
from partition_world import silent

from reviewmine.backfill.undoing import Undone, chosen_partitions, undo
from reviewmine.errors import TableError, UsageError
from reviewmine.partition import Partition
from reviewmine.store.layout import new_run_id
from reviewmine.store.manifest import live_manifest, published_partitions


@pytest.fixture
def world(tmp_path) -> World:
    """Both days by checkpoint one, then by checkpoint two."""
    made = two_days(tmp_path)
    made.run()
    made.run(checkpoint="two")
    return made


def undone(world: World, written: str, *, to: str = "previous") -> list[Undone]:
    table = world.table
    return undo(table, chosen_partitions(table, written), new_run_id(), to=to, patience=silent())


def test_a_range_is_rolled_back_and_the_rest_is_left(world):
    (one,) = undone(world, "2024-01-02..2024-01-31")
    assert (str(one.partition), one.failure, one.differences) == (SECOND, "", ("checkpoint",))
    assert world.states(checkpoint="two") == {FIRST: "fresh", SECOND: "stale: checkpoint changed (full pass)"}
    assert world.states(checkpoint="one") == {FIRST: "stale: checkpoint changed (full pass)", SECOND: "fresh"}
    world.judge(EXPECTED)


@pytest.mark.parametrize("record", ["pointer", "manifest"])
def test_a_damaged_record_of_another_partition_is_told_and_does_not_stand_in_the_way(world, record, caplog):
    store, layout, first = world.table.store, world.table.layout, Partition.of_path(FIRST)
    generation = live_manifest(store, layout, first).generation
    name = layout.pointer(first) if record == "pointer" else layout.manifest(first, generation)
    store.put(name, b"{")
    (one,) = undone(world, "2024-01-02")
    assert (str(one.partition), one.failure) == (SECOND, "")
    assert name in caplog.text
    assert name in undone(world, "2024-01-01")[0].failure


def test_a_run_that_wants_what_was_rolled_back_does_it_again_from_its_receipts(world):
    undone(world, "all")
    world.run(checkpoint="two")
    assert world.num_done() == 0
    assert set(world.states(checkpoint="two").values()) == {"fresh"}
    world.judge(EXPECTED)


def test_what_was_published_by_one_run_is_restored_by_its_name(world):
    first = world.records()[0].run_id
    world.run(checkpoint="three")
    assert [one.rollback.restored.run_id for one in undone(world, "all", to=first)] == [first, first]
    assert set(world.states(checkpoint="one").values()) == {"fresh"}


def test_files_that_changed_since_are_told_as_what_makes_it_stale(world):
    write_files(world.root, {f"{FIRST}/b.parquet": reviews(["b1", "b2"])})
    world.run(checkpoint="two")
    (one,) = undone(world, "2024-01-01")
    assert one.differences == ("archive",)
    assert world.states(checkpoint="two")[FIRST] == "stale: archive changed"


def test_a_partition_without_a_way_back_is_named_and_the_others_go_back(world):
    write_files(world.root, {"dt=2024-01-03/d.parquet": reviews(["d1"])})
    world.run(checkpoint="two")
    found = {str(one.partition): one.failure for one in undone(world, "all")}
    assert (found[FIRST], found[SECOND]) == ("", "")
    assert "no generation before" in found["dt=2024-01-03"]


def test_a_rollback_that_would_give_the_table_two_schemas_is_refused_before_anything_is_done(tmp_path):
    days = {f"{day}/a.parquet": reviews(["a1", "a2"], rating=[1, 2]) for day in (FIRST, SECOND)}
    world = World(tmp_path).write(days)
    world.run()
    world.carry = ("rating",)
    world.run()
    before = world.live_files()
    with pytest.raises(
        TableError, match=r"dt=2024-01-01 would have contract version 1 and carry no columns, dt=.*all"
    ):
        undone(world, "2024-01-01")
    assert world.live_files() == before
    undone(world, "all")
    assert {
        live_manifest(world.table.store, world.table.layout, p).ingredients["carried columns"]
        for p in published_partitions(world.table.store, world.table.layout)
    } == {""}


def test_two_schemas_that_stood_before_do_not_keep_a_partition_from_going_back(world):
    """A run that was cut off on its way from one schema to another leaves such a table."""
    store, layout = world.table.store, world.table.layout
    first = next(iter(published_partitions(store, layout)))
    live = live_manifest(store, layout, first)
    odd = live.model_copy(update={"ingredients": {**live.ingredients, "carried columns": "rating int64"}})
    store.put(layout.manifest(first, live.generation), odd.encode())
    (one,) = undone(world, "2024-01-02")
    assert (one.failure, one.differences) == ("", ("checkpoint",))


def test_a_range_that_covers_nothing_says_what_there_is(world):
    with pytest.raises(
        UsageError, match=r"covers no partition of .*; found dt=2024-01-01 to dt=2024-01-02; 'all'"
    ):
        undone(world, "2030..2031")


def test_the_one_partition_of_a_table_without_keys_is_all(tmp_path):
    world = World(tmp_path).write({"a.parquet": reviews(["a1"])})
    world.run()
    world.run(checkpoint="two")
    (one,) = undone(world, "all")
    assert str(one.partition) == "all"
    assert world.states(checkpoint="one") == {"all": "fresh"}
