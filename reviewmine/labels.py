"""The closed vocabularies of the annotations, and how stars become labels.

Star ratings are a proxy for what was felt, not the truth: they agree with human three-class labels about
two times in three on app reviews. They are used because archives have them by the million.
"""

from typing import Final, Literal

Polarity = Literal["negative", "neutral", "positive"]
IntensityLevel = Literal["weak", "medium", "strong", "extreme"]
Status = Literal["ok", "truncated", "repaired", "empty", "unsupported_language", "failed"]
SummaryMethod = Literal["verbatim", "extractive", "seq2seq", "none"]

POLARITIES: Final[tuple[Polarity, ...]] = ("negative", "neutral", "positive")
INTENSITY_LEVELS: Final[tuple[IntensityLevel, ...]] = ("weak", "medium", "strong", "extreme")
DEFAULT_INTENSITY_CUTS: Final = (0.25, 0.5, 0.75)
ANNOTATED_STATUSES: Final[frozenset[Status]] = frozenset({"ok", "truncated", "repaired"})
STATUSES: Final[tuple[Status, ...]] = (
    "ok",
    "truncated",
    "repaired",
    "empty",
    "unsupported_language",
    "failed",
)
SUMMARY_METHODS: Final[tuple[SummaryMethod, ...]] = ("verbatim", "extractive", "seq2seq", "none")
UNKNOWN_LANGUAGE: Final = "und"


def polarity_of_rating(rating: float) -> Polarity:
    """The polarity that 1 to 5 stars stand for: 1-2 negative, 3 neutral, 4-5 positive."""
    if not 1 <= rating <= 5:
        raise ValueError(f"rating {rating!r}: expected 1 to 5 stars")
    return "negative" if rating < 2.5 else "positive" if rating > 3.5 else "neutral"


def intensity_of_rating(rating: float) -> float:
    """The distance of 1 to 5 stars from the middle, as an intensity from 0 (three stars) to 1 (one or five)."""
    if not 1 <= rating <= 5:
        raise ValueError(f"rating {rating!r}: expected 1 to 5 stars")
    return abs(rating - 3) / 2
