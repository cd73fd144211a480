"""Examples as the network reads them: token ids through the one road of text, and labels as numbers beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from reviewmine.examples.spans import token_classes
from reviewmine.model.head_specs import (
    OPINION_HEADS,
    ClassificationSpec,
    HeadSpec,
    MultilabelSpec,
    OrdinalSpec,
    RegressionSpec,
    TokensSpec,
)
from reviewmine.text.encode import TextEncoder

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class EncodedExamples:
    """N examples as token ids, with and without their titles, and labels by head, NaN where there is none.

    Labels are class numbers or numbers [N], 0 or 1 for each of several labels [N, C], or class numbers of the first
    W tokens [N, W]. Spans stand in bodies: examples that have them are read without their title.
    """

    with_title: list[npt.NDArray[np.int32]]
    without_title: list[npt.NDArray[np.int32]]
    labels: Mapping[str, Floats]
    pad_id: int

    def __len__(self) -> int:
        return len(self.with_title)


def encode_examples(
    examples: pa.Table,
    encoder: TextEncoder,
    *,
    pad_id: int,
    heads: Mapping[str, HeadSpec] = OPINION_HEADS,
) -> EncodedExamples:
    """Encode examples that have a column for each of `heads`; rows of which cleaning leaves nothing are dropped."""
    titles, bodies = examples["title"].to_pylist(), examples["body"].to_pylist()
    for name, head in heads.items():
        if isinstance(head, TokensSpec):
            has_spans = examples[name].is_valid().to_pylist()
            titles = [None if bare else title for title, bare in zip(titles, has_spans, strict=True)]
    bare = encoder.encode([None] * len(bodies), bodies)
    full = [
        whole if title else alone
        for title, whole, alone in zip(titles, encoder.encode(titles, bodies), bare, strict=True)
    ]
    kept = [row for row, encoded in enumerate(bare) if encoded.token_ids]
    read = examples.take(pa.array(kept, pa.int64()))
    return EncodedExamples(
        with_title=[np.asarray(full[row].token_ids, dtype=np.int32) for row in kept],
        without_title=[np.asarray(bare[row].token_ids, dtype=np.int32) for row in kept],
        labels={name: _numbers(read, name, head, encoder) for name, head in heads.items()},
        pad_id=pad_id,
    )


def _numbers(examples: pa.Table, name: str, head: HeadSpec, encoder: TextEncoder) -> Floats:
    """The labels of one head as numbers."""
    labels = examples[name].to_pylist()
    match head:
        case ClassificationSpec():
            classes = {label: float(number) for number, label in enumerate(head.labels)}
            return np.asarray([classes.get(label, np.nan) for label in labels], dtype=np.float32)
        case MultilabelSpec():
            rows = [
                [np.nan if some is None else float(label in some) for label in head.labels] for some in labels
            ]
            return np.asarray(rows, dtype=np.float32).reshape(len(labels), len(head.labels))
        case RegressionSpec() | OrdinalSpec():
            return np.asarray([np.nan if label is None else label for label in labels], dtype=np.float32)
        case TokensSpec():
            return _token_numbers(examples["body"].to_pylist(), labels, head, encoder)


def _token_numbers(
    bodies: Sequence[str], labels: Sequence[Any], head: TokensSpec, encoder: TextEncoder
) -> Floats:
    """Class numbers [N, W] of the first W tokens of N bodies, W the most tokens of one that has labels."""
    labelled = [row for row, spans in enumerate(labels) if spans is not None]
    places = encoder.places([bodies[row] for row in labelled])
    width = max((len(some) for some in places), default=1)
    numbers = np.full((len(bodies), width), np.nan, dtype=np.float32)
    for row, some in zip(labelled, places, strict=True):
        numbers[row, : len(some)] = token_classes(bodies[row], labels[row], some, head.classes)
    return numbers
