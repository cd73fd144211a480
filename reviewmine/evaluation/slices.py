"""Slices: the same figures over the rows that share a language, a length, a rating, a trait or a given column."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from reviewmine.evaluation.answers import Answers
from reviewmine.evaluation.metrics import counted_metrics, regression_metrics
from reviewmine.evaluation.resampling import macro_f1
from reviewmine.evaluation.traits import with_emoji, with_negation, with_typos
from reviewmine.text.language import identify
from reviewmine.text.mask import mask

SLICINGS: Final = ("language", "length", "rating", "emoji", "negation", "typos")
"""What every evaluation is sliced by; columns of the examples may be added."""
SMALL_ROWS: Final = 100
"""Slices of fewer rows are marked: their figures say little."""
MOST_VALUES: Final = 20
"""Slices of one column; the values that fewer rows have are joined as OTHER."""
OTHER: Final = "(other)"
NO_VALUE: Final = "(none)"
LENGTHS: Final = (16, 32, 64, 128)
"""Upper bounds of the slices by length, in tokens; what is longer is the last slice."""

_LONGEST_VALUE: Final = 80

Rows = npt.NDArray[np.bool_]


def slice_figures(answers: Answers, by: Sequence[str] = ()) -> dict[str, dict[str, Any]]:
    """By the name of the slicing and of the slice: its rows, whether they are few, and the figures of every head.

    Of heads that give a review several answers it is macro-F1 alone.
    """
    return {
        slicing: {value: _figures(answers, rows) for value, rows in slices.items() if rows.any()}
        for slicing, slices in slices_of(answers, by).items()
    }


def slices_of(answers: Answers, by: Sequence[str] = ()) -> dict[str, dict[str, Rows]]:
    """Which rows [N] belong to each slice, by the name of the slicing; `by` names columns of the examples to slice by.

    Languages are those that the examples say, or else that the text is identified as. Values are masked and cut.
    """
    examples = answers.examples
    bodies = examples["body"].to_pylist()
    languages = [
        said or identify(body) for said, body in zip(examples["language"].to_pylist(), bodies, strict=True)
    ]
    stars = [None if rating is None else f"{rating:g}" for rating in examples["rating"].to_pylist()]
    traits = {
        "emoji": with_emoji(bodies), "negation": with_negation(bodies), "typos": with_typos(bodies)
    }  # fmt: skip
    return {
        "language": _by_value(languages),
        "length": _by_length(answers.num_tokens),
        "rating": dict(sorted(_by_value(stars).items())),
        **{trait: {"with": rows, "without": ~rows} for trait, rows in traits.items()},
        **{name: _by_value(examples[name].to_pylist()) for name in by},
    }


def _by_value(values: Sequence[str | None]) -> dict[str, Rows]:
    """The rows of each value, the commonest first; empty where no row has a value."""
    counted = Counter(values)
    if set(counted) == {None}:
        return {}
    shown = {value: _shown(value) for value, _ in counted.most_common(MOST_VALUES)}
    named = np.array([shown.get(value, OTHER) for value in values])
    return {name: named == name for name, _ in Counter(named.tolist()).most_common()}


def _shown(value: str | None) -> str:
    """A value as a name of a slice: it may be anything that a file holds, personal data too."""
    name = mask(" ".join(value.split())) if value else ""
    return (name if len(name) <= _LONGEST_VALUE else name[: _LONGEST_VALUE - 1] + "…") or NO_VALUE


def _by_length(num_tokens: npt.NDArray[np.int64]) -> dict[str, Rows]:
    bounds = (0, *LENGTHS, np.inf)
    names = [f"{low + 1} to {high}" for low, high in zip(bounds, LENGTHS, strict=False)]
    names.append(f"over {LENGTHS[-1]}")
    return {
        name: (num_tokens > low) & (num_tokens <= high)
        for name, low, high in zip(names, bounds, bounds[1:], strict=False)
    }


def _figures(answers: Answers, rows: Rows) -> dict[str, Any]:
    found: dict[str, Any] = {"rows": int(rows.sum()), "small": bool(rows.sum() < SMALL_ROWS)}
    for head, column in answers.columns.items():
        labels, answered = answers.labels[head][rows], column[rows]
        if head in answers.names:
            found[head] = counted_metrics(labels, answered)
        else:
            found[head] = regression_metrics(labels, answered)
    for head, several in answers.others.items():
        counts = several.counts[rows]
        counts = counts[~np.isnan(counts).any(axis=1)]
        found[head] = {"rows": len(counts)}
        if len(counts):
            sums = np.split(counts.sum(axis=0, keepdims=True, dtype=np.float64), 3, axis=1)
            found[head]["macro_f1"] = float(macro_f1(*sums)[0])
    return found
