import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import WIDTH, make_backbone, make_reviews

from reviewmine.contract.examples import ExampleColumns, conform
from reviewmine.errors import TrainingError
from reviewmine.model.backbone import load_backbone
from reviewmine.model.checkpoint import Checkpoint
from reviewmine.model.network import OpinionNetwork
from reviewmine.model.spec import BackboneSpec, Spec
from reviewmine.text.encode import TextEncoder
from reviewmine.train.collate import encode_examples
from reviewmine.train.evaluate import (
    calibration_error,
    evaluate,
    intensity_metrics,
    polarity_metrics,
    predict,
    write_metrics,
)

COLUMNS = ExampleColumns(body="text", title="title", rating="stars")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    backbone = load_backbone(str(make_backbone(tmp_path_factory.mktemp("backbone"))))
    torch.manual_seed(0)
    return Checkpoint(
        spec=Spec(
            name="tiny",
            backbone=BackboneSpec(name="tiny", inside=True),
            max_tokens=64,
            clean_version=1,
            languages=("en",),
        ),
        digest="0" * 64,
        network=OpinionNetwork(backbone.model, width=WIDTH, pooling="mean").eval(),
        encoder=TextEncoder(backbone.tokenizer.backend_tokenizer, max_tokens=64),
        pad_id=0,
    )


def certain(*classes: int, confidence: float = 1.0) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    rest = (1 - confidence) / 2
    return np.array([[confidence if n == c else rest for n in range(3)] for c in classes], dtype=np.float32)


def floats(*values: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.array(values, dtype=np.float32)


def test_batching_by_length_does_not_change_the_order_of_the_answers(checkpoint: Checkpoint) -> None:
    table = conform(make_reviews(40), COLUMNS, where="here")
    together = predict(checkpoint.network, encode_examples(table, checkpoint.encoder, pad_id=0))
    for row in (0, 17, 39):
        alone = predict(
            checkpoint.network, encode_examples(table.slice(row, 1), checkpoint.encoder, pad_id=0)
        )
        torch.testing.assert_close(together["polarity"][row], alone["polarity"][0], atol=1e-5, rtol=1e-4)


def test_an_evaluation_counts_its_rows_and_names_its_checkpoint(checkpoint: Checkpoint) -> None:
    table = conform(make_reviews(40), COLUMNS, where="here")
    metrics = evaluate(checkpoint, table, max_rows=30, seed=1)
    assert metrics["checkpoint"] == "0" * 64
    assert metrics["rows"] == metrics["polarity"]["rows"] == metrics["intensity"]["rows"] == 30
    assert metrics == evaluate(checkpoint, table, max_rows=30, seed=1)
    assert metrics["polarity"] != evaluate(checkpoint, table, titles=False)["polarity"]


def test_examples_without_any_text_are_refused(checkpoint: Checkpoint) -> None:
    table = conform(make_reviews(3).set_column(1, "text", [[" ", "<br>", ""]]), COLUMNS, where="here")
    with pytest.raises(TrainingError, match="any text left"):
        evaluate(checkpoint, table)


def test_macro_f1_is_the_mean_over_the_classes_that_occur() -> None:
    metrics = polarity_metrics(floats(0, 0, 2, 2), certain(0, 2, 2, 2))
    assert metrics["accuracy"] == 0.75
    assert metrics["macro_f1"] == pytest.approx((2 / 3 + 0.8) / 2)
    assert metrics["classes"]["neutral"]["rows"] == 0
    assert metrics["confusion"] == [[1, 0, 1], [0, 0, 0], [0, 0, 2]]


def test_rows_without_a_label_are_not_counted() -> None:
    assert polarity_metrics(floats(0, np.nan), certain(0, 2))["rows"] == 1
    assert polarity_metrics(floats(np.nan), certain(0)) == {"rows": 0}
    assert intensity_metrics(floats(np.nan), floats(0.5)) == {"rows": 0}


def test_weights_count_rows_as_more_than_one() -> None:
    labels, answers = floats(0, 0, 2), certain(0, 2, 2)
    assert polarity_metrics(labels, answers, floats(3, 0, 1))["accuracy"] == 1.0


def test_calibration_error_is_the_gap_between_confidence_and_truth() -> None:
    truth = np.array([0, 0, 1, 1])
    assert calibration_error(truth, certain(0, 0, 1, 1)) == 0
    assert calibration_error(truth, certain(0, 0, 0, 0, confidence=0.9)) == pytest.approx(0.4, abs=1e-6)


def test_intensity_is_judged_by_rank_and_by_distance() -> None:
    metrics = intensity_metrics(floats(0, 0.5, 1), floats(0.1, 0.5, 0.9))
    assert metrics["spearman"] == pytest.approx(1.0)
    assert metrics["mae"] == pytest.approx(0.2 / 3)
    assert intensity_metrics(floats(1, 1), floats(0.1, 0.5))["spearman"] is None


def test_metrics_are_written_as_json(tmp_path: Path) -> None:
    write_metrics({"rows": 3}, tmp_path / "new" / "metrics.json")
    assert json.loads((tmp_path / "new" / "metrics.json").read_text()) == {"rows": 3}
