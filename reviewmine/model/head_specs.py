"""Heads in words: what each kind of head answers, and how its answers are calibrated.

A spec keeps them in a checkpoint, a run file asks for them under `[heads.NAME]`; the classes of heads.py are what they
describe. Nothing here imports torch.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal, TypeVar

from pydantic import AfterValidator, Field, model_validator

from reviewmine.config import RunModel
from reviewmine.contract.examples import TAKEN_NAMES
from reviewmine.contract.label_columns import HeadLabels
from reviewmine.errors import CheckpointError
from reviewmine.labels import POLARITIES

Pooling = Literal["mean", "cls"]
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")


def _distinct(labels: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(labels)) < len(labels) or not all(label.strip() for label in labels):
        raise ValueError("labels must differ and have letters")
    return labels


def _rising_in_the_unit(levels: tuple[float, ...]) -> tuple[float, ...]:
    if list(levels) != sorted({level for level in levels if 0 <= level <= 1}):
        raise ValueError("levels must rise between 0 and 1")
    return levels


_Spec = TypeVar("_Spec", bound=RunModel)
Labels = Annotated[tuple[str, ...], AfterValidator(_distinct)]


class ClassCalibration(RunModel):
    """From logits of classes to probabilities: softmax(logits / temperature + log_shift).

    `log_shift` carries log(assumed share / share seen in training) per label; it is empty where neither is known.
    """

    temperature: float = Field(default=1.0, gt=0)
    log_shift: tuple[float, ...] = ()


class LabelCalibration(RunModel):
    """From logits of labels to probabilities, each on its own: sigmoid(logit / temperature); none stands for ones."""

    temperatures: tuple[Annotated[float, Field(gt=0)], ...] = ()


class NumberCalibration(RunModel):
    """A monotone table from raw to calibrated numbers, straight between its points, flat outside them."""

    raw: tuple[float, ...] = (0.0, 1.0)
    calibrated: tuple[float, ...] = (0.0, 1.0)

    @model_validator(mode="after")
    def _is_monotone(self) -> "NumberCalibration":
        if len(self.raw) != len(self.calibrated) or len(self.raw) < 2:
            raise ValueError("raw and calibrated need the same number of points, two or more")
        if any(b <= a for a, b in zip(self.raw, self.raw[1:], strict=False)):
            raise ValueError("raw points must rise")
        if any(b < a for a, b in zip(self.calibrated, self.calibrated[1:], strict=False)):
            raise ValueError("calibrated points must not fall")
        return self


def _calibrated_for_each(head: _Spec, numbers: tuple[float, ...], labels: tuple[str, ...]) -> _Spec:
    if numbers and len(numbers) != len(labels):
        raise ValueError(f"calibration: {len(numbers)} numbers, expected one for each of {', '.join(labels)}")
    return head


class ClassificationSpec(RunModel):
    """One of `labels` for each review, in the order of the logits."""

    kind: Literal["classification"] = "classification"
    labels: Labels = Field(min_length=2)
    pooling: Pooling | None = None
    """How the head's review vector is made of token states; None: as the checkpoint's others."""
    calibration: ClassCalibration = ClassCalibration()

    @model_validator(mode="after")
    def _a_shift_for_each_label(self) -> "ClassificationSpec":
        return _calibrated_for_each(self, self.calibration.log_shift, self.labels)

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the logits."""
        return self.labels

    @property
    def takes(self) -> HeadLabels:
        """What its labels look like in examples."""
        return HeadLabels(kind="one", labels=self.labels)


class MultilabelSpec(RunModel):
    """Any number of `labels` for each review, none included."""

    kind: Literal["multilabel"] = "multilabel"
    labels: Labels = Field(min_length=1)
    pooling: Pooling | None = None
    calibration: LabelCalibration = LabelCalibration()

    @model_validator(mode="after")
    def _a_temperature_for_each_label(self) -> "MultilabelSpec":
        return _calibrated_for_each(self, self.calibration.temperatures, self.labels)

    @property
    def takes(self) -> HeadLabels:
        return HeadLabels(kind="several", labels=self.labels)


class RegressionSpec(RunModel):
    """A number from 0 to 1 for each review."""

    kind: Literal["regression"] = "regression"
    pooling: Pooling | None = None
    calibration: NumberCalibration = NumberCalibration()

    @property
    def takes(self) -> HeadLabels:
        return HeadLabels(kind="number")


class OrdinalSpec(RunModel):
    """A number from 0 to 1 for each review, learnt as one of some rising `levels`; by default those of stars."""

    kind: Literal["ordinal"] = "ordinal"
    levels: Annotated[tuple[float, ...], AfterValidator(_rising_in_the_unit)] = Field(
        default=(0.0, 0.5, 1.0), min_length=2
    )
    pooling: Pooling | None = None
    calibration: NumberCalibration = NumberCalibration()

    @property
    def takes(self) -> HeadLabels:
        return HeadLabels(kind="number")


class TokensSpec(RunModel):
    """One class for each token: outside, or the first or a later one of a span with one of `labels`."""

    kind: Literal["tokens"] = "tokens"
    labels: Labels = Field(min_length=1)
    calibration: ClassCalibration = ClassCalibration()

    @model_validator(mode="after")
    def _a_shift_for_each_class(self) -> "TokensSpec":
        return _calibrated_for_each(self, self.calibration.log_shift, self.classes)

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the logits: O, then B-label and I-label for every label."""
        return ("O", *(f"{place}-{label}" for label in self.labels for place in "BI"))

    @property
    def takes(self) -> HeadLabels:
        return HeadLabels(kind="spans", labels=self.labels)


HeadSpec = Annotated[
    ClassificationSpec | MultilabelSpec | RegressionSpec | OrdinalSpec | TokensSpec,
    Field(discriminator="kind"),
]
_AnySpec = TypeVar(
    "_AnySpec", bound=ClassificationSpec | MultilabelSpec | RegressionSpec | OrdinalSpec | TokensSpec
)


def fit_for_their_columns(heads: dict[str, _AnySpec]) -> dict[str, _AnySpec]:
    """Names are those of columns; polarity and intensity are what the annotations contract says they are."""
    for name, head in heads.items():
        if not _NAME.fullmatch(name) or name in TAKEN_NAMES:
            raise ValueError(
                f"'{name}': expected small letters, digits and _, and no name of a column that examples have"
            )
        if name == "polarity" and not (isinstance(head, ClassificationSpec) and head.labels == POLARITIES):
            raise ValueError(
                f"polarity: expected a classification with labels {', '.join(POLARITIES)}, in that order"
            )
        if name == "intensity" and not isinstance(head, RegressionSpec | OrdinalSpec):
            raise ValueError(f"intensity: kind {head.kind}, expected regression or ordinal")
    return heads


OPINION_HEADS: Final[Mapping[str, HeadSpec]] = {
    "polarity": ClassificationSpec(labels=POLARITIES),
    "intensity": RegressionSpec(),
}
"""The heads that annotation needs, as they are where a run file names no others."""

Heads = Annotated[dict[str, HeadSpec], Field(min_length=1), AfterValidator(fit_for_their_columns)]


Calibration = ClassCalibration | LabelCalibration | NumberCalibration


def uncalibrated(head: HeadSpec) -> HeadSpec:
    """The same head without calibration."""
    return calibrated(head, type(head.calibration)())


def calibrated(head: HeadSpec, calibration: Calibration) -> HeadSpec:
    """The same head with the calibration of its kind in place of its own."""
    return head.model_copy(update={"calibration": calibration})


def pooling_of(head: HeadSpec, default: Pooling) -> Pooling:
    """How the vector that a head reads is made, where the checkpoint's other heads do it by `default`."""
    return default if isinstance(head, TokensSpec) else head.pooling or default


def require_same_heads(
    earlier: Mapping[str, HeadSpec],
    wanted: Mapping[str, HeadSpec],
    *,
    pooling: tuple[Pooling, Pooling],
    where: str,
) -> None:
    """Raise CheckpointError if a head of an `earlier` checkpoint, at `where`, is not what a run wants under its name.

    `pooling` is that of heads of either that name none. Heads that only one of the two has are nobody's fault; another
    order of labels is another meaning of the logits.
    """
    for name in earlier.keys() & wanted.keys():
        found, expected = (
            _meaning(heads[name], default) for heads, default in zip((earlier, wanted), pooling, strict=True)
        )
        if found != expected:
            raise CheckpointError(
                f"{where}: head '{name}' was trained as {found}, the run file wants {expected}; write the run "
                "file as the checkpoint is, or give the new labels to a head of another name"
            )


def _meaning(head: HeadSpec, default: Pooling) -> str:
    read = f"with {pooling_of(head, default)} pooling"
    match head:
        case RegressionSpec():
            return f"{head.kind} {read}"
        case OrdinalSpec():
            return f"{head.kind} of {', '.join(f'{level:g}' for level in head.levels)} {read}"
        case TokensSpec():
            return f"{head.kind} of {', '.join(head.labels)}"
        case _:
            return f"{head.kind} of {', '.join(head.labels)} {read}"
