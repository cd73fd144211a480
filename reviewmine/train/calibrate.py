"""Calibration: what turns logits into probabilities and numbers that mean what they say.

Everything is fitted on training and validation rows of the run, weighted to the class shares that are assumed, and
written into the spec; nothing is ever fitted on a set that the checkpoint is judged by.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import minimize_scalar
from sklearn.isotonic import IsotonicRegression
from torch.nn import functional as F

from reviewmine.evaluation.metrics import Floats
from reviewmine.evaluation.rows import natural_weights, token_rows
from reviewmine.model.head_specs import (
    ClassCalibration,
    ClassificationSpec,
    HeadSpec,
    LabelCalibration,
    MultilabelSpec,
    NumberCalibration,
    OrdinalSpec,
    RegressionSpec,
    TokensSpec,
    calibrated,
    uncalibrated,
)
from reviewmine.model.heads import decode

MAX_POINTS: Final = 24
_LOG_TEMPERATURES: Final = (-2.0, 2.0)


def assumed_shares(natural_shares: Sequence[float], strength: float) -> tuple[float, ...]:
    """Natural shares to the power `strength`, sum 1: 1 leaves them as they are, 0 takes all classes for equally likely.

    Between the two a class that is rare, and rarer in the training sets than elsewhere, is found more often, and
    the probability of the common one is understated.
    """
    powers = np.asarray(natural_shares, dtype=np.float64) ** strength
    return tuple(float(share) for share in powers / powers.sum())


def shifted_heads(
    heads: Mapping[str, HeadSpec],
    shares: Mapping[str, Sequence[float]],
    seen_shares: Mapping[str, Sequence[float]],
) -> dict[str, HeadSpec]:
    """Heads that take classes to come in `shares`, not as training saw them; without calibration otherwise.

    Heads of classes whose shares are not known, and those that have none, are left as training made them.
    """
    return {
        name: calibrated(
            uncalibrated(head), ClassCalibration(log_shift=log_shift(shares[name], seen_shares[name]))
        )
        if isinstance(head, ClassificationSpec) and name in shares
        else uncalibrated(head)
        for name, head in heads.items()
    }


def calibrated_heads(
    heads: Mapping[str, HeadSpec],
    logits: Mapping[str, torch.Tensor],
    labels: Mapping[str, Floats],
    shares: Mapping[str, Sequence[float]],
    natural_shares: Mapping[str, Sequence[float]],
) -> dict[str, HeadSpec]:
    """`heads` with the temperatures and tables that validation rows ask for, logits and labels as `judge` takes them.

    Classes are weighted to the `shares` that `heads` were shifted to, numbers to natural shares.
    """
    found: dict[str, HeadSpec] = {}
    for name, head in heads.items():
        match head:
            case ClassificationSpec():
                weights = natural_weights(name, head, labels, shares)
                shift = head.calibration.log_shift
                found[name] = calibrated(head, calibrate_classes(logits[name], labels[name], weights, shift))
            case TokensSpec():
                by_token, of_token = token_rows(labels[name], logits[name].numpy())
                found[name] = calibrated(head, calibrate_classes(torch.from_numpy(of_token), by_token))
            case MultilabelSpec():
                found[name] = calibrated(head, calibrate_labels(logits[name], labels[name]))
            case RegressionSpec() | OrdinalSpec():
                weights = natural_weights(name, head, labels, natural_shares)
                raw = decode(logits[name], uncalibrated(head)).numpy()
                found[name] = calibrated(head, calibrate_numbers(raw, labels[name], weights))
    return found


def log_shift(shares: Sequence[float], seen_shares: Sequence[float]) -> tuple[float, ...]:
    """log(share / seen share) per class: by how much logits of training rows are off where `shares` hold."""
    return tuple(float(x) for x in np.log(np.asarray(shares) / np.asarray(seen_shares)))


def calibrate_classes(
    logits: torch.Tensor, labels: Floats, weights: Floats | None = None, shift: tuple[float, ...] = ()
) -> ClassCalibration:
    """The temperature that, with `shift` fixed, gives logits [N, C] the least weighted cross-entropy.

    `labels` [N] are class numbers, NaN where there is none; without any the temperature stays one.
    """
    labelled = ~np.isnan(labels)
    if not labelled.any():
        return ClassCalibration(log_shift=shift)
    classes = torch.from_numpy(labels[labelled].astype(np.int64))
    weight = torch.ones(len(classes)) if weights is None else torch.from_numpy(weights[labelled])
    kept = logits[torch.from_numpy(labelled)].float()
    shifts = torch.tensor(shift) if shift else torch.zeros(kept.shape[1])

    def cross_entropy(temperature: float) -> float:
        losses = F.cross_entropy(kept / temperature + shifts, classes, reduction="none")
        return float((losses * weight).sum() / weight.sum())

    return ClassCalibration(temperature=_best_temperature(cross_entropy), log_shift=shift)


def calibrate_labels(logits: torch.Tensor, labels: Floats) -> LabelCalibration:
    """For each of C labels the temperature that gives logits [N, C] the least binary cross-entropy, labels [N, C]."""
    temperatures = []
    for column in range(labels.shape[1]):
        labelled = ~np.isnan(labels[:, column])
        truth = torch.from_numpy(labels[labelled, column])
        kept = logits[torch.from_numpy(labelled), column].float()

        def cross_entropy(
            temperature: float, kept: torch.Tensor = kept, truth: torch.Tensor = truth
        ) -> float:
            return float(F.binary_cross_entropy_with_logits(kept / temperature, truth))

        temperatures.append(_best_temperature(cross_entropy) if labelled.any() else 1.0)
    return LabelCalibration(temperatures=tuple(temperatures))


def calibrate_numbers(raw: Floats, labels: Floats, weights: Floats | None = None) -> NumberCalibration:
    """A monotone table from `raw` answers [N] to the weighted mean label (isotonic), labels [N] NaN where none."""
    weight = np.ones_like(labels) if weights is None else weights
    labelled = ~np.isnan(labels) & (weight > 0)
    if not labelled.any():
        return NumberCalibration()
    kept = raw[labelled].astype(np.float64)
    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
    fitted.fit(kept, labels[labelled], sample_weight=weight[labelled])
    points = np.unique(np.quantile(kept, np.linspace(0, 1, MAX_POINTS)).round(6))
    if len(points) < 2:
        return NumberCalibration()
    values = np.maximum.accumulate(np.clip(_smoothed(fitted, points), 0.0, 1.0)).round(6)
    return NumberCalibration(raw=tuple(points.tolist()), calibrated=tuple(values.tolist()))


def _best_temperature(loss: Callable[[float], float]) -> float:
    """The temperature of the least loss, looked for on a logarithmic scale."""
    best = minimize_scalar(lambda log: loss(float(np.exp(log))), bounds=_LOG_TEMPERATURES, method="bounded")
    return float(np.exp(best.x))


def _smoothed(fitted: IsotonicRegression, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The steps of an isotonic fit at `points`, each the mean of the fit between its neighbours' midpoints.

    A staircase would give thousands of reviews one and the same intensity; straight lines keep their order.
    """
    edges = np.concatenate([points[:1], (points[1:] + points[:-1]) / 2, points[-1:]])
    grid = np.linspace(edges[:-1], edges[1:], 16)
    values: npt.NDArray[np.float64] = np.asarray(fitted.predict(grid.ravel()), dtype=np.float64)
    return np.asarray(values.reshape(grid.shape).mean(axis=0), dtype=np.float64)
