import numpy as np
import pytest
import torch

from reviewmine.model.heads import IntensityHead, PolarityHead
from reviewmine.train.calibrate import (
    assumed_shares,
    calibrate_intensity,
    calibrate_polarity,
    calibrated_heads,
    class_weights,
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
    shifted = shifted_heads(shares, sampled)
    shift = shifted.polarity.calibration.log_shift
    found = calibrated_heads(shifted, logits, labels, shares, natural).polarity.calibration
    by_shares = calibrate_polarity(logits["polarity"], classes, class_weights(classes, shares), shift)
    by_natural = calibrate_polarity(logits["polarity"], classes, class_weights(classes, natural), shift)
    assert found == by_shares != by_natural


def test_the_temperature_undoes_overconfidence() -> None:
    truth = torch.from_numpy(RNG.normal(size=(4000, 3)).astype(np.float32)) * 1.5
    labels = (truth.numpy() + RNG.gumbel(size=(4000, 3))).argmax(axis=1).astype(np.float32)
    calibration = calibrate_polarity(truth * 3, labels, np.ones(4000, np.float32), (0.0, 0.0, 0.0))
    assert calibration.temperature == pytest.approx(3, rel=0.15)
    decoded = PolarityHead.decode(truth * 3, calibration).numpy()
    np.testing.assert_allclose(decoded.mean(axis=0), np.bincount(labels.astype(int)) / 4000, atol=0.02)


def test_the_intensity_table_is_monotone_and_brings_intensity_nearer_to_its_labels() -> None:
    wanted = RNG.random(3000).astype(np.float32)
    logits = torch.from_numpy(np.log((0.2 + 0.3 * wanted) / (0.8 - 0.3 * wanted)))
    labels = (RNG.random(3000) < wanted).astype(np.float32)
    calibration = calibrate_intensity(logits, labels, np.ones(3000, np.float32))
    decoded = IntensityHead.decode(logits, calibration).numpy()
    assert np.abs(decoded - wanted).mean() < 0.05 < np.abs(torch.sigmoid(logits).numpy() - wanted).mean()
    assert len(calibration.raw) <= 24


def test_a_constant_intensity_needs_no_table() -> None:
    calibration = calibrate_intensity(torch.zeros(10), np.ones(10, np.float32), np.ones(10, np.float32))
    assert calibration.raw == (0.0, 1.0)


def test_intensity_without_any_label_stays_as_it_is() -> None:
    nothing = np.full(10, np.nan, np.float32)
    assert calibrate_intensity(torch.zeros(10), nothing, np.ones(10, np.float32)).raw == (0.0, 1.0)
