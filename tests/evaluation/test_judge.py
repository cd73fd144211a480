import json
from pathlib import Path

import numpy as np
import pytest

from reviewmine.evaluation.judge import single_metrics, write_metrics

ANSWERS = np.array([[0.2, 0.7, 0.1], [0.1, 0.1, 0.8]], np.float32)


def test_a_head_with_opposites_is_also_judged_by_them_alone() -> None:
    labels = np.array([0, 2], np.float32)
    metrics = single_metrics(labels, ANSWERS, ("negative", "neutral", "positive"))
    assert (metrics["accuracy"], metrics["two_class_accuracy"]) == (0.5, 1.0)
    assert "two_class_accuracy" not in single_metrics(labels, ANSWERS, ("red", "green", "blue"))
    assert single_metrics(np.full(2, np.nan, np.float32), ANSWERS, ("negative", "x", "positive")) == {
        "rows": 0
    }


def test_a_head_without_classes_is_judged_by_distance() -> None:
    assert single_metrics(np.ones(2, np.float32), ANSWERS[:, 2], None)["mae"] == pytest.approx(0.55)


def test_metrics_are_written_as_json(tmp_path: Path) -> None:
    write_metrics({"rows": 3}, tmp_path / "new" / "metrics.json")
    assert json.loads((tmp_path / "new" / "metrics.json").read_text()) == {"rows": 3}
