"""Dividing: the partition values that reviews fall under by their dates, the same for the plan and for the parts."""

import pyarrow as pa
import pyarrow.compute as pc

from reviewmine.partition import NULL_VALUE, PartitionBy

_FORMATS = {"day": "%Y-%m-%d", "month": "%Y-%m"}


def derived_values(by: PartitionBy, reviewed_at: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """The values `2024-01-31` or `2024-01` [rows] of moments [rows], in UTC; the null value where there is none."""
    in_utc = reviewed_at.cast(pa.timestamp("us"))  # without its zone, so that no time zone database is needed
    return pc.fill_null(pc.strftime(in_utc, format=_FORMATS[by]), NULL_VALUE)
