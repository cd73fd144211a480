"""Comparison: one checkpoint against another on the very same rows, and whether the difference is more than chance."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from reviewmine.errors import CheckpointError
from reviewmine.evaluation.answers import Answers
from reviewmine.evaluation.metrics import Floats
from reviewmine.evaluation.reliability import CALIBRATION_BINS, confidence_bins
from reviewmine.evaluation.resampling import macro_f1, middle, resampled_sums

Matrix = npt.NDArray[np.float64]


def compare(answers: Answers, reference: Answers, *, seed: int = 0) -> dict[str, Any]:
    """How `answers` differ from those of a `reference` checkpoint on the same rows, for every head both have.

    Each figure has what was found here, what the reference has, the difference and its interval of 95% by a paired
    bootstrap: rows are drawn with replacement, the same rows for both. Swapping the two swaps the signs.

    Of heads that give a review several answers it is macro-F1 alone. Raises CheckpointError if a head of both has other
    classes in the one than in the other.
    """
    found: dict[str, Any] = {
        "checkpoint": reference.checkpoint, "name": reference.name, "rows": len(answers)
    }  # fmt: skip
    for head in answers.columns:
        if head not in reference.columns:
            continue
        _require_same(head, answers, answers.names.get(head), reference, reference.names.get(head))
        labelled = ~np.isnan(answers.labels[head])
        labels = answers.labels[head][labelled]
        here, there = answers.columns[head][labelled], reference.columns[head][labelled]
        if not len(labels):
            found[head] = {"rows": 0}
        elif head in answers.names:
            found[head] = compare_classes(labels.astype(np.int64), here, there, seed=seed)
        else:
            found[head] = compare_numbers(labels, here, there, seed=seed)
    for head, several in answers.others.items():
        if head not in reference.others:
            continue
        other = reference.others[head]
        _require_same(head, answers, several.names, reference, other.names)
        both = np.hstack([several.counts, other.counts])
        found[head] = compare_several(both[~np.isnan(both).any(axis=1)], seed=seed)
    return found


def _require_same(
    head: str, answers: Answers, here: Sequence[str] | None, reference: Answers, there: Sequence[str] | None
) -> None:
    if here != there:
        raise CheckpointError(
            f"{answers.name} and {reference.name}: found classes {there} of {head}, expected {here}; checkpoints with "
            "other labels cannot be compared"
        )


def compare_classes(
    truth: npt.NDArray[np.int64], here: Floats, there: Floats, *, seed: int = 0
) -> dict[str, Any]:
    """Differences of macro-F1, accuracy and calibration error of probabilities [N, C], and McNemar's exact test.

    The test (McNemar 1947) asks whether rows that only one of the two tells right fall to either side by chance.
    """
    right_here, right_there = here.argmax(axis=1) == truth, there.argmax(axis=1) == truth
    only_here, only_there = int((right_here & ~right_there).sum()), int((right_there & ~right_here).sum())
    num_classes = here.shape[1]
    actual = np.eye(num_classes, dtype=np.float32)[truth]
    columns = np.hstack([actual, _class_columns(truth, here), _class_columns(truth, there)])
    width = (columns.shape[1] - num_classes) // 2

    def figures(sums: Matrix) -> tuple[list[Matrix], list[Matrix]]:
        actual, of_here, of_there = np.split(sums, [num_classes, num_classes + width], axis=1)
        return _class_figures(actual, of_here), _class_figures(actual, of_there)

    differences = _differences(columns, ("macro_f1", "accuracy", "calibration_error"), figures, seed)
    trials = only_here + only_there
    return {
        "rows": len(truth),
        **differences,
        "mcnemar": {
            "only_here_right": only_here,
            "only_there_right": only_there,
            "p_value": float(binomtest(only_here, trials).pvalue) if trials else 1.0,
        },
        "changed": int((here.argmax(axis=1) != there.argmax(axis=1)).sum()),
    }


def compare_numbers(truth: Floats, here: Floats, there: Floats, *, seed: int = 0) -> dict[str, Any]:
    """The difference of the mean absolute errors of numbers [N]."""
    columns = np.stack([np.ones_like(truth), np.abs(here - truth), np.abs(there - truth)], axis=1)

    def figures(sums: Matrix) -> tuple[list[Matrix], list[Matrix]]:
        return [sums[:, 1] / sums[:, 0]], [sums[:, 2] / sums[:, 0]]

    return {"rows": len(truth), **_differences(columns, ("mae",), figures, seed)}


def compare_several(counts: Floats, *, seed: int = 0) -> dict[str, Any]:
    """The difference of macro-F1 of several answers to each review, from counts of either [N, 2 * 3 C]; see rows."""
    if not len(counts):
        return {"rows": 0}

    def figures(sums: Matrix) -> tuple[list[Matrix], list[Matrix]]:
        of_here, of_there = np.split(sums, 2, axis=1)
        return [macro_f1(*np.split(of_here, 3, axis=1))], [macro_f1(*np.split(of_there, 3, axis=1))]

    return {"rows": len(counts), **_differences(counts, ("macro_f1",), figures, seed)}


def _differences(
    columns: Floats,
    names: Sequence[str],
    figures: Callable[[Matrix], tuple[list[Matrix], list[Matrix]]],
    seed: int,
) -> dict[str, Any]:
    """Each figure of `names` here and there, computed from sums of columns [N, K] over all rows and over resamples."""
    found_here, found_there = figures(columns.sum(axis=0, dtype=np.float64, keepdims=True))
    drawn_here, drawn_there = figures(resampled_sums(columns, seed=seed))
    return {
        name: {
            "found": float(found_here[n][0]),
            "reference": float(found_there[n][0]),
            "difference": float(found_here[n][0] - found_there[n][0]),
            "interval": middle(drawn_here[n] - drawn_there[n]),
        }
        for n, name in enumerate(names)
    }


def _class_columns(truth: npt.NDArray[np.int64], probabilities: Floats) -> Floats:
    """What the figures of classes are sums of [N, 2 C + CALIBRATION_BINS]: told right, told, gap of its bin."""
    num_rows, num_classes = probabilities.shape
    told = np.eye(num_classes, dtype=np.float32)[probabilities.argmax(axis=1)]
    right = told * (probabilities.argmax(axis=1) == truth)[:, None]
    gaps = np.zeros((num_rows, CALIBRATION_BINS), np.float32)
    gaps[np.arange(num_rows), confidence_bins(probabilities)] = right.sum(axis=1) - probabilities.max(axis=1)
    return np.hstack([right, told, gaps])


def _class_figures(actual: Matrix, sums: Matrix) -> list[Matrix]:
    """Macro-F1, accuracy and calibration error [R] of sums [R, C] and [R, 2 C + CALIBRATION_BINS]."""
    num_classes = actual.shape[1]
    right, told, gaps = np.split(sums, [num_classes, 2 * num_classes], axis=1)
    num_rows = actual.sum(axis=1)
    return [
        macro_f1(right, actual, told),
        right.sum(axis=1) / num_rows,
        np.abs(gaps).sum(axis=1) / num_rows,
    ]
