"""Examples as the network reads them: token ids through the one road of text, and labels as numbers beside them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from reviewmine.labels import POLARITIES
from reviewmine.text.encode import TextEncoder


@dataclass(frozen=True, kw_only=True)
class EncodedExamples:
    """N examples as token ids, with and without their titles, and labels [N] by head, NaN where there is none."""

    with_title: list[npt.NDArray[np.int32]]
    without_title: list[npt.NDArray[np.int32]]
    labels: Mapping[str, npt.NDArray[np.float32]]
    pad_id: int

    def __len__(self) -> int:
        return len(self.with_title)


def encode_examples(examples: pa.Table, encoder: TextEncoder, *, pad_id: int) -> EncodedExamples:
    """Encode the rows of EXAMPLES_SCHEMA; rows of which cleaning leaves nothing are dropped."""
    titles, bodies = examples["title"].to_pylist(), examples["body"].to_pylist()
    bare = encoder.encode([None] * len(bodies), bodies)
    full = [
        whole if title else alone
        for title, whole, alone in zip(titles, encoder.encode(titles, bodies), bare, strict=True)
    ]
    kept = [row for row, encoded in enumerate(bare) if encoded.token_ids]
    classes = {label: float(number) for number, label in enumerate(POLARITIES)}
    polarity = [classes.get(label, np.nan) for label in examples["polarity"].to_pylist()]
    intensity = [np.nan if label is None else label for label in examples["intensity"].to_pylist()]
    return EncodedExamples(
        with_title=[np.asarray(full[row].token_ids, dtype=np.int32) for row in kept],
        without_title=[np.asarray(bare[row].token_ids, dtype=np.int32) for row in kept],
        labels={
            "polarity": np.asarray(polarity, dtype=np.float32)[kept],
            "intensity": np.asarray(intensity, dtype=np.float32)[kept],
        },
        pad_id=pad_id,
    )
