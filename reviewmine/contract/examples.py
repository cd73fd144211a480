"""Labelled examples: the one schema that every set is brought into before anything is learnt from it.

A label that a row does not have is null, never a default: the loss of that head leaves the row out.
"""

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from reviewmine.config import RunModel
from reviewmine.contract.columns import first_misfit, listed, shown
from reviewmine.errors import ContractError
from reviewmine.labels import POLARITIES, Polarity, intensity_of_rating, polarity_of_rating

EXAMPLES_SCHEMA: Final = pa.schema(
    [
        pa.field("title", pa.string()),
        pa.field("body", pa.string()),
        pa.field("language", pa.string()),
        pa.field("rating", pa.float32()),
        pa.field("polarity", pa.string()),
        pa.field("intensity", pa.float32()),
    ]
)

UNLABELLED: Final = "unlabelled"


class ExampleColumns(RunModel):
    """Which columns of a set hold what; a field that is None is not read.

    `rating` (1 to 5 stars) gives polarity and intensity. `polarity`, with `polarity_values` from the set's words
    to ours (or to "unlabelled"), and `strength` (signed, `full_strength` and beyond is intensity 1) give one
    each and win over stars.
    """

    body: str = "body"
    title: str | None = None
    language: str | None = None
    rating: str | None = None
    polarity: str | None = None
    polarity_values: dict[str, Polarity | Literal["unlabelled"]] = Field(default_factory=dict)
    strength: str | None = None
    full_strength: float = Field(default=3.0, gt=0)


def conform(table: pa.Table, columns: ExampleColumns, *, where: str, keep: Sequence[str] = ()) -> pa.Table:
    """`table` as EXAMPLES_SCHEMA, row for row, followed by the columns that `keep` names, as strings.

    Raises ContractError naming `where`, what was found and what was expected.
    """
    ratings = _numbers(table, columns.rating, where)
    polarity, intensity = _labels_of_ratings(ratings, where, columns.rating)
    if columns.polarity is not None:
        polarity = _named_polarities(table, columns, where)
    if columns.strength is not None:
        intensity = np.minimum(np.abs(_numbers(table, columns.strength, where)) / columns.full_strength, 1.0)
    arrays = [
        _strings(table, columns.title, where),
        _strings(table, columns.body, where),
        _strings(table, columns.language, where),
        pa.array(ratings, pa.float32(), from_pandas=True),
        pa.array(polarity, pa.string()),
        pa.array(intensity, pa.float32(), from_pandas=True),
    ]
    conformed = pa.Table.from_arrays(arrays, schema=EXAMPLES_SCHEMA)
    for name in keep:
        conformed = conformed.append_column(name, _strings(table, name, where))
    return conformed


def _column(table: pa.Table, name: str, where: str) -> pa.ChunkedArray:
    if name not in table.column_names:
        raise ContractError(
            f"{where}: no column '{name}'; found {listed(table.column_names)}; "
            "name the right one under `columns` in the run file"
        )
    return table.column(name)


def _strings(table: pa.Table, name: str | None, where: str) -> pa.Array:
    if name is None:
        return pa.nulls(table.num_rows, pa.string())
    return _cast(_column(table, name, where), pa.string(), f"{where}: column '{name}'").combine_chunks()


def _numbers(table: pa.Table, name: str | None, where: str) -> npt.NDArray[np.float64]:
    """The column as floats, NaN where null; all NaN if it has no name."""
    if name is None:
        return np.full(table.num_rows, np.nan)
    numbers = _cast(_column(table, name, where), pa.float64(), f"{where}: column '{name}'").to_numpy()
    return np.asarray(numbers, dtype=np.float64)


def _cast(column: pa.ChunkedArray, wanted: pa.DataType, where: str) -> pa.ChunkedArray:
    expected = "strings" if wanted == pa.string() else "numbers"
    try:
        return pc.cast(column, wanted)
    except pa.ArrowNotImplementedError:
        raise ContractError(f"{where} is {column.type}, expected {expected}") from None
    except pa.ArrowInvalid:
        row = first_misfit(column, lambda values: pc.cast(values, wanted))
        raise ContractError(
            f"{where} is {column.type}, expected {expected}; row {row} cannot be read as one"
        ) from None


def _labels_of_ratings(
    ratings: npt.NDArray[np.float64], where: str, name: str | None
) -> tuple[list[str | None], npt.NDArray[np.float64]]:
    outside = np.flatnonzero((ratings < 1) | (ratings > 5))
    if outside.size:
        row = int(outside[0])
        raise ContractError(f"{where}: row {row}: column '{name}' is {ratings[row]:g}, expected 1 to 5 stars")
    polarity = [None if np.isnan(stars) else polarity_of_rating(stars) for stars in ratings]
    intensity = [np.nan if np.isnan(stars) else intensity_of_rating(stars) for stars in ratings]
    return list(polarity), np.asarray(intensity, dtype=np.float64)


def _named_polarities(table: pa.Table, columns: ExampleColumns, where: str) -> list[str | None]:
    values = columns.polarity_values or {label: label for label in POLARITIES}
    words = _strings(table, columns.polarity, where)
    unknown = sorted(set(pc.unique(words).drop_null().to_pylist()) - set(values))
    if unknown:
        raise ContractError(
            f"{where}: column '{columns.polarity}' holds '{shown(unknown[0])}', "
            f"expected one of {', '.join(sorted(values))}; "
            f"add it to `polarity_values` (as one of {', '.join(POLARITIES)}, or '{UNLABELLED}')"
        )
    named = [None if word is None else values[word] for word in words.to_pylist()]
    return [None if label == UNLABELLED else label for label in named]
