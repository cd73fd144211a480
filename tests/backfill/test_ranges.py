"""Ranges of a plan: archives of several keys, and what is said of a range that covers nothing."""

import shutil
from pathlib import Path

import pytest
from archives import reviews, truncate
from backfill_world import World

from reviewmine.errors import EXIT_USAGE, UsageError
from reviewmine.partition import NULL_VALUE


def archive_of(root: Path, *folders: str) -> World:
    return World(root).write({f"{folder}/a.parquet": reviews([folder]) for folder in folders})


@pytest.fixture
def months(tmp_path: Path) -> World:
    """July, August and December of 2024, by year and month."""
    return archive_of(tmp_path, "year=2024/month=12", "year=2024/month=7", "year=2024/month=8")


@pytest.fixture
def brands(tmp_path: Path) -> World:
    return archive_of(tmp_path, "brand=Acme", "brand=Zenith")


def test_a_half_year_takes_its_months_of_an_archive_of_years_and_months(months):
    assert list(months.states("2024-07..2024-11")) == ["year=2024/month=7", "year=2024/month=8"]


@pytest.mark.parametrize("only", ["US", "US..", "Zenith..Zoom"])
def test_a_range_that_covers_nothing_and_never_will_is_wrong_use(months, only):
    with pytest.raises(UsageError) as told:
        months.plan(only)
    assert told.value.exit_code == EXIT_USAGE
    assert str(told.value) == (
        f"--partitions {only}: covers no partition of {months.root} or {months.table.uri}; found "
        "year=2024/month=7 to year=2024/month=12; expected a range that takes some of these, or dates that may still "
        "come; check its spelling"
    )


@pytest.mark.parametrize("only", ["Acne", "Bolt..Cord", "2024-01"])
def test_a_value_that_is_no_date_is_not_waited_for(brands, only):
    with pytest.raises(UsageError, match=r"covers no partition .* found brand=Acme to brand=Zenith"):
        brands.plan(only)


@pytest.mark.parametrize(
    "only",
    [
        "2026-11-26..2026-11-26",
        "2025-01..",
        "2014-07..2014-12",
        "2024-09..2024-11",
        "2024-10",
        f"2024/{NULL_VALUE}",
    ],
)
def test_dates_without_reviews_before_between_and_after_those_with_some_are_no_error_and_are_told(
    months, only, caplog
):
    assert months.states(only) == {}
    assert caplog.messages == [
        f"--partitions {only}: covers no partition of {months.root} or {months.table.uri} yet; found "
        "year=2024/month=7 to year=2024/month=12; nothing is done"
    ]


def test_a_run_of_tomorrow_ends_well_and_says_that_there_is_nothing(months, caplog):
    summary = months.run("2025-01-01")
    assert (summary.exit_code, summary.partitions_published) == (0, 0)
    assert "--partitions 2025-01-01: covers no partition" in caplog.text


def test_a_range_that_covers_something_is_not_spoken_of(months, caplog):
    months.plan("2024-08..2025-12")
    assert caplog.messages == []


def test_partitions_that_only_the_table_has_count_as_well(months, caplog):
    months.run()
    shutil.rmtree(months.root / "year=2024" / "month=7")
    assert list(months.states("2024-07")) == ["year=2024/month=7"]
    assert caplog.messages == []
    months.plan("2024-06")
    assert "found year=2024/month=7 to" in caplog.text


def test_a_file_whose_dates_cannot_be_told_may_hold_what_a_range_asks_for(tmp_path, caplog):
    world = World(tmp_path, partition_by="month").write(
        {"a.parquet": reviews(["a"], ["2024-01-31"]), "b.parquet": reviews(["b"], ["2024-01-31"])}
    )
    with pytest.raises(UsageError, match="found review_month=2024-01 to review_month=2024-01"):
        world.plan("US")
    truncate(world.root / "b.parquet")
    assert [reject.path for reject in world.plan("US").rejects] == ["b.parquet"]
    assert "covers no partition" in caplog.text


def test_an_archive_without_any_dated_row_is_waited_for(tmp_path, caplog):
    world = World(tmp_path, partition_by="month").write({"a.parquet": reviews(["a"])})
    assert world.states("2024-01") == {}
    assert "found undated rows alone" in caplog.text
