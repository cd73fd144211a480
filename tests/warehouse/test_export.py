"""Export: the same rows in every format, whole or not at all."""

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archives import reviews
from backfill_world import FIRST, World, two_days

from reviewmine.errors import TableError, UsageError
from reviewmine.warehouse.export import export, json_lines
from reviewmine.warehouse.live import LivePartition, live_partitions

IDS = ["a1", "a2", "a2", "b1", "c1", "a1"]


@pytest.fixture
def live(tmp_path) -> list[LivePartition]:
    world = two_days(tmp_path)
    world.run()
    return live_partitions(world.table)


def test_parquet_csv_and_json_lines_hold_every_row_and_the_keys(live, tmp_path):
    paths = [tmp_path / "new" / f"rows.{suffix}" for suffix in ("parquet", "csv", "jsonl")]
    assert [export(live, path) for path in paths] == [6, 6, 6]
    parquet = pq.read_table(paths[0]).to_pylist()
    with paths[1].open(newline="") as file:
        from_csv = list(csv.DictReader(file))
    from_json = [json.loads(line) for line in paths[2].read_text().splitlines()]
    for rows in (parquet, from_csv, from_json):
        assert [row["review_id"] for row in rows] == IDS
        assert [row["dt"] for row in rows][3:5] == ["2024-01-01", "2024-01-02"]
    assert from_csv[0]["summary_spans"] == "[]"
    assert from_json[0]["annotated_at"] == parquet[0]["annotated_at"].isoformat()
    assert [json.loads(line)["review_id"] for line in json_lines(live)] == IDS


@pytest.mark.parametrize("name", ["rows.xls", "rows", "s3:/bucket/rows.parquet.gz"])
def test_a_name_of_another_format_is_refused_with_those_that_there_are(live, tmp_path, name):
    with pytest.raises(UsageError, match=r"expected a local file ending in \.parquet, \.csv, \.jsonl"):
        export(live, tmp_path / name)


def test_an_object_store_is_no_place_for_it(live):
    with pytest.raises(UsageError, match="expected a local file"):
        export(live, Path("s3://bucket/rows.parquet"))


def test_a_table_without_rows_becomes_a_file_with_columns(tmp_path):
    world = World(tmp_path).write({"a.parquet": reviews([])})
    world.run()
    path = tmp_path / "rows.parquet"
    assert export(live_partitions(world.table), path) == 0
    assert "polarity" in pq.read_schema(path).names


def test_what_cannot_be_read_to_its_end_leaves_no_file_and_the_old_one_stays(live, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("old")
    last = live[-1]
    last.table.store.delete(last.manifest.parts[-1].name)
    with pytest.raises(TableError):
        export(live, path)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir() if "unfinished" in file.name] == []


def test_partitions_whose_columns_have_types_that_do_not_fit_are_refused(tmp_path):
    found = []
    for name, stars in (("numbers", pa.array([1])), ("words", pa.array(["one"]))):
        world = World(tmp_path / name, carry=["stars"])
        world.write({f"{FIRST}/a.parquet": reviews(["a1"]).append_column("stars", stars)}).run()
        found += live_partitions(world.table)
    with pytest.raises(TableError, match=r"its partitions cannot be one file: .*stars"):
        export(found, tmp_path / "rows.parquet")
