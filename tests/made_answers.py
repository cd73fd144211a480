"""Answers made up for a test: no checkpoint, a head of classes and a head of numbers."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from reviewmine.contract.examples import EXAMPLES_SCHEMA
from reviewmine.evaluation.answers import Answers
from reviewmine.labels import POLARITIES


def make_answers(
    truth: Sequence[float],
    found: Sequence[int],
    *,
    confidence: Sequence[float] | float = 0.9,
    intensities: Sequence[float] | None = None,
    name: str = "made",
    **columns: Sequence[object],
) -> Answers:
    """Answers `found` [N], given with `confidence`, on rows of the class numbers `truth` [N], NaN where none.

    `columns` are columns of the examples; those of EXAMPLES_SCHEMA that are not given are null, bodies are made up.
    """
    num_rows = len(truth)
    sure = np.broadcast_to(np.asarray(confidence, np.float32), num_rows)
    probabilities = np.repeat((1 - sure[:, None]) / 2, 3, axis=1).astype(np.float32)
    probabilities[np.arange(num_rows), np.asarray(found)] = sure
    given = {
        "body": [f"It is number {row}." for row in range(num_rows)],
        "rating": [np.nan_to_num(label, nan=1) * 2 + 1 for label in truth],
        **columns,
    }
    arrays = {
        field.name: pa.array(given.pop(field.name, [None] * num_rows), field.type)
        for field in EXAMPLES_SCHEMA
    }
    numbers = np.asarray([0.5] * num_rows if intensities is None else intensities, np.float32)
    return Answers(
        name=name,
        checkpoint=name[:1] * 64,
        examples=pa.table({**arrays, **{name: pa.array(values) for name, values in given.items()}}),
        labels={"polarity": np.asarray(truth, np.float32), "intensity": np.ones(num_rows, np.float32)},
        columns={"polarity": probabilities, "intensity": numbers},
        raw={"polarity": probabilities, "intensity": numbers},
        names={"polarity": POLARITIES},
        num_tokens=np.array([len(str(body).split()) for body in arrays["body"].to_pylist()]),
    )
