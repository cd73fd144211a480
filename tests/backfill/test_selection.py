"""Selections: order, and how young is too young."""

from datetime import UTC, datetime, timedelta

import pytest

from reviewmine.backfill.selection import Selection, parse_age, told
from reviewmine.partition import NULL_VALUE, Partition
from reviewmine.store.filesystem import Listed

NOW = datetime(2024, 6, 1, tzinfo=UTC)


def months(*written: str) -> list[Partition]:
    return [Partition((("year", year), ("month", month))) for year, month in (w.split("-") for w in written)]


def test_partitions_follow_each_other_in_time_however_their_numbers_are_written():
    mixed = months("2024-10", "2024-9", "2023-12", "2024-01")
    oldest = Selection().in_order(mixed)
    assert [partition.values[1] for partition in oldest] == ["12", "01", "9", "10"]
    assert Selection(order="newest").in_order(mixed) == oldest[::-1]


@pytest.mark.parametrize("order", ["oldest", "newest"])
def test_undated_rows_come_last_in_either_order(order):
    partitions = [Partition.derived("month", value) for value in (NULL_VALUE, "2024-01", "2024-02")]
    assert Selection(order=order).in_order(partitions)[-1] == partitions[0]


def file(hours_old: float | None) -> Listed:
    changed = None if hours_old is None else NOW - timedelta(hours=hours_old)
    return Listed("a.parquet", 1, "etag", changed)


@pytest.mark.parametrize(
    ("ages", "is_settled"),
    [((49,), True), ((48,), True), ((47,), False), ((100, 1), False), ((None,), True), ((), True)],
)
def test_the_newest_file_decides_whether_a_partition_is_settled(ages, is_settled):
    selection = Selection(settled_after=timedelta(days=2))
    why = selection.unsettled([file(age) for age in ages], now=NOW)
    assert (why is None) is is_settled


def test_without_an_age_everything_is_settled():
    assert Selection().unsettled([file(0)], now=NOW) is None


@pytest.mark.parametrize(
    ("length", "words"),
    [
        ({"minutes": 0}, "0 min"),
        ({"hours": 3, "minutes": 20}, "3 h 20 min"),
        ({"days": 2, "minutes": 61}, "2 d 1 h"),
    ],
)
def test_a_length_of_time_is_told_in_two_words(length, words):
    assert told(timedelta(**length)) == words


@pytest.mark.parametrize("written", ["", "7", "d", "7 days", "-1d", "1.5h", "100000w"])
def test_an_age_that_cannot_be_meant_is_refused(written):
    with pytest.raises(ValueError, match="such as 90m, 12h, 2d or 1w"):
        parse_age(written)


def test_ages_have_units():
    ages = [parse_age(written).total_seconds() for written in ("1w", "2d", "3h", "4m", "5s")]
    assert ages == [604_800, 172_800, 10_800, 240, 5]
