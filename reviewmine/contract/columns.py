"""Columns as they lie in a file: found by name once and only once, and unwrapped of dictionary encoding."""

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
    shown = ", ".join(names[:limit]) or "no columns"
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
