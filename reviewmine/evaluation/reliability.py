"""Reliability: whether answers that are given with 80% confidence are right in 80% of cases."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

CALIBRATION_BINS: Final = 15


class Reliability(NamedTuple):
    """Answers by confidence, in bins of equal width: how many [B], their mean confidence [B] and accuracy [B].

    A bin without rows has NaN for both means.
    """

    rows: npt.NDArray[np.float64]
    confidence: npt.NDArray[np.float64]
    accuracy: npt.NDArray[np.float64]


def reliability(
    truth: npt.NDArray[np.int64],
    probabilities: npt.NDArray[np.float32],
    weights: npt.NDArray[np.float32] | None = None,
) -> Reliability:
    """Bins of the likeliest class of probabilities [N, C] against class numbers [N]; `weights` [N] count the rows."""
    bins = confidence_bins(probabilities)
    confidence = probabilities.max(axis=1)
    correct = (probabilities.argmax(axis=1) == truth).astype(np.float32)
    weight = np.ones_like(confidence) if weights is None else weights
    rows, confident, right = (
        np.asarray(np.bincount(bins, weights=weight * counted, minlength=CALIBRATION_BINS), np.float64)
        for counted in (np.ones_like(confidence), confidence, correct)
    )
    filled = np.where(rows > 0, rows, np.nan)
    return Reliability(rows, confident / filled, right / filled)


def calibration_error(
    truth: npt.NDArray[np.int64],
    probabilities: npt.NDArray[np.float32],
    weights: npt.NDArray[np.float32] | None = None,
) -> float:
    """Expected calibration error of the likeliest class: the gap of each bin, |accuracy - confidence|, by its rows.

    Source: Guo et al., On Calibration of Modern Neural Networks, ICML 2017, equation 3.
    """
    found = reliability(truth, probabilities, weights)
    gaps = np.nan_to_num(np.abs(found.accuracy - found.confidence))
    return float((gaps * found.rows).sum() / found.rows.sum())


def confidence_bins(probabilities: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """The bin [N] that the likeliest class of each row of probabilities [N, C] falls into."""
    found = (probabilities.max(axis=1) * CALIBRATION_BINS).astype(np.int64)
    bins: npt.NDArray[np.int64] = np.minimum(found, CALIBRATION_BINS - 1)
    return bins
