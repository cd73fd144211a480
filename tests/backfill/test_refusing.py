"""Refusing: folders that spell one value in two ways are two partitions, and one to readers of Iceberg."""

import shutil
from pathlib import Path

import pytest
from archives import reviews
from backfill_world import World

from reviewmine.backfill.selection import Selection
from reviewmine.backfill.undoing import undo
from reviewmine.errors import EXIT_FAILED, TableError
from reviewmine.partition import Partition
from reviewmine.store.catalog_entry import IcebergSettings
from reviewmine.store.layout import new_run_id
from reviewmine.store.manifest import Pointer

PLAIN, ESCAPED, OTHER = "ts=10:00", "ts=10%3A00", "ts=11:00"


def written(root: Path, *folders: str, iceberg: bool = True) -> World:
    world = World(root, iceberg=IcebergSettings() if iceberg else None)
    return world.write({f"{folder}/a.parquet": reviews([folder]) for folder in folders})


def test_two_spellings_of_one_value_are_refused_and_the_others_are_published(tmp_path):
    world = written(tmp_path, PLAIN, ESCAPED, OTHER)
    summary = world.run()
    assert (summary.exit_code, summary.partitions_published) == (EXIT_FAILED, 1)
    assert summary.partitions_failed == {
        one: f"{world.table.uri}: partition {one}: found {other} beside it, which is the same value to readers of this "
        "table; expected one folder for a value: move the files of both into one, and empty with --prune what is gone"
        for one, other in ((PLAIN, ESCAPED), (ESCAPED, PLAIN))
    }


def test_a_second_spelling_takes_nothing_from_the_first_that_is_live(tmp_path):
    world = written(tmp_path, PLAIN, OTHER)
    world.run()
    before = world.table.live.sizes()
    world.write({f"{ESCAPED}/b.parquet": reviews(["b"])})
    with pytest.raises(TableError, match=f"partition {ESCAPED}: found {PLAIN} beside it"):
        world.run()
    assert world.table.live.sizes() == before


def test_a_folder_that_was_renamed_to_another_spelling_is_published_once_the_first_is_pruned(tmp_path):
    world = written(tmp_path, PLAIN, OTHER)
    world.run()
    shutil.move(world.root / PLAIN, world.root / ESCAPED)
    prune = Selection(prune=True)
    with pytest.raises(TableError, match=r"found ts=10:00 beside it"):
        world.run()
    assert world.run(selection=prune).partitions_failed.keys() == {ESCAPED}
    assert world.run(selection=prune).exit_code == 0
    assert world.states() == {ESCAPED: "fresh", OTHER: "fresh"}
    assert len(world.table.live.sizes()) == 2


def test_a_rollback_brings_no_rows_back_in_the_place_of_another_spelling(tmp_path):
    world = written(tmp_path, PLAIN, OTHER)
    world.run()
    shutil.move(world.root / PLAIN, world.root / ESCAPED)
    for _ in range(2):
        world.run(selection=Selection(prune=True))
    (undone,) = undo(
        world.table, [Partition.of_path(PLAIN)], new_run_id(), to="previous", patience=world.patience()
    )
    assert f"partition {PLAIN}: found {ESCAPED} beside it" in undone.failure
    assert world.states() == {ESCAPED: "fresh", OTHER: "fresh"}


def test_another_spelling_that_was_never_published_stands_in_no_rollback_s_way(tmp_path):
    world = written(tmp_path, PLAIN, OTHER)
    world.run()
    world.run(checkpoint="two")
    store, layout = world.table.store, world.table.layout
    store.put(layout.pointer(Partition.of_path(ESCAPED)), Pointer(generation=None, fence=1).encode())
    (undone,) = undo(
        world.table, [Partition.of_path(PLAIN)], new_run_id(), to="previous", patience=world.patience()
    )
    assert undone.failure == ""
    assert world.states()[PLAIN] == "fresh"


def test_both_are_published_where_readers_list_folders(tmp_path):
    world = written(tmp_path, PLAIN, ESCAPED, iceberg=False)
    world.run()
    world.judge({PLAIN: [PLAIN], ESCAPED: [ESCAPED]})
