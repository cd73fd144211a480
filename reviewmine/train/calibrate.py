"""Calibration: what turns logits into probabilities and intensities that mean what they say.

Everything is fitted on training and validation rows of the run, weighted to the class shares that are assumed, and
written into the spec; nothing is ever fitted on a set that the checkpoint is judged by.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import minimize_scalar
from sklearn.isotonic import IsotonicRegression
from torch.nn import functional as F

from reviewmine.evaluation.metrics import Floats, class_weights
from reviewmine.model.spec import (
    HeadSpecs,
    IntensityCalibration,
    IntensityHeadSpec,
    PolarityCalibration,
    PolarityHeadSpec,
)

MAX_POINTS: Final = 24
_LOG_TEMPERATURES: Final = (-2.0, 2.0)


def assumed_shares(natural_shares: Sequence[float], strength: float) -> tuple[float, ...]:
    """Natural shares to the power `strength`, sum 1: 1 leaves them as they are, 0 takes all classes for equally likely.

    Between the two a class that is rare, and rarer in the training sets than elsewhere, is found more often, and
    the probability of the common one is understated.
    """
    powers = np.asarray(natural_shares, dtype=np.float64) ** strength
    return tuple(float(share) for share in powers / powers.sum())


def shifted_heads(shares: Sequence[float], sampled_shares: Sequence[float]) -> HeadSpecs:
    """Heads that take classes to come in `shares`, not as training rows were sampled; not calibrated otherwise."""
    calibration = PolarityCalibration(log_shift=log_shift(shares, sampled_shares))
    return HeadSpecs(polarity=PolarityHeadSpec(calibration=calibration))


def calibrated_heads(
    heads: HeadSpecs,
    logits: Mapping[str, torch.Tensor],
    labels: Mapping[str, Floats],
    shares: Sequence[float],
    natural_shares: Sequence[float],
) -> HeadSpecs:
    """`heads` with the temperature and the table that validation rows ask for, logits [N, 3] and [N], labels [N].

    Polarities are weighted to the `shares` that `heads` were shifted to, intensities to natural shares.
    """
    shift = heads.polarity.calibration.log_shift
    assumed = class_weights(labels["polarity"], shares)
    polarity = calibrate_polarity(logits["polarity"], labels["polarity"], assumed, shift)
    natural = class_weights(labels["polarity"], natural_shares)
    intensity = calibrate_intensity(logits["intensity"], labels["intensity"], natural)
    return HeadSpecs(
        polarity=PolarityHeadSpec(calibration=polarity), intensity=IntensityHeadSpec(calibration=intensity)
    )


def log_shift(shares: Sequence[float], sampled_shares: Sequence[float]) -> tuple[float, ...]:
    """log(share / sampled share) per class: by how much logits of sampled training rows are off where `shares` hold."""
    return tuple(float(x) for x in np.log(np.asarray(shares) / np.asarray(sampled_shares)))


def calibrate_polarity(
    logits: torch.Tensor, labels: Floats, weights: Floats, shift: tuple[float, ...]
) -> PolarityCalibration:
    """The temperature that, with `shift` fixed, gives logits [N, 3] the least weighted cross-entropy."""
    labelled = ~np.isnan(labels)
    classes = torch.from_numpy(labels[labelled].astype(np.int64))
    weight = torch.from_numpy(weights[labelled])
    kept, shifts = logits[torch.from_numpy(labelled)].float(), torch.tensor(shift)

    def cross_entropy(log_temperature: float) -> float:
        losses = F.cross_entropy(kept / float(np.exp(log_temperature)) + shifts, classes, reduction="none")
        return float((losses * weight).sum() / weight.sum())

    best = minimize_scalar(cross_entropy, bounds=_LOG_TEMPERATURES, method="bounded")
    return PolarityCalibration(temperature=float(np.exp(best.x)), log_shift=shift)


def calibrate_intensity(logits: torch.Tensor, labels: Floats, weights: Floats) -> IntensityCalibration:
    """A monotone table from raw intensity, the sigmoid of logits [N], to the weighted mean label (isotonic)."""
    labelled = ~np.isnan(labels) & (weights > 0)
    if not labelled.any():
        return IntensityCalibration()
    raw = torch.sigmoid(logits.float()).numpy()[labelled].astype(np.float64)
    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
    fitted.fit(raw, labels[labelled], sample_weight=weights[labelled])
    points = np.unique(np.quantile(raw, np.linspace(0, 1, MAX_POINTS)).round(6))
    if len(points) < 2:
        return IntensityCalibration()
    values = np.maximum.accumulate(np.clip(_smoothed(fitted, points), 0.0, 1.0)).round(6)
    return IntensityCalibration(raw=tuple(points.tolist()), calibrated=tuple(values.tolist()))


def _smoothed(fitted: IsotonicRegression, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The steps of an isotonic fit at `points`, each the mean of the fit between its neighbours' midpoints.

    A staircase would give thousands of reviews one and the same intensity; straight lines keep their order.
    """
    edges = np.concatenate([points[:1], (points[1:] + points[:-1]) / 2, points[-1:]])
    grid = np.linspace(edges[:-1], edges[1:], 16)
    values: npt.NDArray[np.float64] = np.asarray(fitted.predict(grid.ravel()), dtype=np.float64)
    return np.asarray(values.reshape(grid.shape).mean(axis=0), dtype=np.float64)
