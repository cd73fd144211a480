"""Lineage: every row of an id, with where it comes from and what made it."""

import pytest
from archives import reviews, write_files
from backfill_world import FIRST, SECOND, World

from reviewmine.errors import TableError
from reviewmine.store.archive import Archive
from reviewmine.store.table import Table
from reviewmine.warehouse.lineage import lineage


@pytest.fixture
def world(tmp_path) -> World:
    made = World(tmp_path).write(
        {
            f"{FIRST}/a.parquet": reviews(["a1", "a2", "a2", "a3", "a4"]),
            f"{SECOND}/c.parquet": reviews(["c1", "a1"]),
        },
        rows_per_group=2,
    )
    made.run()
    return made


def test_every_row_of_an_id_says_file_row_model_run_settings_and_when(world):
    summary = world.run(checkpoint="two")
    first, second = lineage(world.table, "a1")
    assert (first.partition, first.source_file, first.source_row) == (FIRST, f"{FIRST}/a.parquet", 0)
    assert (second.partition, second.source_file, second.source_row) == (SECOND, f"{SECOND}/c.parquet", 1)
    assert (first.model_version, first.run_id, first.status) == ("made up", summary.run_id, "empty")
    assert first.settings["checkpoint"] == "two"
    assert first.generation.startswith(summary.run_id)
    assert summary.started_at <= first.annotated_at <= first.published_at
    assert Archive(str(world.root)).store.stat(first.source_file).etag == first.source_etag
    assert {first.live_file, second.live_file} <= {
        f"{world.table.location.parent.uri}/{n}" for n in world.live_files()
    }


def test_an_id_that_repeats_in_a_file_has_a_line_for_each_row(world):
    assert [row.source_row for row in lineage(world.table, "a2")] == [1, 2]


@pytest.mark.parametrize("review", ["zz", "", "a11"])
def test_an_id_that_is_not_there_has_none(world, review):
    assert lineage(world.table, review) == []


def test_the_archive_tells_the_row_group_and_whether_the_file_is_what_it_was(world):
    archive = Archive(str(world.root))
    found = {row.source_row: row for row in lineage(world.table, "a2", archive)}
    assert {number: row.source_row_group for number, row in found.items()} == {1: 0, 2: 1}
    assert all(row.source_is_unchanged for row in found.values())
    write_files(world.root, {f"{FIRST}/a.parquet": reviews(["a2"])})
    (changed, _) = lineage(world.table, "a2", archive)
    assert (changed.source_is_unchanged, changed.source_row_group) == (False, None)
    (world.root / FIRST / "a.parquet").unlink()
    (gone, _) = lineage(world.table, "a2", archive)
    assert gone.source_is_unchanged is False


def test_rows_without_an_id_are_nobody_s(tmp_path):
    world = World(tmp_path).write({"a.parquet": reviews(["a1", None])})
    world.run()
    assert [len(lineage(world.table, review)) for review in ("a1", "None", "")] == [1, 0, 0]


def test_a_place_without_a_table_is_an_error_that_says_so(tmp_path):
    with pytest.raises(TableError, match="there is no table here"):
        lineage(Table(str(tmp_path / "nothing")), "a1")
