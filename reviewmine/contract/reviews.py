"""Reviews in: how the rows of every file of an archive are made to look the same.

A row is never dropped here: a rating that is none, a date that cannot be read or an id that is missing becomes
null, and only a file whose columns cannot mean what they should is refused. A review without an id keeps its row:
its lineage is its file and its row number.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reviewmine.contract.carried import CARRIED_PREFIX, carried_fields, conform_carried
from reviewmine.contract.columns import joined, plain
from reviewmine.contract.instants import INSTANT, epoch_instants, instants, is_instant, iso_instants
from reviewmine.contract.review_columns import ReviewColumns, check_mapping, check_schema, date_column
from reviewmine.contract.texts import identifiers, is_text, raw_bytes, texts, valid_strings
from reviewmine.errors import ContractError

__all__ = [
    "REVIEWS_SCHEMA",
    "ReviewColumns",
    "carried_fields",
    "check_mapping",
    "check_schema",
    "conform",
    "conform_dates",
    "date_column",
]

REVIEWS_SCHEMA: Final = pa.schema(
    [
        ("review_id", pa.string()),
        ("product_id", pa.string()),
        ("user_id", pa.string()),
        ("title", pa.string()),
        ("body", pa.string()),
        ("rating", pa.float32()),
        ("reviewed_at", INSTANT),
        ("language", pa.string()),
        ("input_hash", pa.string()),
        ("repaired", pa.bool_()),
        ("source_row", pa.int64()),
    ]
)


def conform(
    table: pa.Table,
    columns: ReviewColumns,
    *,
    where: str,
    first_row: int = 0,
    carried: Sequence[pa.Field] = (),
) -> pa.Table:
    """The rows of one file, or of a range of its rows, as REVIEWS_SCHEMA and then the carried columns.

    Args:
        table: [rows] as read; the result has the same rows in the same order.
        where: the file, for messages.
        first_row: the row number in the file of the first row of `table`.
        carried: what `carried_fields` says of the whole archive; they stand in the result under their names
            behind CARRIED_PREFIX, so that `rating` can be both read and carried.

    Raises:
        ContractError: as `check_schema`; or an id is a fraction, or a carried value does not fit its type.
    """
    found = check_schema(table.schema, columns, where=where)
    present = {name: plain(table.column(column)) for name, column in found.items()}
    absent = pa.chunked_array([pa.nulls(table.num_rows)])
    title = raw_bytes(present.get("title", absent))
    body = raw_bytes(present["body"])
    titles, titles_repaired = valid_strings(title)
    bodies, bodies_repaired = valid_strings(body)
    conformed = {
        "title": titles,
        "body": bodies,
        "rating": _ratings(present.get("rating", absent)),
        "reviewed_at": conform_dates(present.get("reviewed_at", absent), columns),
        "language": texts(present.get("language", absent)),
        "input_hash": _input_hashes(title, body),
        "repaired": pc.or_(titles_repaired, bodies_repaired),
        "source_row": pa.array(np.arange(first_row, first_row + table.num_rows, dtype=np.int64)),
    }
    for name in ("review_id", "product_id", "user_id"):
        try:
            conformed[name] = identifiers(present.get(name, absent))
        except ValueError as broken:
            raise ContractError(f"{where}: column {found[name]!r}, read as {name}: {broken}") from None
    arrays = [conformed[name] for name in REVIEWS_SCHEMA.names]
    arrays += [conform_carried(table, field, where=where) for field in carried]
    fields = [*REVIEWS_SCHEMA, *(field.with_name(CARRIED_PREFIX + field.name) for field in carried)]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def conform_dates(column: pa.ChunkedArray, columns: ReviewColumns) -> pa.Array:
    """The column [rows] that `check_schema` found for `reviewed_at`, as timestamp[us, UTC] [rows].

    Text that is no ISO 8601 date, and moments outside the years 1 to 9999, become null.
    """
    column = plain(column)
    if is_text(column.type):
        return iso_instants(texts(column))
    if is_instant(column.type):
        return joined(instants(column))
    if columns.epoch_unit is None:
        raise ContractError(f"a date column of type {column.type} needs [columns] epoch_unit in the run file")
    return joined(epoch_instants(column, columns.epoch_unit))


def _ratings(column: pa.ChunkedArray) -> pa.Array:
    """Ratings [rows] as float32 stars [rows]; what is no number from 1 to 5 becomes null."""
    if is_text(column.type):
        spelt = pc.utf8_trim_whitespace(texts(column))
        is_spelt = pc.match_substring_regex(spelt, r"^[0-9]{1,9}(\.[0-9]{0,9})?$")
        column = pa.chunked_array([pc.if_else(is_spelt, spelt, None)])
    stars = joined(column.cast(pa.float64(), safe=False))
    is_rating = pc.and_(pc.greater_equal(stars, 1), pc.less_equal(stars, 5))
    return pc.if_else(is_rating, stars, None).cast(pa.float32())


def _input_hashes(titles: pa.Array, bodies: pa.Array) -> pa.Array:
    """A digest in hex [rows] of the bytes of title and body [rows]; null and empty differ."""
    pairs = zip(titles.to_pylist(), bodies.to_pylist(), strict=True)
    return pa.array([_digest(title, body) for title, body in pairs], pa.string())


def _digest(title: bytes | None, body: bytes | None) -> str:
    title_bytes, body_bytes = (-1 if text is None else len(text) for text in (title, body))
    text = b"%d %d %b%b" % (title_bytes, body_bytes, title or b"", body or b"")
    return hashlib.blake2b(text, digest_size=16).hexdigest()
