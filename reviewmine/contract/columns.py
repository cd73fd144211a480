"""Columns as they lie in a file: found by name once and only once, and unwrapped of dictionary encoding.

What is told of a column in a message is its name, its type and the number of a row, never a value: it may be a review.
"""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from reviewmine.errors import ContractError


def plain_type(column_type: pa.DataType) -> pa.DataType:
    """The type of the values of a column, whether or not they are dictionary-encoded."""
    return column_type.value_type if pa.types.is_dictionary(column_type) else column_type


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column [rows] of `plain_type`: a dictionary-encoded one with its values in place of its codes."""
    return column.cast(plain_type(column.type))


def joined(column: pa.ChunkedArray) -> pa.Array:
    """The chunks of a column [rows] as one array."""
    combined = column.combine_chunks()
    return pa.concat_arrays(combined.chunks) if isinstance(combined, pa.ChunkedArray) else combined


def list_offsets(lists: pa.Array) -> NDArray[np.int32]:
    """Where each list of a list array [rows] of any width starts in its `flatten()`: [rows + 1], nulls empty."""
    lengths = pc.if_else(lists.is_valid(), pc.list_value_length(lists), 0)
    return np.cumsum(np.append(0, lengths.to_numpy(zero_copy_only=False)), dtype=np.int32)


def field_named(schema: pa.Schema, name: str, *, where: str) -> pa.Field | None:
    """The field called `name`, or None if the schema has none.

    Raises:
        ContractError: there are several; which one is meant cannot be known.
    """
    found = schema.get_all_field_indices(name)
    if len(found) > 1:
        raise ContractError(
            f"{where}: found {len(found)} columns named {name!r}; expected one; write the file again with a name "
            "for each"
        )
    return schema.field(found[0]) if found else None


def listed(names: list[str], limit: int = 20) -> str:
    """Column names for a message: all of them, or the first `limit` and how many more there are."""
    told = ", ".join(map(shown, names[:limit])) or "no columns"
    return told if len(names) <= limit else f"{told} and {len(names) - limit} more"


def shown(name: str) -> str:
    """A column's name or a label for a message, or the mere length of what reads like a piece of a review.

    A file without a header takes its first row for names, and a column of bodies may be mapped as one of labels.
    """
    is_name = len(name) <= 60 and "@" not in name and sum(map(str.isdigit, name)) < 7
    return name if is_name else f"({len(name)} characters)"


def first_misfit(column: pa.ChunkedArray, fit: Callable[[pa.ChunkedArray], object]) -> int:
    """The row of the first value of a column [rows] that makes `fit` raise ArrowInvalid, which all of it does."""

    def fits(start: int, end: int) -> bool:
        try:
            fit(column.slice(start, end - start))
        except pa.ArrowInvalid:
            return False
        return True

    first, end = 0, len(column)
    while end - first > 1:
        middle = (first + end) // 2
        first, end = (middle, end) if fits(first, middle) else (first, middle)
    return first
