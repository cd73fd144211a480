"""Figures: how far answers agree with labels, by the arithmetic of scikit-learn and scipy where they have it."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr
from sklearn.metrics import (
    average_precision_score,
    confusion_matrix,
    mean_absolute_error,
    mean_squared_error,
    precision_recall_fscore_support,
    roc_auc_score,
)

from reviewmine.evaluation.reliability import calibration_error
from reviewmine.evaluation.resampling import macro_f1, macro_f1_interval

Floats = npt.NDArray[np.float32]
Classes = npt.NDArray[np.int64]


def classification_metrics(
    labels: Floats, probabilities: Floats, names: Sequence[str], weights: Floats | None = None
) -> dict[str, Any]:
    """Figures of probabilities [N, C] for the classes `names` [C] against `labels` [N], class numbers or NaN.

    Macro figures are means over the classes that occur, weighted ones over rows; ROC AUC and PR AUC (average
    precision) are of each class against the rest, None where every row or none is of the class. `weights` [N] count
    rows as more or fewer than one; with them there is no interval. Where a class is not told at all, its precision
    is 0.
    """
    counted = counted_metrics(labels, probabilities, weights)
    if not counted["rows"]:
        return counted
    labelled = ~np.isnan(labels)
    truth, given = labels[labelled].astype(np.int64), probabilities[labelled]
    weight = None if weights is None else weights[labelled]
    found = given.argmax(axis=1)
    numbers = list(range(len(names)))
    per_class = precision_recall_fscore_support(
        truth, found, labels=numbers, sample_weight=weight, zero_division=0.0
    )
    *figures, support = (np.asarray(figure, dtype=np.float64) for figure in per_class)
    areas = [areas_of(truth == number, given[:, number], weight) for number in numbers]
    present = np.isin(numbers, truth)
    kinds = dict(zip(("precision", "recall", "f1"), figures, strict=True))
    return {
        **counted,
        **{f"macro_{kind}": float(kinds[kind][present].mean()) for kind in ("precision", "recall")},
        **{f"weighted_{kind}": float(np.average(values, weights=support)) for kind, values in kinds.items()},
        "macro_roc_auc": _mean(one["roc_auc"] for one in areas),
        "macro_pr_auc": _mean(one["pr_auc"] for one in areas),
        "classes": {
            name: {
                **{kind: float(values[n]) for kind, values in kinds.items()},
                **areas[n],
                "rows": float(support[n]),
            }
            for n, name in enumerate(names)
        },
        "confusion": confusion_matrix(truth, found, labels=numbers).tolist(),
    }


def counted_metrics(labels: Floats, probabilities: Floats, weights: Floats | None = None) -> dict[str, Any]:
    """Those of `classification_metrics` that follow from counts alone, fast enough for a hundred slices."""
    labelled = ~np.isnan(labels)
    if not labelled.any():
        return {"rows": 0}
    truth, given = labels[labelled].astype(np.int64), probabilities[labelled]
    weight = None if weights is None else weights[labelled]
    num_classes = given.shape[1]
    cells = np.bincount(truth * num_classes + given.argmax(axis=1), weight, minlength=num_classes**2)
    confusion = cells.reshape(num_classes, num_classes)
    actual, told = confusion.sum(axis=1), confusion.sum(axis=0)
    return {
        "rows": int(labelled.sum()),
        "macro_f1": float(macro_f1(np.diagonal(confusion)[None], actual[None], told[None])[0]),
        **({"macro_f1_interval": macro_f1_interval(confusion)} if weights is None else {}),
        "accuracy": float(np.trace(confusion) / confusion.sum()),
        "calibration_error": calibration_error(truth, given, weight),
    }


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
    """Rank correlation and errors of `numbers` [N] against `labels` [N] of the same unit, NaN where there is none.

    `mae_of_constant` is the error of always answering the median label: what a head has to beat. It and the rank
    correlation count all rows alike; the other errors count them by weight.
    """
    labelled = ~np.isnan(labels)
    if not labelled.any():
        return {"rows": 0}
    truth, given = labels[labelled], numbers[labelled]
    weight = None if weights is None else weights[labelled]
    constant = np.ptp(truth) == 0 or np.ptp(given) == 0
    mse = float(mean_squared_error(truth, given, sample_weight=weight))
    return {
        "rows": int(labelled.sum()),
        "spearman": None if constant else float(spearmanr(truth, given).statistic),
        "mae": float(mean_absolute_error(truth, given, sample_weight=weight)),
        "mse": mse,
        "rmse": mse**0.5,
        "mae_of_constant": float(np.abs(truth - np.median(truth)).mean()),
    }


def class_weights(labels: Floats, shares: Sequence[float]) -> Floats:
    """A weight [N] per row that gives the classes [N] (numbers, NaN where there is none) these shares.

    Rows without a class weigh nothing; the mean weight of the others is one.
    """
    labelled = ~np.isnan(labels)
    classes = np.where(labelled, labels, 0).astype(int)
    counts = np.bincount(classes[labelled], minlength=len(shares))
    per_class = np.asarray(shares) * labelled.sum() / np.maximum(counts, 1)
    return np.where(labelled, per_class[classes], 0.0).astype(np.float32)


def areas_of(
    is_class: npt.NDArray[np.bool_], probability: Floats, weight: Floats | None = None
) -> dict[str, Any]:
    """ROC AUC and PR AUC (average precision) of being sure [N] of a class; None where every row is of it, or none."""
    if is_class.all() or not is_class.any():
        return {"roc_auc": None, "pr_auc": None}
    return {
        "roc_auc": float(roc_auc_score(is_class, probability, sample_weight=weight)),
        "pr_auc": float(average_precision_score(is_class, probability, sample_weight=weight)),
    }


def _mean(areas: Iterable[float | None]) -> float | None:
    known = [area for area in areas if area is not None]
    return sum(known) / len(known) if known else None
