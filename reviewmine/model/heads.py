"""Heads: each turns the pooled state of a review into logits, and knows its loss and its decoding.

The loss of a head is a sum over the rows that carry its label; the loop divides by the number of such rows in
the whole batch, on every worker, so that one worker and many take the same step.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reviewmine.labels import POLARITIES
from reviewmine.model.spec import IntensityCalibration, PolarityCalibration


class PolarityHead(nn.Module):
    """Negative, neutral or positive, in the order of `labels.POLARITIES`."""

    def __init__(self, width: int, *, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.output = nn.Linear(width, len(POLARITIES))
        self.label_smoothing = label_smoothing

    def forward(self, pooled: Tensor) -> Tensor:
        """Pooled states [B, H] to logits [B, 3]."""
        logits: Tensor = self.output(pooled)
        return logits

    def loss(self, logits: Tensor, labels: Tensor, labelled: Tensor) -> Tensor:
        """Cross-entropy in nats, summed over the rows where `labelled` [B] is true; labels [B] are class numbers."""
        classes = torch.where(labelled, labels, 0).long()
        losses = F.cross_entropy(
            logits.float(), classes, reduction="none", label_smoothing=self.label_smoothing
        )
        return (losses * labelled).sum()

    @staticmethod
    def decode(logits: Tensor, calibration: PolarityCalibration) -> Tensor:
        """Calibrated probabilities [B, 3] of logits [B, 3]; rows sum to one."""
        shift = torch.tensor(calibration.log_shift, dtype=torch.float32, device=logits.device)
        return torch.softmax(logits.float() / calibration.temperature + shift, dim=-1)


class IntensityHead(nn.Module):
    """How strongly a review feels, from 0 (mild) to 1 (extreme)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.output = nn.Linear(width, 1)

    def forward(self, pooled: Tensor) -> Tensor:
        """Pooled states [B, H] to logits [B]; their sigmoid is the raw intensity."""
        logits: Tensor = self.output(pooled).squeeze(-1)
        return logits

    def loss(self, logits: Tensor, labels: Tensor, labelled: Tensor) -> Tensor:
        """Cross-entropy against labels [B] in [0, 1], summed over the rows where `labelled` [B] is true.

        Its minimum is the conditional mean, as that of squared error is, but its gradient does not fade where
        the sigmoid is flat: most stars sit at the ends.
        """
        targets = torch.where(labelled, labels, 0.0).float()
        losses = F.binary_cross_entropy_with_logits(logits.float(), targets, reduction="none")
        return (losses * labelled).sum()

    @staticmethod
    def decode(logits: Tensor, calibration: IntensityCalibration) -> Tensor:
        """Calibrated intensities [B] of logits [B], by the calibration's table."""
        raw = torch.sigmoid(logits.float()).contiguous()
        points = torch.tensor(calibration.raw, dtype=torch.float32, device=logits.device)
        values = torch.tensor(calibration.calibrated, dtype=torch.float32, device=logits.device)
        right = torch.searchsorted(points, raw).clamp(1, len(points) - 1)
        along = (raw - points[right - 1]) / (points[right] - points[right - 1])
        return torch.lerp(values[right - 1], values[right], along.clamp(0.0, 1.0))
