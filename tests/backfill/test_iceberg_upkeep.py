"""Iceberg tables looked after: status, rollback, gc, read, lineage and plan work on them, and erase refuses."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from archives import reviews
from backfill_world import EXPECTED, FIRST, SECOND, World
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import Table as IcebergTable

from reviewmine.cli import main
from reviewmine.errors import Stopped, TableError
from reviewmine.store.catalog_entry import IcebergSettings
from reviewmine.store.iceberg_catalog import EMBEDDED
from reviewmine.store.table import Table

FILES = {
    f"{FIRST}/a.parquet": reviews(["a1", "a2", "a2"], stars=[1, 2, 3]),
    f"{FIRST}/b.parquet": reviews(["b1"], stars=[4]),
    f"{SECOND}/c.parquet": reviews(["c1", "a1"], stars=[5, 6]),
}
IDS = sorted(review for ids in EXPECTED.values() for review in ids)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Both days by checkpoint one, then by checkpoint two, which saw another row."""
    made = World(tmp_path, iceberg=IcebergSettings()).write(FILES)
    made.run()
    made.write({f"{FIRST}/b.parquet": reviews(["b1", "b2"], stars=[4, 4])}).run(checkpoint="two")
    return made


def opened(world: World) -> IcebergTable:
    """The table as a reader opens it, without reviewmine."""
    embedded = f"{world.table.location.parent.path}/{world.table.layout.catalog}"
    return SqlCatalog(EMBEDDED, uri=f"sqlite:///{embedded}").load_table("reviewmine.table")


def seen(world: World, snapshot_id: int | None = None) -> list[str]:
    return sorted(opened(world).scan(snapshot_id=snapshot_id).to_arrow()["review_id"].to_pylist())


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


def told(capsys, *arguments: str) -> list[dict]:
    assert run(*arguments) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def roll_all_back(world: World, capsys) -> list[dict]:
    return told(capsys, "backfill", "rollback", world.table.uri, "--partitions", "all", "--json")


def test_a_rollback_is_a_snapshot_of_its_own_per_partition_and_asking_again_is_none(world, capsys):
    before = opened(world)
    for num_more in (2, 2):
        roll_all_back(world, capsys)
        assert len(opened(world).snapshots()) == len(before.snapshots()) + num_more
        assert seen(world) == IDS
        assert seen(world, before.current_snapshot().snapshot_id) == sorted([*IDS, "b2"])
    assert world.states(checkpoint="one") == {FIRST: "stale: archive changed", SECOND: "fresh"}
    world.run(checkpoint="two")
    assert world.num_done() == 0
    assert seen(world) == sorted([*IDS, "b2"])


def test_a_rollback_of_some_partitions_may_bring_back_columns_that_others_do_not_have(world, capsys):
    world.carry = ["stars"]
    world.run(checkpoint="two")
    uri = world.table.uri
    told(capsys, "backfill", "rollback", uri, "--partitions", "2024-01-02", "--json")
    rows = opened(world).scan().to_arrow().to_pylist()
    assert {(row["dt"], row["stars"] is None) for row in rows} == {
        ("2024-01-01", False),
        ("2024-01-02", True),
    }


def test_status_tells_what_the_snapshot_shows_and_what_another_hand_took_out_of_it(world):
    from reviewmine.backfill.status import status_of

    found = status_of(world.table)
    assert [(p.partition, p.state, p.rows, len(p.earlier)) for p in found.partitions] == [
        (FIRST, "live", 5, 1),
        (SECOND, "live", 2, 1),
    ]
    assert found.foreign_files == ()
    opened(world).delete("dt = '2024-01-02'")
    assert [p.state for p in status_of(world.table).partitions] == ["live", "damaged"]


def test_garbage_is_collected_without_touching_what_any_snapshot_names(world, capsys):
    uri = world.table.uri
    (gone,) = told(capsys, "backfill", "gc", uri, "--keep", "0", "--older-than", "0s", "--json")
    assert (gone["parts"], gone["manifests"]) == (3, 2)
    snapshots = opened(world).snapshots()
    assert [len(seen(world, snapshot.snapshot_id)) for snapshot in snapshots] == [4, 6, 7, 7]
    assert set(world.states(checkpoint="two").values()) == {"fresh"}


def test_read_prints_each_row_with_its_keys_once(world, capsys):
    rows = told(capsys, "read", world.table.uri)
    assert sorted((row["dt"], row["review_id"]) for row in rows) == sorted(
        [("2024-01-01", review) for review in ("a1", "a2", "a2", "b1", "b2")]
        + [("2024-01-02", review) for review in ("c1", "a1")]
    )
    assert run("read", world.table.uri, "--files") == 0
    named = {task.file.file_path.removeprefix("file://") for task in opened(world).scan().plan_files()}
    assert set(capsys.readouterr().out.splitlines()) == named


@pytest.mark.parametrize("name", ["rows.parquet", "rows.csv", "rows.jsonl"])
def test_an_export_has_the_columns_that_any_partition_carries(world, capsys, tmp_path, name):
    world.carry = ["stars"]
    world.run(SECOND, checkpoint="two")
    assert run("read", world.table.uri, "--out", str(tmp_path / name)) == 0
    assert "7 rows of 2 partitions" in capsys.readouterr().out
    if name == "rows.parquet":
        rows = pq.read_table(tmp_path / name).to_pylist()
        assert sorted((row["dt"], row["stars"]) for row in rows if row["stars"]) == [
            ("2024-01-02", 5),
            ("2024-01-02", 6),
        ]


def test_lineage_tells_every_row_of_an_id(world, capsys):
    rows = told(capsys, "lineage", world.table.uri, "a1", "--archive", str(world.root), "--json")
    assert [(row["source_file"], row["source_row"], row["source_is_unchanged"]) for row in rows] == [
        (f"{FIRST}/a.parquet", 0, True),
        (f"{SECOND}/c.parquet", 1, True),
    ]


def test_erase_is_refused_with_what_to_do_instead_and_leaves_no_trace(world, capsys, tmp_path):
    ids = tmp_path / "ids.txt"
    ids.write_text("a2\n")
    asked = ("erase", world.table.uri, "--review-ids", str(ids))
    assert run(*asked) == 1
    refused = capsys.readouterr().err
    assert "its earlier snapshots keep them" in refused
    assert "take the reviews out of the archive and annotate again" in refused
    assert world.table.store.get(world.table.layout.tombstones) is None
    assert run(*asked, "--dry-run") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "would be erased: 2 live, 2 earlier, 0 staged rows"


def test_a_table_that_a_plan_only_looks_for_is_not_made(tmp_path):
    table = Table(str(tmp_path / "table"))
    table.match(("dt",), None, iceberg=IcebergSettings())
    assert list(tmp_path.iterdir()) == []


def test_a_plan_refuses_what_the_run_would(world):
    world.table.match(("dt",), None, iceberg=IcebergSettings())
    with pytest.raises(TableError, match=r"found format iceberg .*expected format hive"):
        world.table.match(("dt",), None)
    with pytest.raises(TableError, match=r"expected format iceberg .*other\.table"):
        world.table.match(("dt",), None, iceberg=IcebergSettings(namespace="other"))


def test_rows_that_did_not_change_are_carried_over_with_the_run_that_made_them(world):
    world.write({f"{FIRST}/b.parquet": reviews(["b1", "b2", "b3"], stars=[4, 4, 4])})
    before = {row["review_id"]: row["run_id"] for row in opened(world).scan().to_arrow().to_pylist()}
    summary = world.run(checkpoint="two")
    after = {row["review_id"]: row["run_id"] for row in opened(world).scan().to_arrow().to_pylist()}
    assert {review: after[review] for review in before} == before
    assert after["b3"] == summary.run_id


def test_a_run_in_one_commit_that_its_budget_stops_publishes_nothing_and_the_next_goes_on(tmp_path):
    world = World(tmp_path, iceberg=IcebergSettings()).write(FILES)
    with pytest.raises(Stopped, match="with 1 partitions left"):
        world.run(together=True, budget_hours=1e-9)
    assert opened(world).snapshots() == []
    world.run(together=True)
    assert (world.num_done(), len(opened(world).snapshots())) == (1, 1)
    assert seen(world) == IDS
