"""`reviewmine backfill plan` and `run`: what they print, where nothing is written, and which code they end with."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from backfill_world import InProcess, Watching
from daily_archive import judge, write_daily
from tiny_checkpoint import make_checkpoint

from reviewmine.backfill.run import Run
from reviewmine.backfill.settings import AnnotateSettings
from reviewmine.cli import main
from reviewmine.distributed.main_job import intent_of


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An archive of three days, a table that is not there yet, a tiny checkpoint and a cache folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    write_daily(tmp_path / "archive", rows=100)
    checkpoint = make_checkpoint(tmp_path)
    return [str(tmp_path / "archive"), str(tmp_path / "table"), "--checkpoint", str(checkpoint)]


def planned(arguments: list[str], capsys) -> list[dict]:
    main_ends_well("backfill", "plan", *arguments, "--tokens-per-s", "1000", "--json")
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def main_ends_well(*arguments: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert not ended.value.code


def test_a_plan_tells_each_partition_and_the_total_and_writes_nothing(places, tmp_path, capsys):
    *partitions, totals = planned([*places, "--price-per-device-hour", "2"], capsys)
    assert [p["partition"] for p in partitions] == ["dt=2024-01-30", "dt=2024-01-31", "dt=2024-02-01"]
    assert all(
        (p["state"], p["files"], p["rows"], p["fragments"]) == ("missing", 2, 200, 2) for p in partitions
    )
    assert (totals["rows"], totals["files"], totals["partitions"]["missing"]) == (600, 6, 3)
    assert totals["tokens"]["low"] < totals["tokens"]["expected"] < totals["tokens"]["high"]
    assert sum(p["tokens"]["expected"] for p in partitions) == pytest.approx(
        totals["tokens"]["expected"], abs=2
    )
    assert totals["cost"]["expected"] == pytest.approx(2 * totals["device_hours"]["expected"], rel=1e-2)
    assert totals["output_bytes"]["expected"] > 0
    assert sorted(path.name for path in tmp_path.iterdir() if "table" in path.name) == []


def test_a_plan_counts_the_tokens_that_the_network_would_read(places, capsys):
    from daily_archive import make_rows

    from reviewmine.model.inspect import load_text_encoder

    encoder = load_text_encoder(places[-1])
    bodies = [body for day in range(3) for file in range(2) for body in _bodies(make_rows, day * 2 + file)]
    actual = sum(len(encoded.token_ids) for encoded in encoder.encode([None] * len(bodies), bodies))
    tokens = planned(places, capsys)[-1]["tokens"]
    assert tokens["expected"] == pytest.approx(actual, rel=0.1)


def _bodies(make_rows, file: int) -> list[str | None]:
    return make_rows(100, first=file * 100)["body"].to_pylist()


def test_order_limit_and_range_are_those_of_the_run(places, capsys):
    *partitions, totals = planned(
        [*places, "--partitions", "2024-01", "--order", "newest", "--limit-partitions", "1", "--prune"],
        capsys,
    )
    assert [(p["partition"], p["state"]) for p in partitions] == [
        ("dt=2024-01-31", "missing"),
        ("dt=2024-01-30", "later"),
    ]
    assert totals["partitions"]["later"] == 1


def test_partitions_that_are_still_written_are_told_as_unsettled(places, capsys):
    *partitions, totals = planned([*places, "--settled-after", "2d"], capsys)
    assert {p["state"] for p in partitions} == {"unsettled"}
    assert (totals["partitions"]["unsettled"], totals["rows_to_annotate"], totals["workers"]) == (3, 0, 0)


def test_a_person_reads_lines_that_say_what_they_rest_on(places, capsys):
    main_ends_well("backfill", "plan", *places, "--tokens-per-s", "1000", "--price-per-device-hour", "2")
    said = capsys.readouterr().out
    assert "partition dt=2024-01-30 is missing; files 2, rows 200" in said
    assert "to publish: 600 rows of 6 files" in said
    assert "pace: 1,000 (650 to 1,300) tokens/s of a worker, from the settings" in said
    assert "at 2 a device-hour" in said


def test_a_file_without_a_body_is_told_beside_what_can_be_published(places, capsys):
    from archives import reviews, write_files

    write_files(Path(places[0]), {"dt=2024-01-30/part-0.parquet": reviews(["x"]).drop_columns("body")})
    *partitions, totals = planned(places, capsys)
    assert partitions[-1]["state"] == "withheld"
    assert "expected a column 'body'" in partitions[-1]["reason"]
    assert (totals["withheld"], totals["rows"]) == (1, 400)


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--order", "sideways", "order: Input should be 'oldest' or 'newest'"),
        ("--settled-after", "soon", "such as 90m, 12h, 2d or 1w"),
        ("--limit-partitions", "0", "limit_partitions"),
    ],
)
@pytest.mark.parametrize("command", [("backfill", "plan"), ("backfill", "run"), ("annotate",)])
def test_a_value_that_cannot_be_is_wrong_usage(places, command, option, value, expected, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*command, *places, option, value])
    assert ended.value.code == 2
    assert expected in capsys.readouterr().err


def test_a_plan_counts_the_reviews_that_were_edited_and_not_the_others(places, tmp_path, capsys):
    settings = AnnotateSettings(archive=places[0], table=places[1], checkpoint=places[-1])
    intent = intent_of(settings)
    intent.job.table.make_or_match(intent.planner.partition_keys, None)
    Run(intent.job, intent.planner.plan(intent.result), InProcess(intent.job), Watching()).run()
    file = next((tmp_path / "archive" / "dt=2024-01-31").glob("*.parquet"))
    rows = pq.read_table(file, partitioning=None)
    bodies = ["quite another review", *rows["body"].to_pylist()[1:]]
    pq.write_table(rows.set_column(rows.schema.get_field_index("body"), "body", pa.array(bodies)), file)
    *_, edited, _, totals = planned(places, capsys)
    assert (edited["state"], edited["rows_to_annotate"]) == ("stale", 1)
    assert (totals["rows"], totals["rows_to_annotate"], totals["rows_to_carry"]) == (200, 1, 99)
    assert "new rows: 1% (1% to 1%) of them, 100 rows of files that changed" in totals["rests_on"][-1]


@pytest.mark.slow
def test_a_plan_without_a_given_pace_tries_the_workers_and_a_second_one_goes_by_the_run(
    places, tmp_path, capsys
):
    main_ends_well("backfill", "plan", *places, "--json", "--num-actors", "1")
    first = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert "started for it" in first["rests_on"][0]
    assert not (tmp_path / "table").exists()
    assert not (tmp_path / "table__meta").exists()
    main_ends_well("backfill", "run", *places, "--num-actors", "1", "--limit-partitions", "1", "--json")
    ran = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (ran["partitions_published"], ran["partitions_left"]) == (1, 2)
    main_ends_well("backfill", "run", *places, "--num-actors", "1")
    judge(tmp_path / "table", tmp_path / "archive")
