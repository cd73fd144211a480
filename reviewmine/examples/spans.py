"""Spans as classes of tokens: labels on code points of a raw body, found again in the tokens of its clean sentences."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from reviewmine.text.clean import clean
from reviewmine.text.encode import TokenPlace
from reviewmine.text.sentences import Span, cleaned_sentences


def token_classes(
    body: str,
    spans: Sequence[Mapping[str, Any]],
    places: Sequence[TokenPlace | None],
    classes: Sequence[str],
) -> npt.NDArray[np.float32]:
    """The class of each token [T] as its number in `classes` (O, B-label, I-label), NaN for special tokens.

    Args:
        spans: structs of `start`, `end` (half-open, code points of `body`) and `label`; of two that overlap the
            first wins.
        places: where the tokens stand; see TextEncoder.places.

    A sentence in which a span cannot be found again, because cleaning took it apart, has no classes: better none than
    wrong ones.
    """
    numbers = {name: number for number, name in enumerate(classes)}
    found = np.array([np.nan if place is None else numbers["O"] for place in places], dtype=np.float32)
    sentences = list(cleaned_sentences(body))
    taken = np.zeros(len(places), dtype=np.bool_)
    for span in sorted(spans, key=lambda one: (one["start"], one["end"])):
        begun = False
        for number, (raw, cleaned) in enumerate(sentences):
            start, end = max(span["start"], raw.start), min(span["end"], raw.end)
            if start >= end:
                continue
            of_sentence = np.array([place is not None and place.sentence == number for place in places])
            where = _place_in(body, raw, cleaned, start, end)
            if where is None:
                found[of_sentence] = np.nan
                continue
            for token in np.flatnonzero(of_sentence & ~taken).tolist():
                place = places[token]
                if place and place.start < where[1] and place.end > where[0]:
                    found[token] = numbers[f"{'I' if begun else 'B'}-{span['label']}"]
                    taken[token] = begun = True
    return found


def _place_in(body: str, raw: Span, cleaned: str, start: int, end: int) -> tuple[int, int] | None:
    """Where code points `start` to `end` of `body` stand in a clean sentence; (0, 0) if nothing is left of them."""
    if body[raw.start : raw.end] == cleaned:
        return start - raw.start, end - raw.start
    words = clean(body[start:end])
    if not words:
        return 0, 0
    expected = len(clean(body[raw.start : start]))
    at = [i for i in range(len(cleaned) - len(words) + 1) if cleaned.startswith(words, i)]
    if not at:
        return None
    nearest = min(at, key=lambda i: abs(i - expected))
    return nearest, nearest + len(words)
