"""The main job on a local Ray: exactly the archive's rows, and only what changed the second time."""

import re
import shutil
import time
from pathlib import Path

import duckdb
import pandas as pd
import polars
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
import ray.cloudpickle
from daily_archive import ids_in_archive, ids_in_table, judge, make_rows, stamps, write_daily

from reviewmine.backfill.settings import AnnotateSettings, PoolSettings
from reviewmine.backfill.summary import Summary
from reviewmine.console import LogConsole
from reviewmine.contract.annotations import annotations_schema
from reviewmine.distributed.main_job import annotate
from reviewmine.errors import ArchiveError, CheckpointError, ContractError, RejectBudgetExceeded

pytestmark = pytest.mark.usefixtures("ray_up")


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path, ray_up: None
) -> AnnotateSettings:
    """A run that is over, for tests that look at it or go on from it; they do so on a copy (`annotated`)."""
    folder = tmp_path_factory.mktemp("finished")
    settings = AnnotateSettings(
        archive=str(write_daily(folder / "archive")),
        table=str(folder / "annotations"),
        checkpoint=str(tiny_checkpoint),
        pool=PoolSettings(num_actors=1, device="cpu"),
    )
    run(settings)
    return settings


@pytest.fixture
def annotated(finished: AnnotateSettings, tmp_path: Path) -> AnnotateSettings:
    """An archive with its finished table, times of files and all."""
    shutil.copytree(Path(finished.table).parent, tmp_path, dirs_exist_ok=True)
    moved = {"archive": str(tmp_path / "archive"), "table": str(tmp_path / "annotations")}
    return finished.model_copy(update=moved)


def run(settings: AnnotateSettings) -> Summary:
    return annotate(settings, LogConsole())


def test_every_row_of_the_archive_is_in_the_table_once_under_its_partition(settings):
    summary = run(settings)
    judge(Path(settings.table), Path(settings.archive))
    assert (summary.state, summary.partitions_published, summary.rows_read) == ("done", 3, 60)
    assert sorted(path.name for path in Path(settings.table).iterdir()) == sorted(
        path.name for path in Path(settings.archive).iterdir()
    )


def test_a_second_run_annotates_nothing_and_touches_no_file_of_the_table(annotated):
    before = stamps(Path(annotated.table))
    summary = run(annotated)
    assert (summary.rows_read, summary.partitions_fresh, summary.partitions_published) == (0, 3, 0)
    assert stamps(Path(annotated.table)) == before


def test_a_changed_file_has_its_own_partition_annotated_again_and_its_neighbours_reused(annotated):
    before = stamps(Path(annotated.table))
    changed = sorted(Path(annotated.archive).rglob("*.parquet"))[0]
    pq.write_table(make_rows(12, first=1000), changed)
    summary = run(annotated)
    judge(Path(annotated.table), Path(annotated.archive))
    assert (summary.partitions_published, summary.rows_read, summary.rows_reused) == (1, 12, 10)
    after = stamps(Path(annotated.table))
    other = {name: stamp for name, stamp in before.items() if not name.startswith(changed.parent.name)}
    assert {name: after[name] for name in other} == other


def test_months_derived_from_dates_hold_what_the_dates_say_and_undated_rows_their_own_partition(settings):
    by_month = settings.model_copy(update={"partition_by": "month"})
    run(by_month)
    judge(Path(settings.table), Path(settings.archive))
    rows = ds.dataset(settings.table, format="parquet", partitioning="hive").to_table()
    assert {path.name for path in Path(settings.table).iterdir()} == {
        "review_month=2024-01",
        "review_month=2024-02",
        "review_month=__HIVE_DEFAULT_PARTITION__",
    }
    for month, moment in zip(rows["review_month"].to_pylist(), rows["reviewed_at"].to_pylist(), strict=True):
        assert month == (f"{moment:%Y-%m}" if moment else None)


@pytest.mark.slow
def test_a_changed_file_makes_stale_the_derived_partitions_it_touched_before_and_touches_now(settings):
    by_month = settings.model_copy(update={"partition_by": "month"})
    run(by_month)
    in_january = sorted(Path(settings.archive).rglob("*.parquet"))[0]
    pq.write_table(make_rows(5, first=1000, day=100), in_january)
    summary = run(by_month)
    judge(Path(settings.table), Path(settings.archive))
    assert summary.partitions_published >= 2


def test_only_the_partitions_in_range_are_annotated(settings):
    summary = run(settings.model_copy(update={"partitions": "2024-01-31.."}))
    assert summary.partitions_published == 2
    assert not (Path(settings.table) / "dt=2024-01-30").exists()


def test_carried_columns_stand_in_the_table_unchanged(settings):
    run(settings.model_copy(update={"carry": ("rating",)}))
    files = list(Path(settings.table).rglob("*.parquet"))
    table = pa.concat_tables(pq.read_table(file, partitioning=None) for file in files)
    ratings = dict(zip(table["review_id"].to_pylist(), table["rating"].to_pylist(), strict=True))
    assert ratings == {f"r{number}": 1 + number % 5 for number in range(60)}
    assert table.schema.equals(annotations_schema([pa.field("rating", pa.int32())]), check_metadata=True)


def test_an_unreadable_file_costs_its_partition_and_is_recorded_within_the_budget(settings):
    broken = sorted(Path(settings.archive).rglob("*.parquet"))[0]
    broken.write_bytes(broken.read_bytes()[:-20])
    with pytest.raises(RejectBudgetExceeded, match="1 archive files cannot be read, 0 are tolerated"):
        run(settings)
    assert len(list(Path(settings.table).iterdir())) == 2
    summary = run(settings.model_copy(update={"max_rejects": 1}))
    assert (summary.partitions_fresh, summary.files_rejected, summary.exit_code) == (2, 1, 3)
    assert not (Path(settings.table) / broken.parent.name).exists()
    rejects = list((Path(settings.table).parent / "annotations__meta" / "rejects").rglob("*.json"))
    assert len(rejects) == 2


def test_a_missing_required_column_costs_its_partition_and_names_the_file_and_the_fix(settings):
    file = sorted(Path(settings.archive).rglob("*.parquet"))[-1]
    pq.write_table(make_rows(3).rename_columns(["review_id", "text", "rating", "reviewed_at"]), file)
    summary = run(settings)
    assert (summary.partitions_published, summary.exit_code) == (2, 1)
    (reason,) = summary.partitions_failed.values()
    assert re.search(rf"{file.name}: found .*text.*; expected a column 'body'", reason)


def test_a_required_column_that_all_files_lack_is_an_error_before_anything_is_published(settings):
    for file in Path(settings.archive).rglob("*.parquet"):
        pq.write_table(make_rows(3).rename_columns(["review_id", "text", "rating", "reviewed_at"]), file)
    with pytest.raises(ContractError, match=r"part-0\.parquet: found .*text.*; expected a column 'body'"):
        run(settings)
    assert not Path(settings.table).exists()


def test_an_archive_that_is_not_there_is_named(settings):
    with pytest.raises(ArchiveError, match="nowhere: found no Parquet files"):
        run(settings.model_copy(update={"archive": settings.archive + "/nowhere"}))


def test_a_checkpoint_with_another_digest_is_refused_before_ray_starts(settings):
    with pytest.raises(CheckpointError):
        run(settings.model_copy(update={"checkpoint_digest": "0" * 64}))


@pytest.mark.slow
def test_a_flat_archive_without_keys_becomes_one_partition(settings, tmp_path):
    (tmp_path / "flat").mkdir()
    pq.write_table(make_rows(9), tmp_path / "flat" / "reviews.parquet")
    flat = settings.model_copy(update={"archive": str(tmp_path / "flat" / "reviews.parquet")})
    run(flat)
    assert ids_in_table(Path(settings.table)) == ids_in_archive(tmp_path / "flat")
    assert [path.suffix for path in Path(settings.table).iterdir()] == [".parquet"]


@pytest.mark.slow
def test_a_row_that_kills_its_worker_is_failed_alone_and_every_other_row_is_annotated(settings, monkeypatch):
    import killing_stage

    from reviewmine.distributed import main_job
    from reviewmine.distributed.annotating import RayExecutor

    ray.cloudpickle.register_pickle_by_value(killing_stage)
    monkeypatch.setattr(
        main_job,
        "RayExecutor",
        lambda job, model: RayExecutor(job, model, annotate=killing_stage.KillingStage),
    )
    one_day = settings.model_copy(update={"partitions": "2024-01-30"})
    summary = run(one_day)
    rows = ds.dataset(settings.table, format="parquet").to_table()
    failed = rows.filter(pa.compute.equal(rows["status"], "failed"))["review_id"].to_pylist()
    assert failed == [killing_stage.POISON]
    assert summary.rows_by_status["failed"] == 1
    assert rows.num_rows == 20


@pytest.mark.slow
def test_partitions_flow_through_one_pool_that_goes_on_while_one_of_them_is_published(settings, monkeypatch):
    import noting_stage

    from reviewmine.distributed import main_job
    from reviewmine.distributed.annotating import RayExecutor

    ray.cloudpickle.register_pickle_by_value(noting_stage)
    monkeypatch.setattr(
        main_job,
        "RayExecutor",
        lambda job, model: RayExecutor(job, model, annotate=noting_stage.NotingStage),
    )
    notes = noting_stage.notes_of(settings.table)

    class Waiting(LogConsole):
        """Holds the driver at every border until a fragment of each other partition was begun."""

        def published(self, manifest) -> None:
            deadline = time.monotonic() + 120
            while len({path.name[: len("begun-dt=2024-01-30")] for path in notes.glob("begun-*")}) < 3:
                assert time.monotonic() < deadline, "the pool waits for a partition to be published"
                time.sleep(0.05)

    summary = annotate(settings, Waiting())
    assert summary.partitions_published == 3
    assert len(list(notes.glob("loaded-*"))) == 1
    assert len(list(notes.glob("begun-*"))) == 6


def test_on_ray_too_the_rows_that_changed_are_annotated_and_the_others_carried_over(annotated):
    changed = sorted(Path(annotated.archive).rglob("*.parquet"))[0]
    pq.write_table(pa.concat_tables([make_rows(10), make_rows(2, first=1001)]), changed)
    summary = run(annotated)
    judge(Path(annotated.table), Path(annotated.archive))
    assert (summary.rows_read, summary.rows_carried, summary.rows_reused) == (12, 10, 10)
    assert sum(summary.rows_by_status.values()) == 2


def test_duckdb_polars_pandas_and_pyarrow_read_every_row_with_its_documented_type(annotated):
    files = f"{annotated.table}/**/*.parquet"
    expected = sorted(f"r{number}" for number in range(60))
    in_duckdb = duckdb.sql(f"FROM read_parquet('{files}', hive_partitioning = true)")
    types = dict(zip(in_duckdb.columns, map(str, in_duckdb.types), strict=True))
    assert types["dt"] == "DATE"
    assert types["polarity_negative"] == types["intensity"] == "FLOAT"
    assert types["summary_spans"].startswith('STRUCT("start" INTEGER, "end" INTEGER)[]')
    assert types["reviewed_at"] == "TIMESTAMP WITH TIME ZONE"
    assert sorted(row[0] for row in in_duckdb.select("review_id").fetchall()) == expected
    in_polars = polars.scan_parquet(files, hive_partitioning=True).collect()
    assert sorted(in_polars["review_id"]) == expected
    assert in_polars.schema["summary_spans"] == polars.List(
        polars.Struct({"start": polars.Int32, "end": polars.Int32})
    )
    in_pandas = pd.read_parquet(annotated.table)
    assert sorted(in_pandas["review_id"]) == expected
    in_pyarrow = ds.dataset(annotated.table, format="parquet", partitioning="hive")
    assert in_pyarrow.schema.field("source_row").type == pa.int64()
    assert sorted(in_pyarrow.to_table()["review_id"].to_pylist()) == expected
