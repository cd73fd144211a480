import numpy as np
import pytest
import torch

from reviewmine.evaluation.metrics import class_weights
from reviewmine.model.head_specs import (
    OPINION_HEADS,
    ClassCalibration,
    NumberCalibration,
    OrdinalSpec,
    RegressionSpec,
    TokensSpec,
    calibrated,
)
from reviewmine.model.heads import decode
from reviewmine.train.calibrate import (
    assumed_shares,
    calibrate_classes,
    calibrate_labels,
    calibrate_numbers,
    calibrated_heads,
    log_shift,
    shifted_heads,
)

RNG = np.random.default_rng(0)


def test_the_shift_undoes_balanced_sampling() -> None:
    posterior = np.array([[0.5, 0.3, 0.2]])
    natural, sampled = (0.1, 0.1, 0.8), (1 / 3, 1 / 3, 1 / 3)
    shifted = torch.softmax(
        torch.from_numpy(np.log(posterior)) + torch.tensor(log_shift(natural, sampled)), dim=1
    )
    expected = posterior * np.array(natural) / np.array(sampled)
    np.testing.assert_allclose(shifted.numpy(), expected / expected.sum(), rtol=1e-6)


def test_a_weaker_prior_lies_between_natural_shares_and_none() -> None:
    natural = (0.16, 0.04, 0.8)
    assert assumed_shares(natural, 1) == pytest.approx(natural)
    assert assumed_shares(natural, 0) == pytest.approx([1 / 3] * 3)
    assert assumed_shares(natural, 0.5) == pytest.approx(np.array([4, 2, 8.944]) / 14.944, abs=1e-3)


def test_heads_are_calibrated_to_the_shares_they_were_shifted_to() -> None:
    """Logits of a network that saw balanced classes and is right about them: nothing is left for a temperature."""
    posterior = RNG.dirichlet((1, 1, 1), size=6000)
    classes = np.array([RNG.choice(3, p=p) for p in posterior], dtype=np.float32)
    shares, sampled = (0.3, 0.2, 0.5), tuple(np.bincount(classes.astype(int)) / 6000)
    logits = {"polarity": torch.from_numpy(np.log(posterior)), "intensity": torch.zeros(6000)}
    labels = {"polarity": classes, "intensity": np.full(6000, np.nan, np.float32)}
    natural = (0.1, 0.1, 0.8)
    shifted = shifted_heads(OPINION_HEADS, {"polarity": shares}, {"polarity": sampled})
    calibration = shifted["polarity"].calibration
    assert isinstance(calibration, ClassCalibration)
    shift = calibration.log_shift
    found = calibrated_heads(shifted, logits, labels, {"polarity": shares}, {"polarity": natural})
    by_shares, by_natural = (
        calibrate_classes(logits["polarity"], classes, class_weights(classes, some), shift)
        for some in (shares, natural)
    )
    assert found["polarity"].calibration == by_shares != by_natural
    assert found["intensity"] == OPINION_HEADS["intensity"]


def test_heads_whose_natural_shares_are_not_known_are_not_shifted() -> None:
    shifted = shifted_heads(OPINION_HEADS, {}, {"polarity": (0.2, 0.3, 0.5)})
    assert shifted == OPINION_HEADS


def test_the_temperature_undoes_overconfidence() -> None:
    truth = torch.from_numpy(RNG.normal(size=(4000, 3)).astype(np.float32)) * 1.5
    labels = (truth.numpy() + RNG.gumbel(size=(4000, 3))).argmax(axis=1).astype(np.float32)
    calibration = calibrate_classes(truth * 3, labels)
    assert calibration.temperature == pytest.approx(3, rel=0.15)
    decoded = decode(truth * 3, calibrated(OPINION_HEADS["polarity"], calibration)).numpy()
    np.testing.assert_allclose(decoded.mean(axis=0), np.bincount(labels.astype(int)) / 4000, atol=0.02)


def test_each_of_several_labels_has_its_own_temperature_by_the_rows_that_have_it() -> None:
    truth = RNG.normal(size=(6000, 2)).astype(np.float32) * 2
    labels = (truth + RNG.logistic(size=truth.shape) > 0).astype(np.float32)
    labels[:500] = np.nan
    logits = torch.from_numpy(truth * np.array([1.0, 4.0], np.float32))
    assert calibrate_labels(logits, labels).temperatures == pytest.approx((1, 4), rel=0.2)
    nothing = np.full((4, 2), np.nan, np.float32)
    assert calibrate_labels(torch.zeros(4, 2), nothing).temperatures == (1.0, 1.0)


def test_tokens_are_calibrated_by_those_that_have_a_class() -> None:
    head = TokensSpec(labels=("term",))
    truth = RNG.normal(size=(400, 10, 3)).astype(np.float32) * 1.5
    labels = (truth + RNG.gumbel(size=truth.shape)).argmax(axis=2).astype(np.float32)
    labels[:, 8:] = np.nan
    (found,) = calibrated_heads(
        {"terms": head}, {"terms": torch.from_numpy(truth * 2)}, {"terms": labels[:, :9]}, {}, {}
    ).values()
    assert isinstance(found.calibration, ClassCalibration)
    assert found.calibration.temperature == pytest.approx(2, rel=0.15)


def test_the_table_is_monotone_and_brings_numbers_nearer_to_their_labels() -> None:
    wanted = RNG.random(3000).astype(np.float32)
    raw = (0.2 + 0.3 * wanted).astype(np.float32)
    labels = (RNG.random(3000) < wanted).astype(np.float32)
    calibration = calibrate_numbers(raw, labels)
    answers = decode(torch.logit(torch.from_numpy(raw)), RegressionSpec(calibration=calibration)).numpy()
    assert np.abs(answers - wanted).mean() < 0.05 < np.abs(raw - wanted).mean()
    assert len(calibration.raw) <= 24


def test_levels_are_calibrated_by_their_expected_value() -> None:
    spec = OrdinalSpec(levels=(0.0, 0.5, 1.0))
    logits = torch.from_numpy(RNG.normal(size=(2000, 1)).astype(np.float32)) - torch.tensor([-1.0, 1.0])
    labels = decode(logits, spec).numpy() ** 2
    (found,) = calibrated_heads({"force": spec}, {"force": logits}, {"force": labels}, {}, {}).values()
    assert np.abs(decode(logits, found).numpy() - labels).mean() < 0.01


def test_a_constant_number_needs_no_table_and_neither_do_numbers_without_labels() -> None:
    same, nothing = np.full(10, 0.5, np.float32), np.full(10, np.nan, np.float32)
    assert calibrate_numbers(same, np.ones(10, np.float32)) == NumberCalibration()
    assert calibrate_numbers(same, nothing) == NumberCalibration()
