"""Which columns of an archive the reviews are read from, and what a footer alone can tell about them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Final

import pyarrow as pa
from pydantic import Field

from reviewmine.config import RunModel
from reviewmine.contract.columns import field_named, listed, plain_type
from reviewmine.contract.instants import EpochUnit, is_instant
from reviewmine.contract.texts import is_identifier, is_text
from reviewmine.errors import ContractError


class ReviewColumns(RunModel):
    """Which column of the archive each field of a review is read from: the run file's `[columns]`.

    An optional field that is None is looked for under its well-known names; one that is "" is not read at all.
    """

    review_id: Annotated[str, Field(min_length=1)] = "review_id"
    body: Annotated[str, Field(min_length=1)] = "body"
    product_id: str | None = None
    user_id: str | None = None
    title: str | None = None
    rating: str | None = None
    reviewed_at: str | None = None
    language: str | None = None
    epoch_unit: EpochUnit | None = None
    """What a date column of plain integers counts since 1970; integers are refused as dates without it."""


@dataclass(frozen=True)
class _Source:
    """Where a field may be found when the run file does not say, and what types it is read from."""

    well_known: tuple[str, ...]
    expected: str


_IDENTIFIER: Final = "text, whole numbers or UUIDs"
_TEXT: Final = "text"
_SOURCES: Final = {
    "review_id": _Source((), _IDENTIFIER),
    "body": _Source((), _TEXT),
    "product_id": _Source(("product_id",), _IDENTIFIER),
    "user_id": _Source(("user_id", "reviewer_id"), _IDENTIFIER),
    "title": _Source(("title",), _TEXT),
    "rating": _Source(("rating", "stars", "star_rating"), "numbers, or text that spells them"),
    "reviewed_at": _Source(
        ("reviewed_at", "review_date", "review_time", "date", "timestamp"),
        "a date, a timestamp, ISO 8601 text, or integers with [columns] epoch_unit set",
    ),
    "language": _Source(("language",), _TEXT),
}
_REQUIRED: Final = ("review_id", "body")


def check_schema(schema: pa.Schema, columns: ReviewColumns, *, where: str) -> dict[str, str]:
    """The column of `schema` that each field of a review is read from; fields that the file lacks are left out.

    Needs no row, so a footer is enough.

    Raises:
        ContractError: a required column is missing, a column read here occurs twice, or one is of a type that
            cannot hold what it should.
    """
    found = {name: _column_of(name, schema, columns, where) for name in _SOURCES}
    return {name: column for name, column in found.items() if column is not None}


def date_column(schema: pa.Schema, columns: ReviewColumns, *, where: str) -> str | None:
    """The column of `schema` that `reviewed_at` is read from, whatever else the file lacks; None where there is none.

    Raises ContractError as `check_schema` does, for this column alone.
    """
    return _column_of("reviewed_at", schema, columns, where)


def _column_of(name: str, schema: pa.Schema, columns: ReviewColumns, where: str) -> str | None:
    source, mapped = _SOURCES[name], getattr(columns, name)
    candidates = source.well_known if mapped is None else (mapped,) if mapped else ()
    fields = (field_named(schema, candidate, where=where) for candidate in candidates)
    field = next((field for field in fields if field is not None), None)
    if field is None:
        if name in _REQUIRED:
            raise ContractError(_missing(name, mapped, schema, where))
        return None
    if not _accepts(name, plain_type(field.type), columns):
        raise ContractError(
            f"{where}: column {field.name!r} is of type {field.type}; expected {source.expected}, since it is "
            f'read as {name}; name the right column in the run file, [columns] {name} = "..."'
            + ("" if name in _REQUIRED else ', or "" for none')
        )
    return str(field.name)


def check_mapping(schemas: Iterable[pa.Schema], columns: ReviewColumns) -> None:
    """Raise ContractError if the run file maps an optional field to a column that none of the files has."""
    mapped = {name: getattr(columns, name) for name in _SOURCES if name not in _REQUIRED}
    seen = {name for schema in schemas for name in schema.names}
    for name, column in mapped.items():
        if column and column not in seen:
            raise ContractError(
                f'run file: [columns] {name} = "{column}": no file of the archive has that column; '
                f"found {listed(sorted(seen))}"
            )


def _accepts(name: str, column_type: pa.DataType, columns: ReviewColumns) -> bool:
    if name == "rating":
        return is_text(column_type) or _is_number(column_type)
    if name == "reviewed_at":
        counted = columns.epoch_unit is not None and pa.types.is_integer(column_type)
        return is_text(column_type) or is_instant(column_type) or counted
    return is_identifier(column_type) if _SOURCES[name].expected == _IDENTIFIER else is_text(column_type)


def _is_number(column_type: pa.DataType) -> bool:
    is_any = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    return any(is_kind(column_type) for is_kind in is_any)


def _missing(name: str, column: str, schema: pa.Schema, where: str) -> str:
    return (
        f"{where}: found {listed(schema.names)}; expected a column {column!r} ({_SOURCES[name].expected}), which "
        f"every review needs as its {name}; if the archive calls it something else, say so in the run file: "
        f'[columns] {name} = "..."'
    )
