"""Joining: short reviews of equal stars made into longer ones, so that a set of short reviews teaches long ones too.

Without it three stars may stand on short texts only, and a network learns that a long review is never neutral.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa

JOINED_AT_LEAST: Final = 8
"""Words from which on a review may stand alone."""
_SENTENCE_ENDS: Final = frozenset(".!?。！？…")


def joined(examples: pa.Table, max_words: int, rng: np.random.Generator) -> pa.Table:
    """EXAMPLES_SCHEMA rows of equal stars and language joined, in the order they stand in, into fewer and longer ones.

    Half of them end as soon as they have JOINED_AT_LEAST words, the others at a number drawn from there to
    `max_words`. A join of several never has more than `max_words`; a single review that is longer stays alone. A
    joined review has no title, and every text is used once; those that stay too short at the end are dropped, as
    are rows without stars.
    """
    gathering: dict[tuple[float, str | None], _Joining] = {}
    done: list[_Joining] = []
    columns = (examples[name].to_pylist() for name in ("body", "rating", "language"))
    for row, (body, stars, language) in enumerate(zip(*columns, strict=True)):
        if stars is None:
            continue
        kind = (stars, language)
        num_words = len(body.split())
        if kind in gathering and gathering[kind].num_words + num_words > max_words:
            done.append(gathering.pop(kind))
        one = gathering.setdefault(kind, _Joining(row))
        one.wanted_words = one.wanted_words or _drawn_words(max_words, rng)
        one.bodies.append(body.strip())
        one.num_words += num_words
        if one.num_words >= one.wanted_words:
            done.append(gathering.pop(kind))
    done = sorted((one for one in done if one.num_words >= JOINED_AT_LEAST), key=lambda one: one.row)
    rows = examples.take(pa.array([one.row for one in done], pa.int64()))
    for name, values in (("body", [one.text for one in done]), ("title", [None] * len(done))):
        rows = rows.set_column(rows.schema.get_field_index(name), name, pa.array(values, pa.string()))
    return rows


@dataclass
class _Joining:
    """A joined review in the making; its stars and language are those of its first row."""

    row: int
    wanted_words: int = 0
    num_words: int = 0
    bodies: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The bodies as one text, a full stop behind those that end without a mark."""
        return " ".join(body if body[-1:] in _SENTENCE_ENDS else f"{body}." for body in self.bodies)


def _drawn_words(max_words: int, rng: np.random.Generator) -> int:
    longer = rng.random() < 0.5
    return int(rng.integers(JOINED_AT_LEAST, max_words + 1)) if longer else JOINED_AT_LEAST
