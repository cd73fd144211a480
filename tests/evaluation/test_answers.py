import pytest
import torch
from tiny import WIDTH, make_backbone, make_reviews

from reviewmine.contract.examples import ExampleColumns, conform
from reviewmine.errors import TrainingError
from reviewmine.evaluation.judge import predict
from reviewmine.evaluation.report import report
from reviewmine.examples.encoded import encode_examples
from reviewmine.model.backbone import load_backbone
from reviewmine.model.checkpoint import Checkpoint
from reviewmine.model.network import OpinionNetwork
from reviewmine.model.spec import BackboneSpec, Spec
from reviewmine.text.encode import TextEncoder

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
    metrics = report(checkpoint, table, max_rows=30, seed=1, robustness_rows=0).metrics
    assert metrics["checkpoint"] == "0" * 64
    assert metrics["rows"] == metrics["polarity"]["rows"] == metrics["intensity"]["rows"] == 30
    assert metrics == report(checkpoint, table, max_rows=30, seed=1, robustness_rows=0).metrics
    assert (
        metrics["polarity"] != report(checkpoint, table, titles=False, robustness_rows=0).metrics["polarity"]
    )


def test_examples_without_any_text_are_refused(checkpoint: Checkpoint) -> None:
    table = conform(make_reviews(3).set_column(1, "text", [[" ", "<br>", ""]]), COLUMNS, where="here")
    with pytest.raises(TrainingError, match="any text left"):
        report(checkpoint, table, robustness_rows=0)
