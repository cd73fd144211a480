import json
from pathlib import Path

import numpy as np
import pytest
import torch

from reviewmine.evaluation.judge import brief, brief_names, judge, single_metrics, write_metrics
from reviewmine.model.head_specs import (
    ClassificationSpec,
    HeadSpec,
    MultilabelSpec,
    OrdinalSpec,
    RegressionSpec,
    TokensSpec,
)

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


def test_the_figures_of_progress_have_the_names_that_are_known_before_training() -> None:
    heads: dict[str, HeadSpec] = {
        "mood": ClassificationSpec(labels=("glad", "sad")),
        "topics": MultilabelSpec(labels=("screen", "lamp")),
        "force": OrdinalSpec(),
        "warmth": RegressionSpec(),
        "things": TokensSpec(labels=("thing",)),
    }
    rng = np.random.default_rng(0)
    logits = {
        "mood": torch.from_numpy(rng.normal(size=(8, 2))),
        "topics": torch.from_numpy(rng.normal(size=(8, 2))),
        "force": torch.from_numpy(rng.normal(size=(8, 2))),
        "warmth": torch.from_numpy(rng.normal(size=8)),
        "things": torch.from_numpy(rng.normal(size=(8, 3, 3))),
    }
    labels = {
        "mood": rng.integers(0, 2, 8),
        "topics": rng.integers(0, 2, (8, 2)),
        "force": rng.random(8),
        "warmth": rng.random(8),
        "things": rng.integers(0, 3, (8, 3)),
    }
    told = brief(judge(logits, {name: one.astype(np.float32) for name, one in labels.items()}, heads, {}))
    assert list(told) == brief_names(heads)
