"""Dates and times: from any Arrow type that holds them to timestamp[us, UTC].

A time without a zone is taken as UTC. A moment outside the years 1 to 9999 becomes null: no engine agrees
with another about those.
"""

from datetime import UTC, datetime
from typing import Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

EpochUnit = Literal["s", "ms", "us", "ns"]
INSTANT: Final = pa.timestamp("us", tz="UTC")

_UNITS_PER_S: Final[dict[str, int]] = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_FIRST_S: Final = int(datetime(1, 1, 1, tzinfo=UTC).timestamp())
_LAST_S: Final = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())


def is_instant(column_type: pa.DataType) -> bool:
    """Whether columns of this type hold dates or times of a day, in a unit that the type itself names."""
    return bool(pa.types.is_timestamp(column_type) or pa.types.is_date(column_type))


def instants(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A date or timestamp column [rows] as timestamp[us, UTC] [rows]; finer units are cut off towards 1970."""
    if pa.types.is_date32(column.type):
        column = column.cast(pa.timestamp("s"))
    elif pa.types.is_date64(column.type):
        column = column.cast(pa.timestamp("ms"))
    return epoch_instants(column.cast(pa.int64()), column.type.unit)


def epoch_instants(ticks: pa.ChunkedArray, unit: EpochUnit) -> pa.ChunkedArray:
    """Whole numbers [rows] counted in `unit` since 1970-01-01 UTC, as timestamp[us, UTC] [rows]."""
    per_s = _UNITS_PER_S[unit]
    if pa.types.is_uint64(ticks.type):
        ticks = pc.if_else(pc.less(ticks, pa.scalar(2**63, ticks.type)), ticks, None)
    ticks = ticks.cast(pa.int64())
    representable = pc.and_(
        pc.greater_equal(ticks, max(_FIRST_S * per_s, -(2**63))),
        pc.less_equal(ticks, min((_LAST_S + 1) * per_s, 2**63) - 1),
    )
    kept = pc.if_else(representable, ticks, None)
    return kept.cast(pa.timestamp(unit, tz="UTC")).cast(INSTANT, safe=False)


def iso_instants(strings: pa.Array) -> pa.Array:
    """ISO 8601 dates or times written as `string` [rows], as timestamp[us, UTC] [rows]; anything else is null."""
    written = strings.dictionary_encode()
    moments = pa.array([_moment(text) for text in written.dictionary.to_pylist()], INSTANT)
    return moments.take(written.indices)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
