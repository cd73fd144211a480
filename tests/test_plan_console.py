"""What a plan says: figures in the unit that suits their size, and a table where a person looks on."""

import sys
from pathlib import Path

import pytest
from archives import reviews, truncate
from backfill_world import FIRST, SECOND, World, two_days

from reviewmine.backfill.estimate import Estimator
from reviewmine.backfill.selection import Selection
from reviewmine.plan_console import json_objects, show, totals


@pytest.fixture
def world(tmp_path: Path) -> World:
    return two_days(tmp_path)


def estimate(world: World, selection: Selection | None = None):
    planner = world.planner(selection=selection)
    plan = planner.plan(world.result(planner))
    return Estimator(plan, stored_bytes=lambda path: 100, standing=set()).estimate(None)


def test_a_person_at_a_terminal_gets_a_table_with_each_partition_and_its_reason(world, monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "200")
    show(estimate(world, Selection(max_partitions=1)), as_json=False)
    said = capsys.readouterr().out
    assert f"│ {FIRST}" in said
    assert "later: missing, over the limit of 1 partitions" in said


def test_rows_that_are_not_known_are_null_for_a_machine(world):
    first, later, _ = json_objects(estimate(world, Selection(max_partitions=1)))
    assert (first["rows"], later["rows"], later["files"]) == (4, None, 1)
    assert later["reasons"] == ["missing", "over the limit of 1 partitions"]


def test_a_plan_with_nothing_left_says_so(world):
    world.run()
    assert list(totals(estimate(world))) == [
        "partitions: 2 fresh",
        "to publish: 0 rows of 0 files, 0 B, in 0 fragments; to annotate: 0 rows",
        "nothing is left to annotate",
    ]


@pytest.mark.parametrize(("state", "num"), [("missing", 2), ("fresh", 0)])
def test_partitions_are_counted_by_state(world, state, num):
    *_, told = json_objects(estimate(world))
    assert told["partitions"][state] == num


def test_each_partition_is_told_with_its_own_files_that_cannot_be_read(world):
    for name in (f"{FIRST}/a.parquet", f"{FIRST}/b.parquet", f"{SECOND}/c.parquet"):
        truncate(world.root / name)
    first, second = (line for line in totals(estimate(world)) if line.startswith("partition "))
    assert first.startswith(f"partition {FIRST} cannot be published: a file of it cannot be read: ")
    assert [name for name in "abc" if f"{name}.parquet" in first] == ["a", "b"]
    assert [name for name in "abc" if f"{name}.parquet" in second] == ["c"]


def test_many_unreadable_files_of_a_partition_are_counted(world):
    world.write({f"{FIRST}/{number}.parquet": reviews(["r"]) for number in range(5)})
    for number in range(5):
        truncate(world.root / FIRST / f"{number}.parquet")
    *_, told, _ = json_objects(estimate(world))
    assert told["reason"].count("cannot be read as Parquet") == 3
    assert told["reason"].endswith("; and 2 more")


def test_a_file_that_may_belong_to_any_partition_is_told_by_itself(tmp_path):
    world = World(tmp_path / "dated", partition_by="month")
    world.write({name: reviews(["r"], ["2024-01-01"]) for name in ("a.parquet", "b.parquet")})
    truncate(world.root / "a.parquet")
    assert any(line.startswith("rejected: ") and "a.parquet" in line for line in totals(estimate(world)))
    assert [told["rejected"] for told in json_objects(estimate(world)) if "rejected" in told] == ["a.parquet"]
