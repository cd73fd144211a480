"""Live rows: whole generations and never a mix, while others publish."""

import pyarrow.parquet as pq
import pytest
from archives import reviews, write_files
from backfill_world import FIRST, SECOND, World, two_days

from reviewmine.errors import TableError
from reviewmine.partition import PartitionRange
from reviewmine.store.table import Table
from reviewmine.warehouse.live import live_partitions


@pytest.fixture
def world(tmp_path) -> World:
    made = two_days(tmp_path)
    made.run()
    return made


def ids(partitions) -> list[tuple[str, str]]:
    return [
        (row["dt"], row["review_id"]) for live in partitions for b in live.batches() for row in b.to_pylist()
    ]


def test_rows_have_their_partition_s_keys_and_come_in_order(world):
    days = [key.removeprefix("dt=") for key in (FIRST, SECOND)]
    found = ids(live_partitions(world.table))
    assert found == [
        *((days[0], review) for review in ("a1", "a2", "a2", "b1")),
        (days[1], "c1"),
        (days[1], "a1"),
    ]


def test_undated_rows_have_no_key(tmp_path):
    world = World(tmp_path, partition_by="month").write(
        {"a.parquet": reviews(["a1", "a2"], ["2024-01-31", None])}
    )
    world.run()
    rows = [row for live in live_partitions(world.table) for b in live.batches() for row in b.to_pylist()]
    assert {row["review_id"]: row["review_month"] for row in rows} == {"a1": "2024-01", "a2": None}


def test_a_range_reads_its_partitions_alone(world):
    found = live_partitions(world.table, PartitionRange.parse("2024-01-02"))
    assert [str(live.partition) for live in found] == [SECOND]


def test_live_files_and_parts_hold_the_same_bytes(world):
    for live in live_partitions(world.table):
        for live_file, part in zip(live.live_files, live.part_files, strict=True):
            assert pq.ParquetFile(live_file).read() == pq.ParquetFile(part).read()


def test_what_was_looked_up_before_an_overwrite_is_read_whole_after_it(world):
    """The acceptance of readers: the pointer is read once, and what it named stays readable."""
    wrong = 0
    for number in range(30):
        before = live_partitions(world.table)
        expected = ids(before)
        batches = [live.batches() for live in before]
        first = [next(rows) for rows in batches]
        write_files(world.root, {f"{FIRST}/b.parquet": reviews([f"n{number}", "x"])})
        world.run()
        rest = [row for rows in batches for batch in rows for row in batch.to_pylist()]
        found = [(r["dt"], r["review_id"]) for r in [*(r for b in first for r in b.to_pylist()), *rest]]
        wrong += sorted(found) != sorted(expected) or sorted(ids(before)) != sorted(expected)
    assert wrong == 0


def test_a_part_that_is_gone_is_an_error_and_no_shorter_table(world):
    (first, *_) = live_partitions(world.table)
    world.table.store.delete(first.manifest.parts[0].name)
    with pytest.raises(
        TableError, match=r"is gone, though generation .* of partition dt=2024-01-01 names it; .* again"
    ):
        ids([first])


def test_a_part_that_is_damaged_is_an_error_that_names_it(world):
    (first, *_) = live_partitions(world.table)
    world.table.store.put(first.manifest.parts[0].name, b"PAR1 and then nothing")
    with pytest.raises(
        TableError, match=r"parquet: cannot be read as Parquet: .*; delete its receipt and annotate"
    ):
        ids([first])


def test_a_table_of_a_newer_contract_is_not_read(world):
    layout, store = world.table.layout, world.table.store
    newer = world.table.record().model_copy(update={"contract_version": 9})
    store.put(layout.table_record, newer.encode())
    with pytest.raises(
        TableError, match="found contract version 9, expected 1; use the reviewmine that wrote it"
    ):
        live_partitions(Table(world.table.uri))
