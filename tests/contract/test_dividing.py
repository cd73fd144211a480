"""Dividing: days and months in UTC, and a value for what has no date."""

from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pytest

from reviewmine.contract.dividing import derived_values
from reviewmine.partition import NULL_VALUE

INSTANT = pa.timestamp("us", tz="UTC")


def values(by, *moments):
    return derived_values(by, pa.array(moments, INSTANT)).to_pylist()


def test_a_moment_falls_under_its_day_and_month():
    moment = datetime(2024, 2, 29, 23, 59, 59, 999_999, UTC)
    assert values("day", moment) == ["2024-02-29"]
    assert values("month", moment) == ["2024-02"]


def test_the_day_is_that_of_utc():
    moment = datetime(2024, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    assert values("day", moment) == ["2023-12-31"]


def test_what_has_no_date_falls_under_the_null_value():
    assert values("month", None, datetime(2024, 1, 1, tzinfo=UTC)) == [NULL_VALUE, "2024-01"]
    assert values("day") == []


@pytest.mark.parametrize("year", [1, 987, 1969, 9999])
def test_years_have_four_digits_and_values_sort_as_dates(year):
    assert values("month", datetime(year, 3, 4, tzinfo=UTC)) == [f"{year:04d}-03"]


def test_chunks_are_divided_as_one_column():
    column = pa.chunked_array(
        [pa.array([None], INSTANT), pa.array([datetime(2024, 1, 1, tzinfo=UTC)], INSTANT)]
    )
    assert derived_values("day", column).to_pylist() == [NULL_VALUE, "2024-01-01"]
