from pathlib import Path

import pytest
import torch
from tiny import WIDTH, make_backbone, make_reviews

from reviewmine.contract.examples import ExampleColumns, conform
from reviewmine.errors import CheckpointError
from reviewmine.evaluation.judge import predict
from reviewmine.examples.encoded import encode_examples
from reviewmine.model import tuning
from reviewmine.model.backbone import load_backbone
from reviewmine.model.checkpoint import load_checkpoint, save_checkpoint
from reviewmine.model.network import OpinionNetwork
from reviewmine.model.spec import BackboneSpec, Spec
from reviewmine.model.tuning_spec import LowRankAdapter, PrefixAdapter, TopLayersTuning, Tuning, adapter_of
from reviewmine.text.clean import CLEAN_VERSION
from reviewmine.train.card import tell
from reviewmine.train.derive import merge_checkpoint


def save(root: Path, way: Tuning) -> Path:
    """A checkpoint tuned that way, its trainable weights moved from where they started."""
    path = make_backbone(root / "backbone")
    backbone = load_backbone(str(path))
    torch.manual_seed(0)
    network = OpinionNetwork(tuning.prepare(backbone.model, way), width=WIDTH, pooling="mean")
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    spec = Spec(
        name="tiny",
        backbone=BackboneSpec(name=str(path), sha256=backbone.sha256, tuned=isinstance(way, TopLayersTuning)),
        adapter=adapter_of(way),
        max_tokens=64,
        clean_version=CLEAN_VERSION,
        languages=("en",),
    )
    save_checkpoint(root / "checkpoint", spec=spec, network=network, tokenizer=backbone.tokenizer)
    return root / "checkpoint"


@pytest.mark.parametrize(
    "way", [LowRankAdapter(rank=4), TopLayersTuning(kind="top_layers", layers=1)], ids=lambda way: way.kind
)
def test_a_merged_checkpoint_answers_as_its_source_and_needs_no_backbone(way: Tuning, tmp_path: Path) -> None:
    source = load_checkpoint(save(tmp_path, way))
    tell(tmp_path / "checkpoint", {"checkpoint": source.digest})
    digest = merge_checkpoint(tmp_path / "checkpoint", tmp_path / "merged")
    (tmp_path / "backbone").rename(tmp_path / "gone")
    merged = load_checkpoint(tmp_path / "merged", expected_digest=digest)
    assert digest != source.digest
    assert merged.spec.derived_from == source.digest
    assert source.digest in (tmp_path / "merged" / "MODEL_CARD.md").read_text()
    table = conform(
        make_reviews(30), ExampleColumns(body="text", title="title", rating="stars"), where="here"
    )
    examples = encode_examples(table, source.encoder, pad_id=source.pad_id)
    ours, theirs = predict(source.network, examples), predict(merged.network, examples)
    for head, logits in ours.items():
        torch.testing.assert_close(theirs[head], logits, atol=1e-4, rtol=0)


def test_a_prefix_is_not_merged_and_says_so(tmp_path: Path) -> None:
    source = save(tmp_path, PrefixAdapter(kind="prefix", num_tokens=2))
    with pytest.raises(CheckpointError, match="prefix adapter cannot be folded"):
        merge_checkpoint(source, tmp_path / "merged")
    assert not (tmp_path / "merged").exists()
