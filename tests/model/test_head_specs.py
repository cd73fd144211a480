import pytest
from pydantic import TypeAdapter, ValidationError

from reviewmine.errors import CheckpointError
from reviewmine.labels import POLARITIES
from reviewmine.model.head_specs import (
    OPINION_HEADS,
    ClassCalibration,
    ClassificationSpec,
    Heads,
    LabelCalibration,
    MultilabelSpec,
    NumberCalibration,
    OrdinalSpec,
    RegressionSpec,
    TokensSpec,
    require_same_heads,
    uncalibrated,
)

HEADS: TypeAdapter[Heads] = TypeAdapter(Heads)
MOOD = {"kind": "classification", "labels": ["glad", "sad"]}


@pytest.mark.parametrize(
    ("heads", "message"),
    [
        ({}, "at least 1"),
        ({"polarity": MOOD}, "polarity: expected a classification with labels negative, neutral, positive"),
        ({"polarity": {"kind": "regression"}}, "polarity: expected a classification"),
        ({"intensity": MOOD}, "intensity: kind classification, expected regression or ordinal"),
        ({"body": MOOD}, "'body': expected small letters"),
        ({"set": MOOD}, "no name of a column"),
        ({"My mood": MOOD}, "small letters"),
        ({"mood": {"kind": "guess"}}, "'guess'"),
        ({"mood": {"kind": "classification", "labels": ["one"]}}, "at least 2"),
        ({"mood": {"kind": "classification", "labels": ["one", "one"]}}, "labels must differ"),
        ({"force": {"kind": "ordinal", "levels": [0.0, 0.5, 0.5]}}, "levels must rise"),
        ({"force": {"kind": "ordinal", "levels": [0.0, 5.0]}}, "levels must rise between 0 and 1"),
        ({"force": {"kind": "ordinal", "levels": [0.5]}}, "at least 2"),
    ],
)
def test_heads_that_cannot_be_are_refused(heads: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        HEADS.validate_python(heads)


def test_every_kind_is_read_back_as_it_was_written() -> None:
    heads = {
        **OPINION_HEADS,
        "many": MultilabelSpec(labels=("a", "b"), calibration=LabelCalibration(temperatures=(1.0, 2.0))),
        "force": OrdinalSpec(levels=(0.0, 1.0), pooling="cls"),
        "terms": TokensSpec(labels=("term",)),
    }
    assert HEADS.validate_json(HEADS.dump_json(heads)) == heads


def test_a_calibration_fits_the_labels_it_is_for() -> None:
    with pytest.raises(ValidationError, match="expected one for each of glad, sad"):
        ClassificationSpec(labels=("glad", "sad"), calibration=ClassCalibration(log_shift=(0.1, 0.2, 0.3)))
    with pytest.raises(ValidationError, match="expected one for each of a"):
        MultilabelSpec(labels=("a",), calibration=LabelCalibration(temperatures=(1.0, 2.0)))


@pytest.mark.parametrize(
    ("raw", "calibrated"),
    [((0.0,), (0.0,)), ((0.0, 1.0), (0.0,)), ((0.5, 0.5), (0.0, 1.0)), ((0.0, 1.0), (1.0, 0.0))],
)
def test_a_table_that_is_not_monotone_is_refused(
    raw: tuple[float, ...], calibrated: tuple[float, ...]
) -> None:
    with pytest.raises(ValueError, match=r"raw|calibrated"):
        NumberCalibration(raw=raw, calibrated=calibrated)


def test_a_head_without_calibration_is_otherwise_the_same() -> None:
    cold = ClassCalibration(temperature=0.5)
    head = ClassificationSpec(labels=("glad", "sad"), pooling="cls", calibration=cold)
    assert uncalibrated(head) == ClassificationSpec(labels=("glad", "sad"), pooling="cls")


def test_the_classes_of_tokens_begin_and_continue_each_label() -> None:
    assert TokensSpec(labels=("term", "brand")).classes == ("O", "B-term", "I-term", "B-brand", "I-brand")


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (
            ClassificationSpec(labels=("sad", "glad")),
            "as classification of glad, sad with .* of sad, glad",
        ),
        (ClassificationSpec(labels=("glad", "sad", "calm")), "wants classification of glad, sad, calm"),
        (MultilabelSpec(labels=("glad", "sad")), "wants multilabel of glad, sad"),
        (RegressionSpec(), "wants regression"),
        (
            ClassificationSpec(labels=("glad", "sad"), pooling="cls"),
            "as classification of glad, sad with mean pooling, the run file wants .* with cls pooling",
        ),
    ],
)
def test_labels_or_a_pooling_that_changed_since_the_checkpoint_are_refused(
    wanted: RegressionSpec, message: str
) -> None:
    earlier = {"mood": ClassificationSpec(labels=("glad", "sad")), "polarity": OPINION_HEADS["polarity"]}
    with pytest.raises(CheckpointError, match=f"old: head 'mood' was trained .*{message}"):
        require_same_heads(earlier, {"mood": wanted}, pooling=("mean", "mean"), where="old")


def test_heads_that_came_or_went_and_other_calibrations_are_no_change_of_labels() -> None:
    warm = ClassificationSpec(labels=POLARITIES, calibration=ClassCalibration(temperature=2.0))
    wanted = {"polarity": warm, "mood": RegressionSpec()}
    require_same_heads(OPINION_HEADS, wanted, pooling=("mean", "mean"), where="old")


def test_the_pooling_of_heads_that_name_none_is_their_checkpoints_and_tokens_have_none() -> None:
    named = {"polarity": ClassificationSpec(labels=POLARITIES, pooling="mean")}
    places = {"things": TokensSpec(labels=("thing",))}
    require_same_heads(OPINION_HEADS | places, named | places, pooling=("mean", "cls"), where="old")
    with pytest.raises(CheckpointError, match=r"with mean pooling, the run file wants .* cls"):
        require_same_heads(OPINION_HEADS, OPINION_HEADS, pooling=("mean", "cls"), where="old")
