"""Rows of the table: from the numbers and summaries of a model to the columns of the contract, and all of a row."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from reviewmine.contract.annotations import MODEL_SCHEMA, annotations_schema, conform, span_lists
from reviewmine.contract.carried import CARRIED_PREFIX
from reviewmine.contract.instants import INSTANT
from reviewmine.labels import INTENSITY_LEVELS, POLARITIES
from reviewmine.model.summarizer import Summary

MADE_SCHEMA: Final = MODEL_SCHEMA.append(pa.field("model_version", pa.string()))
"""What an annotator makes of each row."""

_AS_READ: Final = ("review_id", "product_id", "reviewed_at", "source_row", "input_hash")


def model_columns(
    probabilities: NDArray[np.float32],
    intensities: NDArray[np.float32],
    summaries: Sequence[Summary],
    *,
    cuts: tuple[float, ...],
) -> pa.Table:
    """MODEL_SCHEMA [N] of annotated rows; `status` is left `ok`.

    Args:
        probabilities: calibrated, in the order of POLARITIES [N, 3].
        intensities: calibrated, in [0, 1] [N].
        cuts: where the levels of intensity begin; each cut belongs to the level above it.
    """
    num_rows = len(summaries)
    if probabilities.shape != (num_rows, len(POLARITIES)) or intensities.shape != (num_rows,):
        raise ValueError(
            f"probabilities {probabilities.shape} and intensities {intensities.shape} for {num_rows} summaries: "
            f"expected [rows, {len(POLARITIES)}] and [rows]"
        )
    levels = np.digitize(intensities, cuts)
    columns = {
        "polarity": pa.array(POLARITIES).take(pa.array(probabilities.argmax(axis=1))),
        "intensity": pa.array(intensities),
        "intensity_level": pa.array(INTENSITY_LEVELS).take(pa.array(levels)),
        "summary": pa.array([summary.text for summary in summaries], pa.string()),
        "summary_method": pa.array([summary.method for summary in summaries], pa.string()),
        "summary_spans": span_lists([summary.spans for summary in summaries]),
        "status": pa.repeat(pa.scalar("ok"), num_rows),
    }
    for column, polarity in enumerate(POLARITIES):
        columns[f"polarity_{polarity}"] = pa.array(np.ascontiguousarray(probabilities[:, column]))
    return pa.Table.from_arrays([columns[name] for name in MODEL_SCHEMA.names], schema=MODEL_SCHEMA)


def assemble(
    prepared: pa.Table,
    made: pa.Table,
    *,
    source_file: str,
    run_id: str,
    annotated_at: datetime,
    carried: Sequence[pa.Field] = (),
) -> pa.Table:
    """Rows of the table [rows], from prepared reviews [rows] and what an annotator made of them [rows].

    Args:
        source_file: the path of the file within its archive.
        annotated_at: the moment of annotation, with a zone.
        carried: the carried columns, which `prepared` has behind CARRIED_PREFIX.

    Raises:
        ContractError: a carried column has the name of another column.
    """
    if made.num_rows != prepared.num_rows:
        raise ValueError(
            f"{made.num_rows} annotations for {prepared.num_rows} reviews: expected one for each"
        )
    computed = {name: made[name] for name in MADE_SCHEMA.names} | {"language": prepared["language"]}
    constants = {"run_id": pa.scalar(run_id), "annotated_at": pa.scalar(annotated_at, INSTANT)}
    computed |= {name: pa.repeat(value, prepared.num_rows) for name, value in constants.items()}
    return of_the_table(prepared, computed, source_file=source_file, carried=carried)


def of_the_table(
    reviews: pa.Table, computed: Mapping[str, Any], *, source_file: str, carried: Sequence[pa.Field] = ()
) -> pa.Table:
    """Rows of the table [rows], from reviews as read [rows] and the columns of COMPUTED_SCHEMA [rows] by name."""
    columns = {name: reviews[name] for name in _AS_READ} | dict(computed)
    columns["source_file"] = pa.repeat(pa.scalar(source_file), reviews.num_rows)
    columns |= {field.name: reviews[CARRIED_PREFIX + field.name] for field in carried}
    return conform(pa.table(columns), annotations_schema(carried), where=source_file)
