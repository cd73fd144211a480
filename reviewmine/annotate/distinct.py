"""Distinct reviews: which rows of a prepared table the network is to read, and which of them say the same."""

from collections.abc import Set
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from reviewmine.annotate.prepare import SENTENCE_FIELDS
from reviewmine.contract.columns import joined, list_offsets
from reviewmine.labels import ANNOTATED_STATUSES


@dataclass(frozen=True, kw_only=True)
class DistinctReviews:
    """R reviews whose raw text differs, read as Q token sequences, since texts that differ may clean to the same."""

    of_row: NDArray[np.int64]
    """The review of each row [rows]; -1 where the network is not to read the row."""
    bodies: list[str]
    """The body of each review [R]."""
    sentences: list[NDArray[np.int32]]
    """The sentences of each review [R], at least one: rows of start, end, first token, last token, half-open."""
    sequence: NDArray[np.int64]
    """The token sequence of each review [R]."""
    sequences: list[NDArray[np.int32]]
    """The token ids of each sequence [Q]."""

    def __len__(self) -> int:
        return len(self.bodies)

    def with_sequences(self, sequences: NDArray[np.int64]) -> list[int]:
        """The reviews that are read as one of `sequences`."""
        return [int(review) for review in np.flatnonzero(np.isin(self.sequence, sequences))]


def distinct_reviews(prepared: pa.Table, failed_rows: Set[int] = frozenset()) -> DistinctReviews:
    """The distinct reviews of a prepared table [rows], without those of the source rows `failed_rows`."""
    statuses, source_rows, hashes = (
        prepared[name].to_pylist() for name in ("status", "source_row", "input_hash")
    )
    number_of: dict[str, int] = {}
    of_row = np.full(prepared.num_rows, -1, np.int64)
    first_rows: list[int] = []
    for row, (status, source_row, input_hash) in enumerate(zip(statuses, source_rows, hashes, strict=True)):
        if status in ANNOTATED_STATUSES and source_row not in failed_rows:
            of_row[row] = number_of.setdefault(input_hash, len(number_of))
            if len(number_of) > len(first_rows):
                first_rows.append(row)
    reviews = prepared.take(pa.array(first_rows, pa.int64()))
    token_ids = [ids.tobytes() for ids in _lists(reviews, "token_ids")]
    number_of_tokens: dict[bytes, int] = {}
    sequence = [number_of_tokens.setdefault(ids, len(number_of_tokens)) for ids in token_ids]
    return DistinctReviews(
        of_row=of_row,
        bodies=[body or "" for body in reviews["body"].to_pylist()],
        sentences=_lists(reviews, *SENTENCE_FIELDS),
        sequence=np.array(sequence, np.int64),
        sequences=[np.frombuffer(ids, np.int32) for ids in number_of_tokens],
    )


def _lists(reviews: pa.Table, *names: str) -> list[NDArray[np.int32]]:
    """The lists of several columns of numbers [rows], equally long in each row: an array [length, names] per row."""
    columns = [joined(reviews[name]) for name in names]
    values = np.stack([column.flatten().to_numpy() for column in columns], axis=1)
    return [values[first:last] for first, last in pairwise(list_offsets(columns[0]).tolist())]
