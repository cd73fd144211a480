"""Readings: the rows that say most about a checkpoint, quoted for people to read, personal data masked."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from reviewmine.evaluation.answers import Answers
from reviewmine.evaluation.metrics import Floats
from reviewmine.text.mask import mask

LONGEST_QUOTE: Final = 420
_DIRECTIONS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
"""Characters that turn the direction of what follows them, the page's own words included."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One row: what it says, which class it has, and which a checkpoint found, with its probability."""

    title: str
    body: str
    rating: float | None
    truth: str
    found: str
    probability: float
    before: str | None = None
    """The class that the checkpoint it is compared with found, where there is one."""


def worst_errors(answers: Answers, head: str, *, limit: int = 20) -> list[Reading]:
    """The rows that a head of classes tells wrong with the greatest confidence, the worst first."""
    truth, found, confidence = _told(answers, head)
    wrong = np.flatnonzero(~np.isnan(truth) & (found != truth))
    worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:limit]
    return [_reading(answers, head, row) for row in worst.tolist()]


def changed_rows(
    answers: Answers, reference: Answers, head: str, *, limit: int = 10
) -> tuple[list[Reading], list[Reading]]:
    """The rows that only `answers` tell right, and those that only the `reference` does, the surest first."""
    truth, found, confidence = _told(answers, head)
    _, before, _ = _told(reference, head)
    sides = []
    for better in ((found == truth) & (before != truth), (found != truth) & (before == truth)):
        rows = np.flatnonzero(better & ~np.isnan(truth))
        surest = rows[np.argsort(-confidence[rows], kind="stable")][:limit]
        names = answers.names[head]
        sides.append([_reading(answers, head, row, names[before[row]]) for row in surest.tolist()])
    improved, worsened = sides
    return improved, worsened


def quoted(text: str | None, longest: int = LONGEST_QUOTE) -> str:
    """A text on one line, masked, cut at a word, without characters that control how a page shows it."""
    kept = "".join(
        " " if unicodedata.category(one) == "Cc" else one for one in text or "" if one not in _DIRECTIONS
    )
    line = mask(" ".join(kept.split()))
    if len(line) <= longest:
        return line
    cut = line[: longest - 1]
    return (cut[: cut.rfind(" ")] if cut.rfind(" ") > longest // 2 else cut) + "…"


def _told(answers: Answers, head: str) -> tuple[Floats, npt.NDArray[np.int64], Floats]:
    column = answers.columns[head]
    return answers.labels[head], column.argmax(axis=1), column.max(axis=1)


def _reading(answers: Answers, head: str, row: int, before: str | None = None) -> Reading:
    names: Sequence[str] = answers.names[head]
    (review,) = answers.examples.slice(row, 1).to_pylist()
    found = int(answers.columns[head][row].argmax())
    return Reading(
        title=quoted(review["title"], 120),
        body=quoted(review["body"]),
        rating=review["rating"],
        truth=names[int(answers.labels[head][row])],
        found=names[found],
        probability=float(answers.columns[head][row][found]),
        before=before,
    )
