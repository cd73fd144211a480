"""Heads: each turns the states of a review into logits, and knows its loss and its decoding.

The loss of a head is a sum over the labels that are there; the loop divides by the number of such labels in the whole
batch, on every worker, so that one worker and many take the same step. A kind of head is one class here, its spec in
head_specs.py, and the line of `_KINDS` that joins them.
"""

from abc import ABC, abstractmethod
from collections.abc import ItemsView, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reviewmine.model.head_specs import (
    ClassCalibration,
    ClassificationSpec,
    HeadSpec,
    MultilabelSpec,
    NumberCalibration,
    OrdinalSpec,
    RegressionSpec,
    TokensSpec,
)

_Spec = TypeVar(
    "_Spec", bound=ClassificationSpec | MultilabelSpec | RegressionSpec | OrdinalSpec | TokensSpec
)

_SMALLEST_GAP: Final = 1e-3
"""Between two thresholds, so that the level between them never has a probability of nothing."""


@dataclass(frozen=True, kw_only=True)
class Objective:
    """How a head is trained: what its loss counts for among the others, and how it is tempered.

    `class_weights` are one per class, or none; `label_smoothing` is for heads of classes, `squared_error` for
    regression. A checkpoint keeps nothing of it.
    """

    weight: float = 1.0
    dropout: float = 0.0
    label_smoothing: float = 0.0
    class_weights: tuple[float, ...] = ()
    squared_error: bool = False


class Head(nn.Module, ABC, Generic[_Spec]):
    """One head; `output` is the layer that its logits come from."""

    reads_tokens = False
    """Whether it reads the state of each token [B, T, H], not the one state of the review [B, H]."""

    def __init__(
        self, spec: _Spec, width: int, objective: Objective, *, num_outputs: int, bias: bool = True
    ) -> None:
        super().__init__()
        self.spec = spec
        self.objective = objective
        self.dropout = nn.Dropout(objective.dropout) if objective.dropout else nn.Identity()
        self.output = nn.Linear(width, num_outputs, bias=bias)

    def forward(self, states: Tensor) -> Tensor:
        """States of a review [B, H], or of its tokens [B, T, H], to logits."""
        logits: Tensor = self.output(self.dropout(states))
        return logits

    @abstractmethod
    def loss(self, logits: Tensor, labels: Tensor, labelled: Tensor) -> Tensor:
        """The loss in nats (or squares), summed over the labels where `labelled` is true; both as the labels' shape."""

    def log_shares(self, logits: Tensor) -> Tensor:
        """Logarithms of the probabilities that the loss is made of: what may be the case, in a last dimension."""
        return F.log_softmax(logits.float(), dim=-1)

    @staticmethod
    @abstractmethod
    def decode(logits: Tensor, spec: Any) -> Tensor:
        """Calibrated answers of logits, by the calibration of a spec of this kind of head."""


class ClassificationHead(Head[ClassificationSpec]):
    """One of several classes, in the order of the spec's labels."""

    def __init__(self, spec: ClassificationSpec, width: int, objective: Objective) -> None:
        super().__init__(spec, width, objective, num_outputs=len(spec.labels))

    def loss(self, logits: Tensor, labels: Tensor, labelled: Tensor) -> Tensor:
        """Cross-entropy of logits [B, C] and labels [B], class numbers."""
        return _cross_entropy(logits, labels, labelled, self.objective)

    @staticmethod
    def decode(logits: Tensor, spec: ClassificationSpec) -> Tensor:
        """Probabilities [B, C] of logits [B, C]; rows sum to one."""
        return _probabilities(logits, spec.calibration)


class MultilabelHead(Head[MultilabelSpec]):
    """Any number of labels, each decided on its own."""

    def __init__(self, spec: MultilabelSpec, width: int, objective: Objective) -> None:
        super().__init__(spec, width, objective, num_outputs=len(spec.labels))

    def loss(self, logits: Tensor, labels: Tensor, labelled: Tensor) -> Tensor:
        """Binary cross-entropy of logits [B, C] and labels [B, C], 0 or 1."""
        targets = torch.where(labelled, labels, 0.0).float()
        losses = F.binary_cross_entropy_with_logits(logits.float(), targets, reduction="none")
        return (losses * labelled).sum()

    def log_shares(self, logits: Tensor) -> Tensor:
        """Of yes and no for each label [B, C, 2]."""
        return _yes_and_no(logits)

    @staticmethod
    def decode(logits: Tensor, spec: MultilabelSpec) -> Tensor:
        """The probability [B, C] of each label."""
        temperatures = spec.calibration.temperatures or (1.0,) * len(spec.labels)
        return torch.sigmoid(logits.float() / torch.tensor(temperatures, device=logits.device))


class RegressionHead(Head[RegressionSpec]):
    """A number from 0 to 1, the sigmoid of one logit."""

    def __init__(self, spec: RegressionSpec, width: int, objective: Objective) -> None:
        super().__init__(spec, width, objective, num_outputs=1)

    def forward(self, states: Tensor) -> Tensor:
        """States [B, H] to logits [B]."""
        return super().forward(states).squeeze(-1)

    def loss(self, logits: Tensor, labels: Tensor, labelled: Tensor) -> Tensor:
        """Cross-entropy against labels [B] in [0, 1], or the squared error if the objective says so.

        The minimum of both is the conditional mean, but the gradient of cross-entropy does not fade where the
        sigmoid is flat: most stars sit at the ends.
        """
        targets = torch.where(labelled, labels, 0.0).float()
        if self.objective.squared_error:
            losses = (torch.sigmoid(logits.float()) - targets).square()
        else:
            losses = F.binary_cross_entropy_with_logits(logits.float(), targets, reduction="none")
        return (losses * labelled).sum()

    def log_shares(self, logits: Tensor) -> Tensor:
        """Of the two ends of the scale [B, 2]."""
        return _yes_and_no(logits)

    @staticmethod
    def decode(logits: Tensor, spec: RegressionSpec) -> Tensor:
        """Calibrated numbers [B] of logits [B]."""
        return _calibrated(torch.sigmoid(logits.float()), spec.calibration)


class OrdinalHead(Head[OrdinalSpec]):
    """A number from 0 to 1 as one of rising levels: one latent strength, cut by thresholds that stay in order.

    The probability to lie above level k is sigmoid(strength - threshold k): the cumulative logit model of McCullagh,
    Regression Models for Ordinal Data, 1980. A threshold is the one below plus a softplus, so they cannot cross.
    """

    def __init__(self, spec: OrdinalSpec, width: int, objective: Objective) -> None:
        super().__init__(spec, width, objective, num_outputs=1, bias=False)
        shares = torch.arange(1, len(spec.levels)) / len(spec.levels)
        cuts = torch.logit(shares)  # all levels are equally likely at strength zero
        self.first_threshold = nn.Parameter(cuts[:1].clone())
        self.gaps = nn.Parameter(torch.log(torch.expm1(cuts.diff() - _SMALLEST_GAP)))

    def thresholds(self) -> Tensor:
        """The thresholds [L - 1] between L levels, rising."""
        steps = (F.softplus(self.gaps.float()) + _SMALLEST_GAP).cumsum(0)
        return torch.cat([self.first_threshold.float(), self.first_threshold.float() + steps])

    def forward(self, states: Tensor) -> Tensor:
        """States [B, H] to logits [B, L - 1]: of lying above each level but the last."""
        return super().forward(states).float() - self.thresholds()

    def loss(self, logits: Tensor, labels: Tensor, labelled: Tensor) -> Tensor:
        """Cross-entropy over levels; a label [B] between two of them counts for both, for the nearer one more."""
        levels = torch.tensor(self.spec.levels, device=logits.device)
        targets = torch.where(labelled, labels, levels[0]).float().clamp(levels[0], levels[-1])
        right = torch.searchsorted(levels, targets.contiguous()).clamp(1, len(levels) - 1)
        along = (targets - levels[right - 1]) / (levels[right] - levels[right - 1])
        found = self.log_shares(logits).gather(1, torch.stack([right - 1, right], dim=1))
        losses = -(found[:, 0] * (1 - along) + found[:, 1] * along)
        return (losses * labelled).sum()

    def log_shares(self, logits: Tensor) -> Tensor:
        """Of each level [B, L], from logits [B, L - 1]."""
        above, below = F.logsigmoid(logits), F.logsigmoid(-logits)
        inner = above[:, :-1] + below[:, 1:] + torch.log(-torch.expm1(logits[:, 1:] - logits[:, :-1]))
        return torch.cat([below[:, :1], inner, above[:, -1:]], dim=1)

    @staticmethod
    def decode(logits: Tensor, spec: OrdinalSpec) -> Tensor:
        """Calibrated expected levels [B] of logits [B, L - 1]."""
        levels = torch.tensor(spec.levels, device=logits.device)
        expected = levels[0] + (torch.sigmoid(logits.float()) * levels.diff()).sum(dim=1)
        return _calibrated(expected, spec.calibration)


class TokensHead(Head[TokensSpec]):
    """A class for every token."""

    reads_tokens = True

    def __init__(self, spec: TokensSpec, width: int, objective: Objective) -> None:
        super().__init__(spec, width, objective, num_outputs=len(spec.classes))

    def loss(self, logits: Tensor, labels: Tensor, labelled: Tensor) -> Tensor:
        """Cross-entropy of logits [B, T, C] and labels [B, W], class numbers of the first W tokens.

        Padding has no label, so what lies beyond the shorter of T and W adds nothing.
        """
        width = min(logits.shape[1], labels.shape[1])
        return _cross_entropy(
            logits[:, :width].flatten(0, 1),
            labels[:, :width].flatten(),
            labelled[:, :width].flatten(),
            self.objective,
        )

    @staticmethod
    def decode(logits: Tensor, spec: TokensSpec) -> Tensor:
        """Probabilities [B, T, C] of logits [B, T, C]."""
        return _probabilities(logits, spec.calibration)


_KINDS: Final[Mapping[str, type[Head[Any]]]] = {
    "classification": ClassificationHead,
    "multilabel": MultilabelHead,
    "regression": RegressionHead,
    "ordinal": OrdinalHead,
    "tokens": TokensHead,
}


class HeadsByName(nn.ModuleDict):
    """Heads by the name of their logits and labels."""

    def __getitem__(self, name: str) -> Head[Any]:
        return cast(Head[Any], super().__getitem__(name))

    def items(self) -> ItemsView[str, Head[Any]]:
        """Names and heads, in the order of the spec."""
        return cast(ItemsView[str, Head[Any]], super().items())


def make_head(spec: HeadSpec, width: int, objective: Objective | None = None) -> Head[Any]:
    """An untrained head of the spec's kind for states of `width`."""
    kind: Any = _KINDS[spec.kind]
    head: Head[Any] = kind(spec, width, objective or Objective())
    return head


def decode(logits: Tensor, spec: HeadSpec) -> Tensor:
    """Calibrated answers of the logits of a head with this spec."""
    return _KINDS[spec.kind].decode(logits, spec)


def _yes_and_no(logits: Tensor) -> Tensor:
    """Logarithms of sigmoid(logits) and of what is left, in a last dimension."""
    return torch.stack([F.logsigmoid(logits.float()), F.logsigmoid(-logits.float())], dim=-1)


def _cross_entropy(logits: Tensor, labels: Tensor, labelled: Tensor, objective: Objective) -> Tensor:
    """The sum over labelled rows of logits [N, C] against class numbers [N], weighted and smoothed."""
    weights = objective.class_weights
    losses = F.cross_entropy(
        logits.float(),
        torch.where(labelled, labels, 0).long(),
        weight=torch.tensor(weights, device=logits.device) if weights else None,
        reduction="none",
        label_smoothing=objective.label_smoothing,
    )
    return (losses * labelled).sum()


def _probabilities(logits: Tensor, calibration: ClassCalibration) -> Tensor:
    """Softmax over the last axis of logits [..., C], tempered and shifted."""
    tempered = logits.float() / calibration.temperature
    if calibration.log_shift:
        tempered = tempered + torch.tensor(calibration.log_shift, dtype=torch.float32, device=logits.device)
    return torch.softmax(tempered, dim=-1)


def _calibrated(raw: Tensor, calibration: NumberCalibration) -> Tensor:
    """Numbers [B] looked up in the calibration's table."""
    raw = raw.contiguous()
    points = torch.tensor(calibration.raw, dtype=torch.float32, device=raw.device)
    values = torch.tensor(calibration.calibrated, dtype=torch.float32, device=raw.device)
    right = torch.searchsorted(points, raw).clamp(1, len(points) - 1)
    along = (raw - points[right - 1]) / (points[right] - points[right - 1])
    return torch.lerp(values[right - 1], values[right], along.clamp(0.0, 1.0))
