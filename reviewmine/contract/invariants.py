"""What must hold of every row of the table, beyond its types: closed vocabularies, nulls, probabilities, spans.

Each rule is a function from the table to a mask of the rows that break it, so that a part of any size is checked
without looking at rows one by one.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from reviewmine.contract.columns import joined
from reviewmine.errors import ContractError
from reviewmine.labels import ANNOTATED_STATUSES, INTENSITY_LEVELS, POLARITIES, STATUSES, SUMMARY_METHODS

Broken = NDArray[np.bool_]
"""A bool for each row: true where a rule does not hold."""

SUM_TOLERANCE: Final = 1e-4
_NEVER_NULL: Final = (
    "source_file",
    "source_row",
    "language",
    "summary_method",
    "summary_spans",
    "status",
    "input_hash",
    "model_version",
    "run_id",
    "annotated_at",
)
_WHERE_ANNOTATED: Final = (
    "polarity",
    "polarity_negative",
    "polarity_neutral",
    "polarity_positive",
    "intensity",
    "intensity_level",
    "summary",
)
_VOCABULARIES: Final = {
    "status": STATUSES,
    "polarity": POLARITIES,
    "intensity_level": INTENSITY_LEVELS,
    "summary_method": SUMMARY_METHODS,
}


def validate(table: pa.Table, *, where: str) -> None:
    """Check rows that have the schema of the table.

    Raises:
        ContractError: a rule does not hold; names the rule, how many rows break it, and the first of them.
    """
    for rule, broken in _checks(table):
        if broken.any():
            row = int(np.argmax(broken))
            raise ContractError(
                f"{where}: {int(broken.sum())} of {table.num_rows} rows break the contract: {rule}; "
                f"the first is row {row}, from {table['source_file'][row]} row {table['source_row'][row]}"
            )


def _checks(table: pa.Table) -> Iterator[tuple[str, Broken]]:
    for name in _NEVER_NULL:
        yield f"{name} is null", ~_valid(table, name)
    for name, vocabulary in _VOCABULARIES.items():
        outside = pc.invert(pc.is_in(table[name], pa.array(vocabulary)))
        yield f"{name} is none of {', '.join(vocabulary)}", _flags(outside) & _valid(table, name)
    annotated = _flags(pc.is_in(table["status"], pa.array(sorted(ANNOTATED_STATUSES))))
    for name in _WHERE_ANNOTATED:
        yield f"{name} is null where the status says it was annotated", annotated & ~_valid(table, name)
        yield f"{name} is filled where the status says it was not annotated", ~annotated & _valid(table, name)
    has_none = _flags(pc.equal(table["summary_method"], "none"))
    yield "summary_method is not 'none' exactly where nothing was annotated", has_none == annotated
    rules: dict[str, Callable[[pa.Table], Broken]] = {
        "language is not an ISO 639-1 code or 'und'": _language_is_no_code,
        "source_row is negative": lambda rows: _flags(pc.less(rows["source_row"], 0)),
        "a probability lies outside 0 to 1, or they do not sum to 1": _probabilities_are_none,
        "polarity is not the most probable one": _polarity_is_not_the_most_probable,
        "intensity lies outside 0 to 1": _intensity_is_none,
        "a summary is blank": lambda rows: _flags(pc.equal(pc.utf8_trim_whitespace(rows["summary"]), "")),
        "a summary quotes the review without saying where": _quotes_without_span,
        "spans are empty, negative or out of order": _spans_are_out_of_order,
    }
    for rule, broken in rules.items():
        yield rule, broken(table)
    yield "a row without annotation has spans", ~annotated & (_span_counts(table) > 0)


def _language_is_no_code(table: pa.Table) -> Broken:
    return _flags(pc.invert(pc.match_substring_regex(table["language"], r"^([a-z]{2}|und)$")))


def _probabilities_are_none(table: pa.Table) -> Broken:
    probabilities = _probabilities(table)
    sound = _in_unit(probabilities).all(axis=1) & (np.abs(probabilities.sum(axis=1) - 1) <= SUM_TOLERANCE)
    return _both(_valid(table, "polarity_negative"), ~sound)


def _intensity_is_none(table: pa.Table) -> Broken:
    return _both(_valid(table, "intensity"), ~_in_unit(_floats(table, "intensity")))


def _polarity_is_not_the_most_probable(table: pa.Table) -> Broken:
    probabilities = _probabilities(table)
    named = pc.index_in(table["polarity"], pa.array(POLARITIES))
    columns = _numbers(pc.fill_null(named, 0)).astype(np.int64)
    chosen = np.take_along_axis(probabilities, columns[:, None], axis=1)[:, 0]
    return _both(_valid(table, "polarity"), ~(chosen >= probabilities.max(axis=1)))


def _quotes_without_span(table: pa.Table) -> Broken:
    quotes = _flags(pc.is_in(table["summary_method"], pa.array(["verbatim", "extractive"])))
    return _both(quotes, _span_counts(table) == 0)


def _spans_are_out_of_order(table: pa.Table) -> Broken:
    spans = joined(table["summary_spans"])
    rows = _numbers(pc.list_parent_indices(spans))
    elements = spans.flatten()
    starts, ends = (_numbers(elements.field(name)) for name in ("start", "end"))
    wrong = (starts < 0) | (ends <= starts)
    wrong[1:] |= (rows[1:] == rows[:-1]) & (starts[1:] < ends[:-1])
    broken = np.zeros(table.num_rows, bool)
    broken[rows[wrong]] = True
    return broken


def _probabilities(table: pa.Table) -> NDArray[np.float64]:
    """Probabilities [rows, 3] in the order of POLARITIES; NaN where null."""
    return np.stack([_floats(table, f"polarity_{polarity}") for polarity in POLARITIES], axis=1)


def _in_unit(values: NDArray[np.float64]) -> Broken:
    """Where values lie in [0, 1]; never for NaN."""
    return np.asarray((values >= 0) & (values <= 1))


def _floats(table: pa.Table, name: str) -> NDArray[np.float64]:
    """The values of a column of floats; NaN where null."""
    return _numbers(table[name]).astype(np.float64)


def _valid(table: pa.Table, name: str) -> Broken:
    return _flags(pc.is_valid(table[name]))


def _flags(mask: pa.ChunkedArray) -> Broken:
    """A bool for each row; null counts as false."""
    return _numbers(pc.fill_null(mask, False)).astype(np.bool_)


def _both(first: Broken, second: Broken) -> Broken:
    return np.logical_and(first, second)


def _span_counts(table: pa.Table) -> NDArray[np.int64]:
    return _numbers(pc.fill_null(pc.list_value_length(table["summary_spans"]), 0)).astype(np.int64)


def _numbers(column: pa.Array | pa.ChunkedArray) -> NDArray[Any]:
    array = joined(column) if isinstance(column, pa.ChunkedArray) else column
    return np.asarray(array.to_numpy(zero_copy_only=False))
