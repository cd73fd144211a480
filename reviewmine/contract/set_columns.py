"""Columns of a labelled set, read by name as strings or as numbers; what cannot be read so is told by its row."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from reviewmine.contract.columns import first_misfit, listed, plain
from reviewmine.errors import ContractError


def column_named(table: pa.Table, name: str, where: str) -> pa.ChunkedArray:
    """The column [rows] called `name`, unwrapped of dictionary encoding. Raises ContractError if there is none."""
    if name not in table.column_names:
        raise ContractError(
            f"{where}: no column '{name}'; found {listed(table.column_names)}; "
            "name the right one under `columns` or `labels` in the run file"
        )
    return plain(table.column(name))


def strings(table: pa.Table, name: str | None, where: str) -> pa.Array:
    """The column [rows] as strings, numbers and truth values as they are written; nulls if it has no name."""
    if name is None:
        return pa.nulls(table.num_rows, pa.string())
    return fitted(column_named(table, name, where), pa.string(), f"{where}: column '{name}'").combine_chunks()


def numbers(table: pa.Table, name: str | None, where: str) -> npt.NDArray[np.float64]:
    """The column [rows] as floats, NaN where null; all NaN if it has no name."""
    if name is None:
        return np.full(table.num_rows, np.nan)
    column = fitted(column_named(table, name, where), pa.float64(), f"{where}: column '{name}'")
    return np.asarray(column.to_numpy(), dtype=np.float64)


def fitted(column: pa.ChunkedArray, wanted: pa.DataType, where: str) -> pa.ChunkedArray:
    """The column as another type. Raises ContractError, from `where` on, with the first row that is none."""
    expected = (
        "strings" if wanted == pa.string() else "numbers" if pa.types.is_floating(wanted) else str(wanted)
    )
    try:
        return pc.cast(column, wanted)
    except (pa.ArrowNotImplementedError, pa.ArrowTypeError):
        raise ContractError(f"{where} is {column.type}, expected {expected}") from None
    except pa.ArrowInvalid:
        row = first_misfit(column, lambda values: pc.cast(values, wanted))
        raise ContractError(
            f"{where} is {column.type}, expected {expected}; row {row} cannot be read as one"
        ) from None
