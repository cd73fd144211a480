"""Figures: how far answers agree with labels, by the arithmetic of scikit-learn and scipy where they have it."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    mean_absolute_error,
    precision_recall_fscore_support,
)

Floats = npt.NDArray[np.float32]

CALIBRATION_BINS: Final = 15
RESAMPLES: Final = 2000


def classification_metrics(
    labels: Floats, probabilities: Floats, names: Sequence[str], weights: Floats | None = None
) -> dict[str, Any]:
    """Macro-F1, accuracy, expected calibration error and per-class figures of probabilities [N, C] for `names` [C].

    `labels` [N] are class numbers, NaN where there is none; `weights` [N] count rows as more or fewer than one.
    """
    labelled = ~np.isnan(labels)
    if not labelled.any():
        return {"rows": 0}
    truth, given = labels[labelled].astype(int), probabilities[labelled]
    weight = None if weights is None else weights[labelled]
    found = given.argmax(axis=1)
    numbers = list(range(len(names)))
    precision, recall, f1, support = precision_recall_fscore_support(
        truth, found, labels=numbers, sample_weight=weight, zero_division=0.0
    )
    present = np.isin(numbers, truth)
    confusion = confusion_matrix(truth, found, labels=numbers)
    interval = {"macro_f1_interval": macro_f1_interval(confusion)} if weights is None else {}
    return {
        "rows": int(labelled.sum()),
        "macro_f1": float(f1[present].mean()),
        **interval,
        "accuracy": float(accuracy_score(truth, found, sample_weight=weight)),
        "calibration_error": calibration_error(truth, given, weight),
        "classes": {
            name: {
                "precision": float(precision[n]),
                "recall": float(recall[n]),
                "f1": float(f1[n]),
                "rows": float(support[n]),
            }
            for n, name in enumerate(names)
        },
        "confusion": confusion.tolist(),
    }


def macro_f1_interval(confusion: npt.NDArray[np.int64], *, seed: int = 0) -> tuple[float, float]:
    """The middle 95% of macro-F1 over resampled rows, from the confusion counts [true, found] alone.

    Rows drawn with replacement fall into the cells of the table by a multinomial law, so whole tables are drawn
    (percentile bootstrap: Efron 1979). Classes of which a table has no row are left out of its mean, as in macro-F1.
    """
    rng = np.random.default_rng(seed)
    num_rows = confusion.sum()
    tables = rng.multinomial(num_rows, confusion.ravel() / num_rows, size=RESAMPLES).reshape(
        -1, *confusion.shape
    )
    hits = np.diagonal(tables, axis1=1, axis2=2)
    f1 = 2 * hits / np.maximum(tables.sum(axis=1) + tables.sum(axis=2), 1)
    present = tables.sum(axis=2) > 0
    low, high = np.quantile((f1 * present).sum(axis=1) / present.sum(axis=1), [0.025, 0.975])
    return float(low), float(high)


def two_class_accuracy(
    labels: Floats, probabilities: Floats, pair: tuple[int, int], weights: Floats | None = None
) -> float | None:
    """The share of rows of either class of `pair` whose own class is the likelier of the two; None without such rows.

    `labels` [N] are class numbers, NaN where there is none; what `probabilities` [N, C] say of others is left out.
    """
    one, other = pair
    either = (labels == one) | (labels == other)
    if not either.any():
        return None
    right = (probabilities[:, other] > probabilities[:, one]) == (labels == other)
    return float(np.average(right[either], weights=None if weights is None else weights[either]))


def regression_metrics(labels: Floats, numbers: Floats, weights: Floats | None = None) -> dict[str, Any]:
    """Spearman's rank correlation and mean absolute error of numbers [N] against labels [N], NaN where none."""
    labelled = ~np.isnan(labels)
    if not labelled.any():
        return {"rows": 0}
    truth, given = labels[labelled], numbers[labelled]
    weight = None if weights is None else weights[labelled]
    constant = np.ptp(truth) == 0 or np.ptp(given) == 0
    return {
        "rows": int(labelled.sum()),
        "spearman": None if constant else float(spearmanr(truth, given).statistic),
        "mae": float(mean_absolute_error(truth, given, sample_weight=weight)),
        "mae_of_constant": float(np.abs(truth - np.median(truth)).mean()),
    }


def calibration_error(
    truth: npt.NDArray[np.int64], probabilities: Floats, weights: Floats | None = None
) -> float:
    """Expected calibration error of the likeliest class: bins of equal width, |accuracy - confidence|, by weight.

    Source: Guo et al., On Calibration of Modern Neural Networks, ICML 2017, equation 3.
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == truth
    weight = np.ones_like(confidence) if weights is None else weights
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, weights=weight * (correct - confidence), minlength=CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / weight.sum())


def class_weights(labels: Floats, shares: Sequence[float]) -> Floats:
    """A weight [N] per row that gives the classes [N] (numbers, NaN where there is none) these shares.

    Rows without a class weigh nothing; the mean weight of the others is one.
    """
    labelled = ~np.isnan(labels)
    classes = np.where(labelled, labels, 0).astype(int)
    counts = np.bincount(classes[labelled], minlength=len(shares))
    per_class = np.asarray(shares) * labelled.sum() / np.maximum(counts, 1)
    return np.where(labelled, per_class[classes], 0.0).astype(np.float32)
