from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from reviewmine.contract.instants import (
    INSTANT,
    EpochUnit,
    epoch_instants,
    instants,
    is_instant,
    iso_instants,
)

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def column(array: pa.Array) -> pa.ChunkedArray:
    return pa.chunked_array([array])


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timestamps_of_every_unit_without_a_zone_are_utc(unit: str) -> None:
    read = instants(column(pa.array([NEW_YEAR.replace(tzinfo=None), None], pa.timestamp(unit))))
    assert read.type == INSTANT
    assert read.to_pylist() == [NEW_YEAR, None]


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "+09:00", "No/Where"])
def test_a_zone_changes_how_a_moment_is_written_and_not_the_moment(zone: str) -> None:
    read = column(pa.array([int(NEW_YEAR.timestamp())], pa.timestamp("s", tz=zone)))
    assert instants(read).to_pylist() == [NEW_YEAR]


@pytest.mark.parametrize("column_type", [pa.date32(), pa.date64()])
def test_a_date_is_its_midnight_in_utc(column_type: pa.DataType) -> None:
    assert is_instant(column_type)
    assert instants(column(pa.array([date(2026, 1, 1), None], column_type))).to_pylist() == [NEW_YEAR, None]


def test_moments_that_no_calendar_has_become_null() -> None:
    extremes = [2**62, -(2**63), 2**63 - 1]
    for unit in ("s", "ms", "us"):
        assert instants(column(pa.array(extremes, pa.timestamp(unit)))).null_count == 3
    assert instants(column(pa.array([2**31 - 1, -(2**31)], pa.date32()))).null_count == 2


def test_nanoseconds_are_cut_off() -> None:
    read = instants(column(pa.array([1_999], pa.timestamp("ns"))))
    assert read.to_pylist() == [datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC)]


@pytest.mark.parametrize(("unit", "per_s"), [("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)])
def test_integers_count_the_unit_they_are_said_to_count(unit: EpochUnit, per_s: int) -> None:
    ticks = column(pa.array([int(NEW_YEAR.timestamp()) * per_s, None], pa.int64()))
    assert epoch_instants(ticks, unit).to_pylist() == [NEW_YEAR, None]


def test_unsigned_integers_beyond_the_calendar_become_null() -> None:
    assert epoch_instants(column(pa.array([0, 2**64 - 1], pa.uint64())), "s").null_count == 1


def test_iso_texts_are_read_with_and_without_time_and_zone() -> None:
    written = ["2026-01-01", "20260101", "2026-01-01T00:00:00Z", " 2026-01-01 09:00:00.000+09:00 "]
    assert iso_instants(pa.array(written)).to_pylist() == [NEW_YEAR] * 4


def test_text_that_is_no_iso_date_becomes_null() -> None:
    written = ["01 12, 2018", "yesterday", "", None, "2026-02-30", "0001-01-01T00:00:00+09:00"]
    assert iso_instants(pa.array(written, pa.string())).to_pylist() == [None] * 6


def test_columns_without_rows_stay_without_rows() -> None:
    assert iso_instants(pa.array([], pa.string())).type == INSTANT
    assert len(instants(pa.chunked_array([], pa.timestamp("ns")))) == 0
