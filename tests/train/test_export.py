"""What an export answers is what its checkpoint answers, by transformers alone."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import WIDTH, make_tokenizer
from tiny_checkpoint import make_checkpoint
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    ElectraConfig,
    ElectraModel,
    PreTrainedModel,
    RobertaConfig,
    RobertaModel,
    pipeline,
)

from reviewmine.errors import CheckpointError, UsageError
from reviewmine.model.adapter import attach
from reviewmine.model.backbone import load_backbone
from reviewmine.model.batching import padded
from reviewmine.model.checkpoint import load_checkpoint, save_checkpoint
from reviewmine.model.head_specs import (
    OPINION_HEADS,
    ClassCalibration,
    ClassificationSpec,
    HeadSpec,
    LabelCalibration,
    MultilabelSpec,
    NumberCalibration,
    OrdinalSpec,
    RegressionSpec,
    TokensSpec,
)
from reviewmine.model.inspect import builtin_checkpoint
from reviewmine.model.network import OpinionNetwork
from reviewmine.model.spec import BackboneSpec, Spec
from reviewmine.model.tuning_spec import PrefixAdapter
from reviewmine.text.clean import CLEAN_VERSION
from reviewmine.train.export import export_checkpoint

TEXTS = ["It broke on the second day, and nobody answers.", "Works as it should."]
POLARITY = ClassificationSpec(
    labels=("negative", "neutral", "positive"),
    calibration=ClassCalibration(temperature=1.7, log_shift=(0.3, -0.9, 0.2)),
)
HEADS: dict[str, HeadSpec] = {
    "polarity": POLARITY,
    "intensity": OrdinalSpec(
        calibration=NumberCalibration(raw=(0.1, 0.4, 0.9), calibrated=(0.0, 0.7, 0.8)), pooling="cls"
    ),
    "force": RegressionSpec(calibration=NumberCalibration(raw=(0.2, 0.9), calibrated=(0.1, 0.6))),
    "topics": MultilabelSpec(
        labels=("screen", "sound"), calibration=LabelCalibration(temperatures=(2.0, 0.5))
    ),
    "things": TokensSpec(labels=("thing",)),
}


def answers_of(checkpoint: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Logits and calibrated answers of the checkpoint on TEXTS."""
    loaded = load_checkpoint(checkpoint, dtype=torch.float32)
    encoded = loaded.encoder.encode([None] * len(TEXTS), TEXTS)
    ids, mask = padded([one.token_ids for one in encoded], loaded.pad_id)
    with torch.inference_mode():
        logits = loaded.network(torch.from_numpy(ids), torch.from_numpy(mask)).logits
    return logits, loaded.decode(logits)


def run_readme(export: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Any]:
    """The names that the last code of an export's README ends with, run as it stands in there."""
    monkeypatch.chdir(export)
    *_, code = re.findall(r"```python\n(.*?)```", (export / "README.md").read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), names)
    return names


def same(checkpoint: Path, export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails unless the README's code finds the logits and answers of the checkpoint, padding aside."""
    logits, answers = answers_of(checkpoint)
    found = run_readme(export, monkeypatch)
    assert set(found["answers"]) == set(answers)
    mask = found["read"]["attention_mask"].bool()
    for name, expected in answers.items():
        pairs = ((found["logits"][name], logits[name]), (found["answers"][name], torch.from_numpy(expected)))
        for here, there in pairs:
            if there.ndim == 3:  # the one pads to the longest text, the other to a rounder number
                here, there = here[mask], there[:, : mask.shape[1]][mask]
            torch.testing.assert_close(here.reshape(there.shape), there, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_the_code_of_an_export_gives_the_answers_of_heads_of_every_kind(pooling, tmp_path, monkeypatch):
    checkpoint = make_checkpoint(tmp_path, pooling=pooling, heads=HEADS)
    export_checkpoint(checkpoint, tmp_path / "export")
    same(checkpoint, tmp_path / "export", monkeypatch)


def test_the_built_in_checkpoint_is_exported_with_its_adapter_merged(tmp_path, monkeypatch):
    export_checkpoint(builtin_checkpoint(), tmp_path / "export")
    same(builtin_checkpoint(), tmp_path / "export", monkeypatch)


SIZES = {
    "vocab_size": len(make_tokenizer()),
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "pad_token_id": 0,
}
WIDE = {"hidden_size": WIDTH, "intermediate_size": 64, "max_position_embeddings": 128}
ENCODERS = {
    "bert": lambda: BertModel(BertConfig(**SIZES, **WIDE), add_pooling_layer=False),
    "roberta": lambda: RobertaModel(RobertaConfig(**SIZES, **WIDE), add_pooling_layer=False),
    "electra": lambda: ElectraModel(ElectraConfig(**SIZES, **WIDE, embedding_size=16)),
    "distilbert": lambda: DistilBertModel(
        DistilBertConfig(vocab_size=SIZES["vocab_size"], dim=WIDTH, n_layers=2, n_heads=2, hidden_dim=64)
    ),
}


def make_checkpoint_on(
    encoder: PreTrainedModel, root: Path, heads: Mapping[str, HeadSpec], *, scale: float = 1.0
) -> Path:
    """A checkpoint of random heads, pooling cls, on this encoder; logits are some `scale` in size."""
    encoder.save_pretrained(root / "backbone")
    make_tokenizer().save_pretrained(root / "backbone")
    backbone = load_backbone(str(root / "backbone"))
    spec = Spec(
        name="tiny",
        backbone=BackboneSpec(name="tiny", inside=True),
        max_tokens=48,
        clean_version=CLEAN_VERSION,
        languages=("en",),
        pooling="cls",
        heads=dict(heads),
    )
    network = OpinionNetwork(backbone.model, width=WIDTH, pooling="cls", heads=heads)
    with torch.no_grad():
        for head in network.heads.values():
            head.output.weight.mul_(scale)
    save_checkpoint(root / "checkpoint", spec=spec, network=network, tokenizer=backbone.tokenizer)
    return root / "checkpoint"


@pytest.mark.parametrize("kind", ENCODERS)
def test_a_head_of_the_first_token_becomes_the_classifier_of_its_architecture(kind, tmp_path, monkeypatch):
    torch.manual_seed(0)
    heads = {"polarity": POLARITY, "intensity": OPINION_HEADS["intensity"]}
    checkpoint = make_checkpoint_on(ENCODERS[kind](), tmp_path, heads, scale=20.0)
    export_checkpoint(checkpoint, tmp_path / "export", head="polarity")
    logits, answers = answers_of(checkpoint)
    assert logits["polarity"].abs().max() > 2
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "export").eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "export")
    with torch.inference_mode():
        found = model(**tokenizer(TEXTS, padding=True, return_tensors="pt")).logits
    expected = logits["polarity"] / 1.7 + torch.tensor(POLARITY.calibration.log_shift)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    told = pipeline("text-classification", model=str(tmp_path / "export"), top_k=None)(TEXTS)
    for row, answer in zip(told, answers["polarity"], strict=True):
        assert {one["label"]: one["score"] for one in row} == pytest.approx(
            dict(zip(POLARITY.labels, answer.tolist(), strict=True)), abs=1e-5
        )
    same(checkpoint, tmp_path / "export", monkeypatch)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("polarty", "there is no such head; did you mean 'polarity'"),
        ("topics", "kind multilabel, expected classification"),
        (
            "polarity",
            "pooling mean on a bert; transformers classifies by pooling cls on bert, roberta",
        ),
    ],
)
def test_a_classifier_that_transformers_does_not_have_is_not_faked(head, message, tmp_path):
    checkpoint = make_checkpoint(tmp_path, heads=HEADS)
    with pytest.raises(UsageError, match=message):
        export_checkpoint(checkpoint, tmp_path / "export", head=head)
    assert not (tmp_path / "export").exists()


def test_an_export_goes_into_a_folder_of_its_own(tmp_path):
    checkpoint = make_checkpoint(tmp_path)
    with pytest.raises(CheckpointError, match="not empty"):
        export_checkpoint(checkpoint, checkpoint)


def test_an_adapter_that_stays_beside_its_encoder_is_not_exported(tmp_path):
    checkpoint = make_checkpoint(tmp_path)
    spec = load_checkpoint(checkpoint).spec
    backbone = load_backbone(str(tmp_path / "backbone"))
    prefixed = PrefixAdapter(kind="prefix", num_tokens=2)
    network = OpinionNetwork(attach(backbone.model, prefixed), width=WIDTH, pooling="mean")
    save_checkpoint(
        tmp_path / "prefixed",
        spec=spec.model_copy(update={"adapter": prefixed}),
        network=network,
        tokenizer=backbone.tokenizer,
    )
    with pytest.raises(CheckpointError, match="prefix adapter stays beside the encoder"):
        export_checkpoint(tmp_path / "prefixed", tmp_path / "export")
