"""Runs into Iceberg tables: the archive's rows under their keys, and only what changed the second time."""

import sys
from collections import Counter
from pathlib import Path

import duckdb
import polars
import pyarrow as pa
import pytest
from archives import reviews, truncate
from backfill_world import EXPECTED, FIRST, SECOND, World
from iceberg_world import compact
from pyiceberg.catalog import load_catalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import StaticTable
from pyiceberg.table import Table as IcebergTable
from pyiceberg.utils.config import Config

from reviewmine.backfill.status import status_of
from reviewmine.errors import (
    EXIT_DONE_WITH_REJECTS,
    EXIT_FAILED,
    RejectBudgetExceeded,
    TableError,
    UsageError,
)
from reviewmine.partition import Partition
from reviewmine.store.catalog_entry import IcebergSettings
from reviewmine.store.iceberg_catalog import EMBEDDED
from reviewmine.store.s3_client import iceberg_properties
from reviewmine.store.table import Table
from reviewmine.warehouse.polarity import polarity_by_partition
from reviewmine.warehouse.views import views

DAYS = ["2024-01-31", "2024-02-01", None, "2024-02-03"]
FILES = {
    f"{FIRST}/a.parquet": reviews(["a1", "a2", "a2"], stars=[1, 2, 3]),
    f"{FIRST}/b.parquet": reviews(["b1"], stars=[4]),
    f"{SECOND}/c.parquet": reviews(["c1", "a1"], stars=[5, 6]),
}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, iceberg=IcebergSettings()).write(FILES)


def opened(world: World) -> IcebergTable:
    """The table as a reader opens it, without reviewmine."""
    embedded = f"{world.table.location.parent.path}/{world.table.layout.catalog}"
    return SqlCatalog(EMBEDDED, uri=f"sqlite:///{embedded}").load_table("reviewmine.table")


def seen(world: World, key: str | None = "dt") -> Counter[tuple[str | None, str]]:
    rows = opened(world).scan().to_arrow().to_pylist()
    return Counter((row[key] if key else None, row["review_id"]) for row in rows)


def expected(by_partition=EXPECTED) -> Counter[tuple[str | None, str]]:
    return Counter((path.split("=")[1], review) for path, ids in by_partition.items() for review in ids)


def test_every_row_is_in_the_table_once_under_its_key_and_a_second_run_commits_nothing(world):
    assert world.run().partitions_published == 2
    assert seen(world) == expected()
    before = opened(world).metadata_location
    assert world.states() == {FIRST: "fresh", SECOND: "fresh"}
    assert world.run().partitions_fresh == 2
    assert opened(world).metadata_location == before


def test_a_changed_file_makes_its_own_partition_stale_and_unchanged_files_keep_their_receipts(world):
    world.run()
    world.write({f"{FIRST}/b.parquet": reviews(["b2", "b3"], stars=[1, 1])})
    assert world.states() == {FIRST: "stale: archive changed", SECOND: "fresh"}
    world.run()
    assert world.num_done() == 1
    assert seen(world) == expected({**EXPECTED, FIRST: ["a1", "a2", "a2", "b2", "b3"]})


def test_undated_rows_are_null_and_a_month_that_lost_its_rows_is_emptied(tmp_path):
    world = World(tmp_path, partition_by="month", iceberg=IcebergSettings())
    world.write({"a.parquet": reviews(["a", "b", "c", "d"], DAYS)}).run()
    assert seen(world, "review_month") == Counter(
        {("2024-01", "a"): 1, ("2024-02", "b"): 1, (None, "c"): 1, ("2024-02", "d"): 1}
    )
    undated = opened(world).scan(row_filter="review_month is null").to_arrow()
    assert undated["review_id"].to_pylist() == ["c"]
    world.write({"a.parquet": reviews(["a", "c"], [DAYS[0], None])}).run()
    assert seen(world, "review_month") == Counter({("2024-01", "a"): 1, (None, "c"): 1})


@pytest.mark.parametrize("folder", ["", "year=2024/month=01/"])
def test_tables_without_a_key_and_with_several_hold_every_row(tmp_path, folder):
    world = World(tmp_path, iceberg=IcebergSettings())
    for ids in (["a", "b"], ["b", "c"]):
        world.write({f"{folder}a.parquet": reviews(ids)}).run()
        assert seen(world, None) == Counter((None, review) for review in ids)
    keys = tuple(field.name for field in opened(world).spec().fields)
    assert keys == (("year", "month") if folder else ())


def test_a_partition_that_another_hand_emptied_is_stale_and_comes_back_from_its_receipts(world):
    world.run()
    opened(world).delete("dt = '2024-01-02'")
    assert world.states() == {FIRST: "fresh", SECOND: "stale: live files are missing"}
    world.run()
    assert world.num_done() == 0
    assert seen(world) == expected()


def test_a_partition_that_another_engine_compacted_is_fresh_and_live(world):
    world.run()
    compact(opened(world), "dt = '2024-01-01'")
    assert world.states() == {FIRST: "fresh", SECOND: "fresh"}
    assert world.run().partitions_fresh == 2
    found = status_of(world.table)
    assert ([p.state for p in found.partitions], found.foreign_files) == (["live", "live"], ())
    assert seen(world) == expected()


def test_a_partition_whose_name_an_iceberg_file_cannot_have_costs_itself_alone_and_no_model(tmp_path):
    world = World(tmp_path, iceberg=IcebergSettings())
    world.write({"kind=b?/a.parquet": reviews(["a"]), "kind=c/a.parquet": reviews(["c"])})
    summary = world.run()
    assert (world.executor.annotated, summary.partitions_published, summary.exit_code) == (["c"], 1, 1)
    assert "found '#' or '?'" in summary.partitions_failed["kind=b?"]


def test_a_range_may_carry_a_new_column_which_is_null_beside_it(world):
    world.run()
    world.carry = ["stars"]
    world.run(SECOND)
    rows = opened(world).scan().to_arrow().to_pylist()
    assert Counter((row["dt"], row["stars"]) for row in rows) == Counter(
        {("2024-01-01", None): 4, ("2024-01-02", 5): 1, ("2024-01-02", 6): 1}
    )


def test_a_run_may_publish_all_its_partitions_in_one_snapshot(world):
    assert world.run(together=True).partitions_published == 2
    assert len(opened(world).snapshots()) == 1
    assert seen(world) == expected()
    world.write({f"{FIRST}/b.parquet": reviews(["b2"], stars=[1])}).run(together=True)
    assert len(opened(world).snapshots()) == 2
    assert seen(world) == expected({**EXPECTED, FIRST: ["a1", "a2", "a2", "b2"]})


def test_of_partitions_that_are_published_together_none_is_if_one_cannot_be(world):
    run = world.prepare(together=True, after=lambda outcome: _lose_parts(world, outcome, SECOND))
    summary = run.run()
    assert set(summary.partitions_failed) == {FIRST, SECOND}
    assert seen(world) == Counter()
    assert world.table.live.sizes() == {}


def test_of_partitions_that_are_published_together_none_is_if_one_breaks_the_contract(world):
    world.run(together=True)
    before = opened(world).metadata_location
    world.write(
        {
            f"{FIRST}/b.parquet": reviews(["b2"], stars=[1]),
            f"{SECOND}/c.parquet": pa.table({"review_id": ["c2"], "body": [7], "stars": [2]}),
        }
    )
    summary = world.run(together=True)
    assert (summary.exit_code, summary.partitions_published) == (EXIT_FAILED, 0)
    assert "column 'body'" in summary.partitions_failed[SECOND]
    assert f"held back, for {SECOND} failed and --atomic-run" in summary.partitions_failed[FIRST]
    assert opened(world).metadata_location == before
    world.write({f"{SECOND}/c.parquet": reviews(["c2"], stars=[2])})
    assert world.run(together=True).partitions_published == 2
    assert world.executor.annotated == ["c2"]
    assert seen(world) == expected({FIRST: ["a1", "a2", "a2", "b2"], SECOND: ["c2"]})


def test_partitions_that_are_published_together_leave_out_an_unreadable_file_only_if_that_is_tolerated(world):
    truncate(world.root / FIRST / "a.parquet")
    with pytest.raises(RejectBudgetExceeded):
        world.run(together=True)
    assert seen(world) == Counter()
    summary = world.run(together=True, max_rejects=1)
    assert (summary.partitions_published, summary.exit_code) == (1, EXIT_DONE_WITH_REJECTS)
    assert seen(world) == expected({SECOND: EXPECTED[SECOND]})


def test_a_failure_out_of_range_holds_nothing_back_that_is_published_together(world):
    world.run("2024-01-01")
    store, layout, first = world.table.store, world.table.layout, Partition.of_path(FIRST)
    store.put(layout.lease(first), b"{")
    store.put(layout.journal(first, 9), b"{")
    summary = world.run("2024-01-02", together=True)
    assert (list(summary.partitions_failed), summary.partitions_published) == ([FIRST], 1)
    assert summary.exit_code == EXIT_FAILED


def _lose_parts(world: World, outcome, partition: str) -> None:
    for part in outcome.receipt.parts if outcome.receipt else ():
        if part.partition == partition:
            world.table.store.delete(part.name)


def test_duckdb_polars_and_pyiceberg_read_every_row_with_its_documented_type(world, monkeypatch):
    monkeypatch.setenv("POLARS_ICEBERG_PLANNER", "pyiceberg")
    world.run()
    ids = sorted(review for reviews in EXPECTED.values() for review in reviews)
    table = opened(world)
    in_duckdb = table.scan(row_filter="dt >= '2024-01-01'").to_duckdb("annotations")
    assert [
        row[0] for row in in_duckdb.execute("SELECT review_id FROM annotations ORDER BY 1").fetchall()
    ] == ids
    in_polars = polars.scan_iceberg(table).collect()
    assert sorted(in_polars["review_id"]) == ids
    assert in_polars.schema["summary_spans"] == polars.List(
        polars.Struct({"start": polars.Int32, "end": polars.Int32})
    )
    types = {field.name: str(field.field_type) for field in table.schema().fields}
    assert types["reviewed_at"] == "timestamptz"
    assert (types["intensity"], types["source_row"], types["dt"]) == ("float", "long", "string")


def test_a_table_in_a_bucket_is_registered_in_the_catalog_it_names(tmp_path, s3_uri, monkeypatch):
    monkeypatch.setenv("PYICEBERG_CATALOG__SHARED__TYPE", "sql")
    monkeypatch.setenv("PYICEBERG_CATALOG__SHARED__URI", f"sqlite:///{tmp_path}/shared.db")
    monkeypatch.setattr("pyiceberg.catalog._ENV_CONFIG", Config())
    named = IcebergSettings(catalog="shared", namespace="opinions")
    world = World(tmp_path, table=f"{s3_uri}/table", iceberg=named).write(FILES)
    world.run()
    world.write({f"{FIRST}/b.parquet": reviews(["b2"], stars=[1])}).run()
    table = load_catalog("shared", **iceberg_properties()).load_table("opinions.table")
    assert table.location() == f"{s3_uri}/table"
    assert sorted(table.scan().to_arrow()["review_id"].to_pylist()) == ["a1", "a1", "a2", "a2", "b2", "c1"]
    assert world.states() == {FIRST: "fresh", SECOND: "fresh"}


def test_a_table_in_a_bucket_without_a_catalog_is_refused_before_anything_is_put(s3_uri):
    table = Table(f"{s3_uri}/table")
    with pytest.raises(UsageError, match=r"is found through a catalog; name one .* with --catalog NAME"):
        table.make_or_match(("dt",), None, iceberg=IcebergSettings())
    assert table.record() is None


def test_a_catalog_that_is_not_configured_is_told_with_those_that_are(tmp_path, monkeypatch):
    monkeypatch.setenv("PYICEBERG_CATALOG__SHARED__URI", f"sqlite:///{tmp_path}/shared.db")
    monkeypatch.setattr("pyiceberg.catalog._ENV_CONFIG", Config())
    with pytest.raises(UsageError, match=r"catalog 'prod': .* found shared in"):
        Table(str(tmp_path / "table")).make_or_match(("dt",), None, iceberg=IcebergSettings(catalog="prod"))


def test_without_pyiceberg_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "reviewmine.store.iceberg", raising=False)
    monkeypatch.delitem(sys.modules, "reviewmine.store.iceberg_catalog", raising=False)
    monkeypatch.setitem(sys.modules, "pyiceberg.catalog", None)
    with pytest.raises(UsageError, match=r"not installed; pip install 'reviewmine\[iceberg\]'"):
        Table(str(tmp_path / "table")).make_or_match(("dt",), None, iceberg=IcebergSettings())


def test_no_table_changes_its_format(world):
    world.run()
    world.iceberg = None
    with pytest.raises(TableError, match=r"found format iceberg \(embedded catalog, reviewmine\.table\)"):
        world.run()
    hive = World(world.root.parent / "hive").write(FILES)
    hive.run()
    hive.iceberg = IcebergSettings()
    with pytest.raises(TableError, match=r"found format hive, .*expected format iceberg"):
        hive.run()


def test_partitions_of_an_older_contract_may_stand_beside_newer_ones_but_not_of_one_to_come(world):
    world.run()
    record = world.table.record()
    for version, is_refused in ((0, False), (9, True)):
        body = record.model_copy(update={"contract_version": version}).encode()
        world.table.store.put(world.table.layout.table_record, body)
        if is_refused:
            with pytest.raises(TableError, match="found contract version 9, expected 1"):
                world.run()
        else:
            world.run()
            assert world.table.record() == record
    assert seen(world) == expected()


def test_polarity_is_counted_over_what_the_snapshot_names_and_not_over_older_files(world):
    world.run()
    world.write({f"{FIRST}/b.parquet": reviews(["b2", "b3"], stars=[1, 1])}).run()
    counted = {partition.label: partition.num_rows for partition in polarity_by_partition(world.table.uri)}
    assert counted == {"2024-01-01": 5, "2024-01-02": 2}


def test_views_read_the_snapshot_of_now(world):
    world.run()
    connection = duckdb.connect()
    statements = views(world.table.uri)
    location = statements.split("iceberg_scan('")[1].split("'")[0]
    connection.register("now", StaticTable.from_metadata(location).scan().to_arrow())
    # The extension is a download: what it would read is put in its place.
    connection.execute("CREATE MACRO iceberg_scan(metadata) AS TABLE SELECT * FROM now")
    connection.execute(statements)
    assert connection.execute("SELECT status, num_reviews FROM left_out").fetchall() == [("empty", 6)]
