import numpy as np
import pytest

from reviewmine.evaluation.metrics import (
    class_weights,
    classification_metrics,
    regression_metrics,
    two_class_accuracy,
)

NAMES = ("no", "perhaps", "yes")


def certain(*classes: int, confidence: float = 1.0) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    rest = (1 - confidence) / 2
    return np.array([[confidence if n == c else rest for n in range(3)] for c in classes], dtype=np.float32)


def floats(*values: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.array(values, dtype=np.float32)


def test_macro_f1_is_the_mean_over_the_classes_that_occur() -> None:
    metrics = classification_metrics(floats(0, 0, 2, 2), certain(0, 2, 2, 2), NAMES)
    assert metrics["accuracy"] == 0.75
    assert metrics["macro_f1"] == pytest.approx((2 / 3 + 0.8) / 2)
    assert metrics["classes"]["perhaps"]["rows"] == 0
    assert metrics["confusion"] == [[1, 0, 1], [0, 0, 0], [0, 0, 2]]


def test_macro_figures_count_classes_alike_and_weighted_ones_count_rows() -> None:
    metrics = classification_metrics(floats(0, 2, 2, 2), certain(0, 0, 2, 2), NAMES)
    assert metrics["macro_precision"] == pytest.approx((1 / 2 + 1) / 2)
    assert metrics["macro_recall"] == pytest.approx((1 + 2 / 3) / 2)
    assert metrics["weighted_precision"] == pytest.approx((1 * 1 / 2 + 3 * 1) / 4)
    assert metrics["weighted_recall"] == metrics["accuracy"] == 0.75
    assert metrics["weighted_f1"] == pytest.approx((1 * 2 / 3 + 3 * 0.8) / 4)


def test_areas_are_those_of_each_class_against_the_rest() -> None:
    probabilities = np.array([[0.9, 0.1, 0], [0.4, 0.6, 0], [0.6, 0.4, 0], [0.1, 0.9, 0]], dtype=np.float32)
    metrics = classification_metrics(floats(0, 0, 1, 1), probabilities, NAMES)
    assert metrics["classes"]["no"]["roc_auc"] == pytest.approx(3 / 4)
    assert metrics["classes"]["no"]["pr_auc"] == pytest.approx((1 + 2 / 3) / 2)
    assert metrics["classes"]["yes"]["roc_auc"] is None
    assert metrics["macro_roc_auc"] == pytest.approx(3 / 4)
    alone = classification_metrics(floats(1), certain(1), NAMES)
    assert alone["macro_pr_auc"] is None


def test_rows_without_a_label_are_not_counted() -> None:
    assert classification_metrics(floats(0, np.nan), certain(0, 2), NAMES)["rows"] == 1
    assert classification_metrics(floats(np.nan), certain(0), NAMES) == {"rows": 0}
    assert regression_metrics(floats(np.nan), floats(0.5)) == {"rows": 0}


def test_weights_count_rows_as_more_than_one() -> None:
    labels, answers = floats(0, 0, 2), certain(0, 2, 2)
    assert classification_metrics(labels, answers, NAMES, floats(3, 0, 1))["accuracy"] == 1.0


def test_a_head_of_numbers_is_judged_by_rank_and_by_distance() -> None:
    metrics = regression_metrics(floats(0, 0.5, 1), floats(0.1, 0.5, 0.9))
    assert metrics["spearman"] == pytest.approx(1.0)
    assert metrics["mae"] == pytest.approx(0.2 / 3)
    assert metrics["mse"] == pytest.approx(0.02 / 3)
    assert metrics["rmse"] == pytest.approx((0.02 / 3) ** 0.5)
    assert regression_metrics(floats(1, 1), floats(0.1, 0.5))["spearman"] is None


def test_two_class_accuracy_compares_two_classes_whatever_the_third_says() -> None:
    labels = floats(0, 2, 2, 1, np.nan)
    answers = np.array(
        [[0.2, 0.7, 0.1], [0.3, 0.6, 0.1], [0.1, 0.1, 0.8], [0.9, 0.1, 0], [1, 0, 0]], np.float32
    )
    assert two_class_accuracy(labels, answers, (0, 2)) == pytest.approx(2 / 3)
    assert two_class_accuracy(labels, answers, (0, 2), floats(1, 0, 1, 5, 1)) == 1.0
    assert two_class_accuracy(floats(1), answers[:1], (0, 2)) is None


def test_weights_give_the_classes_their_natural_shares_and_rows_without_label_nothing() -> None:
    labels = np.array([0, 0, 1, 1, 2, 2, 2, 2, np.nan], dtype=np.float32)
    weights = class_weights(labels, (0.2, 0.1, 0.7))
    assert weights[-1] == 0
    assert weights.sum() == pytest.approx(8)
    assert [weights[labels == n].sum() / 8 for n in range(3)] == pytest.approx([0.2, 0.1, 0.7])
