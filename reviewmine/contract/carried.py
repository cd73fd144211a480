"""Carried columns: input columns that go into the table as they are, in types that every warehouse reads.

A carried column has one type over all files of an archive, whatever each file calls its own; a file that lacks
the column gives nulls (empty lists in a column of lists).
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from reviewmine.contract.columns import (
    field_named,
    first_misfit,
    joined,
    list_offsets,
    listed,
    plain,
    plain_type,
)
from reviewmine.contract.instants import INSTANT, instants, is_instant
from reviewmine.contract.texts import is_text, texts
from reviewmine.errors import ContractError

CARRIED_PREFIX: Final = "carried:"
"""What stands before the name of a carried column while it travels beside the columns of the contract."""

TEXT_LIST: Final = pa.list_(pa.field("element", pa.string()))
_SMALL_INTEGERS: Final = frozenset({pa.int8(), pa.int16(), pa.int32(), pa.uint8(), pa.uint16()})
_INTEGERS: Final = frozenset({pa.int32(), pa.int64()})
_NUMBERS: Final = _INTEGERS | {pa.float32(), pa.float64()}
_SAFE_AS_THEY_ARE: Final = _NUMBERS | {pa.bool_()}


def carried_fields(schemas: Iterable[pa.Schema], names: Sequence[str]) -> tuple[pa.Field, ...]:
    """One field for each carried name, of a type that holds the values of all files.

    int32 and int64 meet as int64, integers and floats as float64, and other types that differ as string.

    Raises:
        ContractError: no file has the column, one has it twice, or its values have no type that is safe in
            every warehouse (structs, maps, lists of anything but text, times of day, durations, ...).
    """
    types: dict[str, dict[pa.DataType, None]] = {name: {} for name in names}
    seen: set[str] = set()
    for schema in schemas:
        seen.update(schema.names)
        for name in types:
            field = field_named(schema, name, where=f"carried column {name!r}")
            if field is not None:
                types[name][field.type] = None
    for name, found in types.items():
        if not found:
            raise ContractError(
                f"carried column {name!r}: no file of the archive has it; found {listed(sorted(seen))}; take it out of "
                "--carry or correct its name"
            )
    return tuple(pa.field(name, _common_type(name, list(found))) for name, found in types.items())


def conform_carried(table: pa.Table, field: pa.Field, *, where: str) -> pa.Array:
    """The column of `table` [rows] that `field` names, cast to its type; nulls where the table has none.

    Raises:
        ContractError: the column occurs twice, is of a type that cannot be carried, or holds a value too
            large for the common type.
    """
    if field_named(table.schema, field.name, where=where) is None:
        return _absent(table.num_rows, field.type)
    column = table.column(field.name)

    def fit(values: pa.ChunkedArray) -> pa.Array:
        return _fitted(_safe_column(field.name, plain(values)), field.type)

    try:
        return fit(column)
    except pa.ArrowInvalid:
        raise ContractError(
            f"{where}: carried column {field.name!r} of type {column.type} does not fit {field.type}; "
            f"the first value that does not is number {first_misfit(column, fit) + 1} of {len(column)}"
        ) from None


def empty_text_lists(num_rows: int) -> pa.Array:
    """Lists of text without an element [rows]."""
    return pa.ListArray.from_arrays(
        np.zeros(num_rows + 1, np.int32), pa.array([], pa.string()), type=TEXT_LIST
    )


def _safe_type(name: str, column_type: pa.DataType) -> pa.DataType:
    """The type that values of this type are carried as; null for a column of nothing but nulls."""
    column_type = plain_type(column_type)
    if pa.types.is_null(column_type) or column_type in _SAFE_AS_THEY_ARE:
        return column_type
    if pa.types.is_integer(column_type):
        return pa.int32() if column_type in _SMALL_INTEGERS else pa.int64()
    if pa.types.is_float16(column_type):
        return pa.float32()
    if pa.types.is_decimal(column_type):
        return pa.float64()
    if is_instant(column_type):
        return INSTANT
    if is_text(column_type):
        return pa.string()
    if _is_list(column_type) and is_text(plain_type(column_type.value_type)):
        return TEXT_LIST
    raise ContractError(
        f"carried column {name!r} is of type {column_type}; expected text, numbers, booleans, dates or lists of text; "
        "take it out of --carry"
    )


def _common_type(name: str, types: Iterable[pa.DataType]) -> pa.DataType:
    safe = {_safe_type(name, column_type): None for column_type in types}
    safe.pop(pa.null(), None)
    if len(safe) < 2:
        return next(iter(safe), pa.string())
    if TEXT_LIST in safe:
        other = next(one for one in safe if one != TEXT_LIST)
        raise ContractError(
            f"carried column {name!r} holds lists in one file and {other} in another; expected one or the other; take "
            "it out of --carry"
        )
    if not set(safe) <= _NUMBERS:
        return pa.string()
    return pa.int64() if set(safe) <= _INTEGERS else pa.float64()


def _safe_column(name: str, column: pa.ChunkedArray) -> pa.Array:
    safe = _safe_type(name, column.type)
    if safe == pa.string():
        return texts(column)
    if safe == INSTANT:
        return joined(instants(column))
    if safe == TEXT_LIST:
        return _text_lists(joined(column))
    return joined(column.cast(safe, safe=pa.types.is_integer(safe)))


def _fitted(safe: pa.Array, wanted: pa.DataType) -> pa.Array:
    """Values of a safe type as those of the common type: a wider one, or text."""
    if pa.types.is_null(safe.type):
        return _absent(len(safe), wanted)
    return safe if safe.type == wanted else safe.cast(wanted, safe=not pa.types.is_floating(wanted))


def _absent(num_rows: int, wanted: pa.DataType) -> pa.Array:
    return empty_text_lists(num_rows) if wanted == TEXT_LIST else pa.nulls(num_rows, wanted)


def _text_lists(lists: pa.Array) -> pa.Array:
    """Lists of any width [rows] as TEXT_LIST [rows]; a null list becomes an empty one."""
    elements = texts(plain(pa.chunked_array([lists.flatten()])))
    return pa.ListArray.from_arrays(list_offsets(lists), elements, type=TEXT_LIST)


def _is_list(column_type: pa.DataType) -> bool:
    is_any = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(is_kind(column_type) for is_kind in is_any)
