"""The commands that look after a table, as a person at three in the morning calls them."""

import json
from pathlib import Path

import pytest
from archives import reviews, write_files
from backfill_world import EXPECTED, FIRST, SECOND, World, two_days
from partition_world import run_id
from stores import Crash, StoppingStore

from reviewmine.cli import main
from reviewmine.store.lease import Patience, take_lease


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Both days by checkpoint one, then by checkpoint two, which saw another row."""
    made = two_days(tmp_path)
    made.run()
    write_files(made.root, {f"{FIRST}/b.parquet": reviews(["b1", "b2"])})
    made.run(checkpoint="two")
    return made


def test_status_says_what_is_live_and_what_the_runs_did(world, capsys):
    assert run("backfill", "status", world.table.uri) == 0
    first, second, *runs = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{FIRST}: live; 5 rows; generation ")
    assert "1 earlier kept" in first
    assert second.startswith(f"{SECOND}: live; 2 rows")
    assert ["done; 2 of 2 partitions published; 6 of 6 rows" in runs[0], "7 of 7 rows" in runs[1]] == [
        True,
        True,
    ]


def test_status_for_machines_is_one_json_object(world, capsys):
    assert run("backfill", "status", world.table.uri, "--json") == 0
    status = json.loads(capsys.readouterr().out)
    assert [p["partition"] for p in status["partitions"]] == [FIRST, SECOND]
    assert [r["state"] for r in status["runs"]] == ["done", "done"]


def test_status_of_no_table_is_an_error(tmp_path, capsys):
    assert run("backfill", "status", str(tmp_path / "nothing")) == 1
    assert "there is no table here" in capsys.readouterr().err


def test_rollback_restores_the_range_and_says_what_the_next_run_will_do(world, capsys):
    assert run("backfill", "rollback", world.table.uri, "--partitions", "2024-01-01..2024-01-02") == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"partition {FIRST} is rolled back from ")
    assert "4 rows, live as" in first
    assert (
        "made with another archive, checkpoint: a run that wants what was there before does it again" in first
    )
    assert "made with another checkpoint:" in second
    world.judge(EXPECTED)
    assert run("backfill", "rollback", world.table.uri, "--partitions", "all") == 0
    assert capsys.readouterr().out.count("nothing to do") == 2
    world.judge(EXPECTED)


def test_rollback_without_a_range_is_wrong_usage(world, capsys):
    assert run("backfill", "rollback", world.table.uri) == 2
    assert "--partitions" in capsys.readouterr().err


def test_rollback_to_what_is_not_kept_fails_and_names_it(world, capsys):
    assert run("backfill", "rollback", world.table.uri, "--partitions", "all", "--to", "x", "--json") == 1
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {one["state"] for one in found} == {"failed"}
    assert "generation x is not kept" in found[0]["reason"]


def test_a_rollback_first_mends_what_a_dead_run_left(world, capsys):
    dead = world.prepare(checkpoint="three")
    dead._publisher._store = StoppingStore(dead._publisher._store, at=5, how="after")
    with pytest.raises(Crash):
        dead.run()
    layout, store = world.table.layout, world.table.store
    record = json.loads(store.get(layout.lease(world.plan(checkpoint="two").partitions[0].partition)).body)
    for partition in (
        FIRST,
        SECOND,
    ):  # by the clock of the command its holder would be dead after twenty seconds
        name = f"{layout.leases}/{partition}.json"
        if json.loads(store.get(name).body)["holder"]:
            store.put(name, json.dumps({**record, "holder": None}).encode())
    assert run("backfill", "rollback", world.table.uri, "--partitions", "all") == 0
    world.judge(EXPECTED)


def test_gc_says_what_would_go_and_what_went(world, capsys):
    everything = ("backfill", "gc", world.table.uri, "--keep", "0", "--older-than", "0s")
    assert run(*everything, "--dry-run", "--json") == 0
    planned = json.loads(capsys.readouterr().out)
    assert (planned["parts"], planned["receipts"], planned["manifests"], planned["dry_run"]) == (
        3,
        3,
        2,
        True,
    )
    assert run(*everything) == 0
    assert capsys.readouterr().out.startswith(
        f"gone: 3 parts ({planned['parts_bytes']:,} bytes), 3 receipts ("
    )
    assert run(*everything, "--json") == 0
    assert json.loads(capsys.readouterr().out)["parts"] == 0
    assert run("backfill", "gc", world.table.uri, "--older-than", "soon") == 2
    assert (
        "--older-than 'soon': expected a number and a unit, such as 90m, 12h, 2d or 1w"
        in capsys.readouterr().err
    )


def test_gc_keeps_a_week_unless_told_otherwise(world, capsys):
    assert run("backfill", "gc", world.table.uri, "--keep", "0") == 0
    assert capsys.readouterr().out == "gone: 0 parts (0 bytes), 0 receipts (0 bytes), 0 manifests (0 bytes)\n"


def test_read_prints_rows_files_or_parts(world, capsys, tmp_path):
    assert run("read", world.table.uri) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["review_id"] for row in rows] == ["a1", "a2", "a2", "b1", "b2", "c1", "a1"]
    assert run("read", world.table.uri, "--files") == 0
    files = capsys.readouterr().out.splitlines()
    assert sorted(files) == sorted(f"{tmp_path}/{name}" for name in world.live_files())
    assert run("read", world.table.uri, "--parts", "--partitions", "2024-01-02") == 0
    (part,) = capsys.readouterr().out.splitlines()
    assert Path(part).read_bytes() == Path(files[-1]).read_bytes()
    assert run("read", world.table.uri, "--out", str(tmp_path / "rows.csv")) == 0
    assert "7 rows of 2 partitions" in capsys.readouterr().out
    assert run("read", world.table.uri, "--files", "--parts") == 2


def test_lineage_tells_every_row_of_an_id(world, capsys):
    assert run("lineage", world.table.uri, "a1", "--archive", str(world.root)) == 0
    told = capsys.readouterr().out
    assert told.count("a1 in partition dt=") == 2
    assert f"from      {FIRST}/a.parquet, row 0, row group 0 (etag " in told
    assert "unchanged since" in told
    assert "settings  contract version: 1" in told
    assert run("lineage", world.table.uri, "a1", "--json") == 0
    assert [json.loads(line)["source_row"] for line in capsys.readouterr().out.splitlines()] == [0, 1]
    assert run("lineage", world.table.uri, "nobody") == 1
    assert "no live row has review_id nobody" in capsys.readouterr().err


def test_who_holds_a_partition_is_told_by_status(world, capsys, monkeypatch):
    monkeypatch.setattr("reviewmine.table_commands._HEARTBEATS_S", 0.0)
    partition = world.plan(checkpoint="two").partitions[0].partition
    take_lease(world.table.store, world.table.layout, partition, run_id(5), Patience())
    assert run("backfill", "status", world.table.uri) == 0
    told = capsys.readouterr().out
    assert f"held by run {run_id(5)} on " in told
    assert "its heartbeat stands still: if it is dead, the next run takes over after 20 s" in told


def test_erase_says_where_rows_are_and_where_they_were(world, capsys, tmp_path):
    ids = tmp_path / "ids.txt"
    ids.write_text("a2\n")
    assert run("erase", world.table.uri, "--review-ids", str(ids), "--dry-run") == 0
    told = capsys.readouterr().out.splitlines()
    assert told[-1] == "would be erased: 2 live, 2 earlier, 0 staged rows"
    assert any(f"2 rows of {FIRST}/a.parquet row 1, {FIRST}/a.parquet row 2; in " in line for line in told)
    assert run("erase", world.table.uri, "--review-ids", str(ids), "--json") == 0
    erased = json.loads(capsys.readouterr().out)
    assert (erased["dry_run"], len(erased["parts"]), erased["held"]) == (False, 2, {})
    world.judge({FIRST: ["a1", "b1", "b2"], SECOND: ["c1", "a1"]})
    assert run("backfill", "rollback", world.table.uri, "--partitions", "all") == 0
    world.judge({FIRST: ["a1", "b1"], SECOND: ["c1", "a1"]})
    assert run("lineage", world.table.uri, "a2") == 1
    assert run("erase", world.table.uri) == 2
    assert "expected --review-ids FILE or --user-id USER" in capsys.readouterr().err


def test_erase_is_not_finished_while_a_run_that_began_before_is_under_way(world, capsys, tmp_path):
    ids = tmp_path / "ids.txt"
    ids.write_text("a2\n")
    dead = world.prepare(checkpoint="three")
    dead._record("running")
    assert run("erase", world.table.uri, "--review-ids", str(ids)) == 1
    told = capsys.readouterr().out.splitlines()[-1]
    assert told.startswith(f"not finished: run {dead.summary.run_id}, last heard of at ")
    assert told.endswith(
        "; run this again ten minutes after it has ended, or once it was not heard of for a day"
    )
    dead._record("stopped")  # its workers may be at their last puts
    assert run("erase", world.table.uri, "--review-ids", str(ids)) == 1
    dead._record("done")
    assert run("erase", world.table.uri, "--review-ids", str(ids)) == 0
