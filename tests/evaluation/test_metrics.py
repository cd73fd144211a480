import numpy as np
import pytest
from sklearn.metrics import f1_score

from reviewmine.evaluation.metrics import (
    calibration_error,
    class_weights,
    classification_metrics,
    macro_f1_interval,
    regression_metrics,
    two_class_accuracy,
)
from reviewmine.labels import POLARITIES


def certain(*classes: int, confidence: float = 1.0) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    rest = (1 - confidence) / 2
    return np.array([[confidence if n == c else rest for n in range(3)] for c in classes], dtype=np.float32)


def floats(*values: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.array(values, dtype=np.float32)


def test_macro_f1_is_the_mean_over_the_classes_that_occur() -> None:
    metrics = classification_metrics(floats(0, 0, 2, 2), certain(0, 2, 2, 2), POLARITIES)
    assert metrics["accuracy"] == 0.75
    assert metrics["macro_f1"] == pytest.approx((2 / 3 + 0.8) / 2)
    assert metrics["classes"]["neutral"]["rows"] == 0
    assert metrics["confusion"] == [[1, 0, 1], [0, 0, 0], [0, 0, 2]]


def test_rows_without_a_label_are_not_counted() -> None:
    assert classification_metrics(floats(0, np.nan), certain(0, 2), POLARITIES)["rows"] == 1
    assert classification_metrics(floats(np.nan), certain(0), POLARITIES) == {"rows": 0}
    assert regression_metrics(floats(np.nan), floats(0.5)) == {"rows": 0}


def test_weights_count_rows_as_more_than_one() -> None:
    labels, answers = floats(0, 0, 2), certain(0, 2, 2)
    assert classification_metrics(labels, answers, POLARITIES, floats(3, 0, 1))["accuracy"] == 1.0


def test_calibration_error_is_the_gap_between_confidence_and_truth() -> None:
    truth = np.array([0, 0, 1, 1])
    assert calibration_error(truth, certain(0, 0, 1, 1)) == 0
    assert calibration_error(truth, certain(0, 0, 0, 0, confidence=0.9)) == pytest.approx(0.4, abs=1e-6)


def test_intensity_is_judged_by_rank_and_by_distance() -> None:
    metrics = regression_metrics(floats(0, 0.5, 1), floats(0.1, 0.5, 0.9))
    assert metrics["spearman"] == pytest.approx(1.0)
    assert metrics["mae"] == pytest.approx(0.2 / 3)
    assert regression_metrics(floats(1, 1), floats(0.1, 0.5))["spearman"] is None


def test_the_interval_of_macro_f1_is_that_of_resampled_rows() -> None:
    rng = np.random.default_rng(0)
    truth = rng.choice(3, size=600, p=[0.2, 0.1, 0.7])
    found = np.where(rng.random(600) < 0.7, truth, rng.choice(3, size=600))
    confusion = np.zeros((3, 3), np.int64)
    np.add.at(confusion, (truth, found), 1)
    resampled = [rng.integers(600, size=600) for _ in range(300)]
    drawn = [f1_score(truth[rows], found[rows], average="macro") for rows in resampled]
    assert macro_f1_interval(confusion) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.012)


def test_classes_that_no_row_has_stay_out_of_the_interval() -> None:
    assert macro_f1_interval(np.array([[5, 0, 0], [0, 0, 0], [0, 0, 9]])) == (1.0, 1.0)


def test_two_class_accuracy_compares_negative_with_positive_whatever_neutral_says() -> None:
    truth = floats(0, 2, 2, 1)
    answers = np.array([[0.2, 0.7, 0.1], [0.3, 0.6, 0.1], [0.1, 0.1, 0.8], [0.9, 0.1, 0.0]], np.float32)
    assert two_class_accuracy(truth, answers, (0, 2)) == pytest.approx(2 / 3)
    assert two_class_accuracy(truth, answers, (0, 2), floats(1, 0, 1, 5)) == 1.0
    assert two_class_accuracy(floats(1), answers[:1], (0, 2)) is None


def test_weights_give_the_classes_their_natural_shares_and_rows_without_label_nothing() -> None:
    polarity = np.array([0, 0, 1, 1, 2, 2, 2, 2, np.nan], dtype=np.float32)
    weights = class_weights(polarity, (0.2, 0.1, 0.7))
    assert weights[-1] == 0
    assert weights.sum() == pytest.approx(8)
    assert [weights[polarity == n].sum() / 8 for n in range(3)] == pytest.approx([0.2, 0.1, 0.7])
