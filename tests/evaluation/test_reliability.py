import numpy as np
import pytest

from reviewmine.evaluation.reliability import calibration_error, reliability

TRUTH = np.array([0, 0, 1, 1])
NINE_TENTHS_OF_THE_FIRST = np.tile(np.array([0.9, 0.1], np.float32), (4, 1))


def test_calibration_error_is_the_gap_between_confidence_and_truth() -> None:
    certain = np.eye(2, dtype=np.float32)[TRUTH]
    assert calibration_error(TRUTH, certain) == 0
    assert calibration_error(TRUTH, NINE_TENTHS_OF_THE_FIRST) == pytest.approx(0.4, abs=1e-6)


def test_gaps_of_opposite_sign_in_two_bins_do_not_make_up_for_each_other() -> None:
    probabilities = np.array([[0.6, 0.4], [0.6, 0.4], [0.9, 0.1], [0.9, 0.1]], np.float32)
    assert calibration_error(np.array([0, 0, 0, 1]), probabilities) == pytest.approx((0.4 + 0.4) / 2)


def test_rows_lie_in_the_bin_of_their_confidence_and_empty_bins_have_no_means() -> None:
    found = reliability(TRUTH, NINE_TENTHS_OF_THE_FIRST)
    assert found.rows[13] == found.rows.sum() == 4
    assert (found.confidence[13], found.accuracy[13]) == (pytest.approx(0.9), 0.5)
    assert np.isnan(found.accuracy[:13]).all()


def test_weights_count_rows_as_more_than_one() -> None:
    weights = np.array([1, 1, 0, 0], np.float32)
    assert calibration_error(TRUTH, NINE_TENTHS_OF_THE_FIRST, weights) == pytest.approx(0.1, abs=1e-6)
