"""Labelled examples: the one schema that every set is brought into before anything is learnt from it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from reviewmine.config import RunModel
from reviewmine.contract.label_columns import HeadLabels, LabelColumn, labels_of
from reviewmine.contract.set_columns import numbers, strings
from reviewmine.errors import ContractError
from reviewmine.labels import POLARITIES, intensity_of_rating, polarity_of_rating

_REVIEW_FIELDS: Final = (
    pa.field("title", pa.string()),
    pa.field("body", pa.string()),
    pa.field("language", pa.string()),
    pa.field("rating", pa.float32()),
)
OPINION_LABELS: Final[Mapping[str, HeadLabels]] = MappingProxyType(
    {"polarity": HeadLabels(kind="one", labels=POLARITIES), "intensity": HeadLabels(kind="number")}
)
SET_FIELD: Final = pa.field("set", pa.string())
"""What a run adds: the set that an example is of."""
HELD_OUT_FIELD: Final = pa.field("held_out", pa.bool_())
"""What a run adds: whether the set puts an example into validation; null where the hash of its text decides."""
TAKEN_NAMES: Final = frozenset(
    {*(field.name for field in _REVIEW_FIELDS), SET_FIELD.name, HELD_OUT_FIELD.name}
)
"""Names that a head cannot have, because examples have a column of that name."""


def examples_schema(heads: Mapping[str, HeadLabels]) -> pa.Schema:
    """The schema of examples for some heads: the review, then a column of labels for each head."""
    return pa.schema([*_REVIEW_FIELDS, *(pa.field(name, takes.type) for name, takes in heads.items())])


EXAMPLES_SCHEMA: Final = examples_schema(OPINION_LABELS)


class ExampleColumns(RunModel):
    """Which columns of a set hold the review; a field that is None is not read.

    `rating` (1 to 5 stars) gives polarity and intensity where `labels` of the set does not name a column for them.
    """

    body: str = "body"
    title: str | None = None
    language: str | None = None
    rating: str | None = None


def conform(
    table: pa.Table,
    columns: ExampleColumns,
    *,
    where: str,
    labels: Mapping[str, LabelColumn] = MappingProxyType({}),
    heads: Mapping[str, HeadLabels] = OPINION_LABELS,
    keep: Sequence[str] = (),
) -> pa.Table:
    """`table` as `examples_schema(heads)`, row for row, null where it has no label of a head.

    Behind it stand the columns that `keep` names, as strings.

    Raises ContractError naming `where`, the row, what was found and expected.
    """
    ratings = numbers(table, columns.rating, where)
    of_ratings = dict(
        zip(("polarity", "intensity"), _labels_of_ratings(ratings, where, columns.rating), strict=True)
    )
    body = strings(table, columns.body, where)
    arrays = [
        strings(table, columns.title, where),
        body,
        strings(table, columns.language, where),
        pa.array(ratings, pa.float32(), from_pandas=True),
    ]
    for name, takes in heads.items():
        if name in labels:
            arrays.append(labels_of(table, labels[name], takes, body, where=where))
        else:
            arrays.append(
                pa.array(of_ratings[name], takes.type, from_pandas=True)
                if name in of_ratings
                else pa.nulls(table.num_rows, takes.type)
            )
    conformed = pa.Table.from_arrays(arrays, schema=examples_schema(heads))
    for name in keep:
        conformed = conformed.append_column(name, strings(table, name, where))
    return conformed


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
