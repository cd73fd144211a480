"""Tasks: the heads of a run file, each with how it is trained, of which a checkpoint keeps the head alone.

[heads.subjectivity]
kind = "classification"
labels = ["objective", "subjective"]
weight = 0.5
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

import numpy as np
from pydantic import AfterValidator, Field, TypeAdapter

from reviewmine.config import RunModel
from reviewmine.labels import POLARITIES
from reviewmine.model.head_specs import (
    ClassificationSpec,
    HeadSpec,
    MultilabelSpec,
    OrdinalSpec,
    RegressionSpec,
    TokensSpec,
    fit_for_their_columns,
    uncalibrated,
)
from reviewmine.model.heads import Objective

_OF_TRAINING: Final = {"weight", "dropout", "label_smoothing", "class_weight_cap", "loss"}
_SPEC: Final[TypeAdapter[HeadSpec]] = TypeAdapter(HeadSpec)


class _Task(RunModel):
    weight: float = Field(default=1.0, ge=0)
    """What the head's mean loss counts for in the sum of all heads."""
    dropout: float | None = Field(default=None, ge=0, lt=1)
    """The share of the head's inputs that a training step leaves out; None: the run's `head_dropout`."""


class ClassificationTask(ClassificationSpec, _Task):
    """One of several classes by cross-entropy."""

    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    class_weight_cap: float | None = Field(default=None, ge=1)
    """Weigh classes by the inverse of their frequency, this much at most; None: all alike."""


class MultilabelTask(MultilabelSpec, _Task):
    """Any number of labels, each by binary cross-entropy."""


class RegressionTask(RegressionSpec, _Task):
    """A number from 0 to 1."""

    loss: Literal["cross_entropy", "squared_error"] = "cross_entropy"


class OrdinalTask(OrdinalSpec, _Task):
    """A number from 0 to 1 by the cross-entropy of its levels."""


class TokensTask(TokensSpec, _Task):
    """A class for each token by cross-entropy."""

    label_smoothing: float = Field(default=0.0, ge=0, lt=1)


Task = Annotated[
    ClassificationTask | MultilabelTask | RegressionTask | OrdinalTask | TokensTask,
    Field(discriminator="kind"),
]


def _not_calibrated_yet(tasks: dict[str, Task]) -> dict[str, Task]:
    for name, task in tasks.items():
        if task.calibration != uncalibrated(task).calibration:
            raise ValueError(f"{name}: calibration is fitted by the run, on validation rows; leave it out")
    return tasks


Tasks = Annotated[
    dict[str, Task],
    Field(min_length=1),
    AfterValidator(fit_for_their_columns),
    AfterValidator(_not_calibrated_yet),
]


def opinion_tasks() -> dict[str, Task]:
    """The heads that annotation needs, as they are trained where a run file names no heads."""
    return {
        "polarity": ClassificationTask(labels=POLARITIES, label_smoothing=0.05),
        "intensity": RegressionTask(weight=0.5),
    }


def spec_of(task: Task) -> HeadSpec:
    """The part of a task that its checkpoint keeps."""
    return _SPEC.validate_python(task.model_dump(exclude=_OF_TRAINING))


def objective_of(task: Task, *, dropout: float, sampled_shares: Sequence[float] | None = None) -> Objective:
    """How the head of a task is trained, where training rows have its classes in `sampled_shares`.

    `dropout` is that of tasks that do not name their own.
    """
    cap = task.class_weight_cap if isinstance(task, ClassificationTask) else None
    return Objective(
        weight=task.weight,
        dropout=dropout if task.dropout is None else task.dropout,
        label_smoothing=task.label_smoothing if isinstance(task, ClassificationTask | TokensTask) else 0.0,
        class_weights=class_weights(sampled_shares, cap) if cap and sampled_shares else (),
        squared_error=isinstance(task, RegressionTask) and task.loss == "squared_error",
    )


def class_weights(sampled_shares: Sequence[float], cap: float) -> tuple[float, ...]:
    """A loss weight per class: the inverse of its share, `cap` times the commonest's at most, mean one over rows."""
    shares = np.asarray(sampled_shares)
    weights = np.minimum(shares.max() / shares, cap)
    return tuple(float(weight) for weight in weights / (shares * weights).sum())


def seen_shares(
    tasks: Mapping[str, Task],
    sampled_shares: Mapping[str, Sequence[float]],
    comparable_shares: Mapping[str, Sequence[float]],
) -> dict[str, tuple[float, ...]]:
    """By head of classes, the shares that the loss saw: the comparable ones of training rows, times class weights.

    Class weights are those that `sampled_shares`, of all rows, ask for.
    """
    seen = {}
    for name, shares in comparable_shares.items():
        sampled = sampled_shares[name]
        weights = objective_of(tasks[name], dropout=0.0, sampled_shares=sampled).class_weights
        seen[name] = tuple(s * w for s, w in zip(shares, weights or (1.0,) * len(shares), strict=True))
    return seen
