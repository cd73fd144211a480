import numpy as np
import pytest

from reviewmine.evaluation.multilabel import multilabel_metrics

NAMES = ("bug", "wish", "praise")


def test_each_label_has_its_figures_and_a_row_is_right_if_all_of_them_are() -> None:
    labels = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [np.nan] * 3], np.float32)
    answers = np.array([[0.9, 0.1, 0], [0.8, 0.2, 0], [0.1, 0.1, 0], [1, 1, 1]], np.float32)
    found = multilabel_metrics(labels, answers, NAMES)
    assert found["rows"] == 3
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["labels"]["bug"]["f1"] == 1.0
    assert found["labels"]["wish"] == {
        "precision": 0.0, "recall": 0.0, "f1": 0.0, "roc_auc": 1.0, "pr_auc": 1.0, "rows": 1
    }  # fmt: skip
    assert found["labels"]["praise"]["roc_auc"] is None
    assert found["macro_f1"] == pytest.approx(0.5)
    assert found["micro_f1"] == pytest.approx(0.8)


def test_rows_without_labels_are_not_counted() -> None:
    assert multilabel_metrics(np.full((2, 3), np.nan, np.float32), np.ones((2, 3), np.float32), NAMES) == {
        "rows": 0
    }


def test_a_head_of_one_label_is_judged_by_that_label_and_not_by_its_absence() -> None:
    labels = np.array([[1], [0], [0], [0]], np.float32)
    answers = np.array([[0.9], [0.8], [0.1], [0.1]], np.float32)
    found = multilabel_metrics(labels, answers, ("bug",))
    assert found["labels"]["bug"] == {
        "precision": 0.5, "recall": 1.0, "f1": pytest.approx(2 / 3), "roc_auc": 1.0, "pr_auc": 1.0, "rows": 1
    }  # fmt: skip
    assert found["macro_f1"] == found["micro_f1"] == pytest.approx(2 / 3)
