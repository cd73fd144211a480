from pathlib import Path

import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from tiny import make_backbone

from reviewmine.errors import CheckpointError, ConfigError
from reviewmine.model import tuning
from reviewmine.model.backbone import load_encoder
from reviewmine.model.tuning_spec import (
    AllocatedAdapter,
    FullTuning,
    HeadsTuning,
    LowRankAdapter,
    ScalingAdapter,
    TopLayersTuning,
    Tuning,
)


def trainable(backbone: torch.nn.Module) -> set[str]:
    return {name for name, p in backbone.named_parameters() if p.requires_grad}


@pytest.fixture
def backbone(tmp_path: Path) -> torch.nn.Module:
    return load_encoder(make_backbone(tmp_path))


def test_heads_alone_leave_the_backbone_as_it_is(backbone: torch.nn.Module) -> None:
    assert trainable(tuning.prepare(backbone, HeadsTuning(kind="heads"))) == set()


def test_in_full_every_weight_is_trained(backbone: torch.nn.Module) -> None:
    assert trainable(tuning.prepare(backbone, FullTuning(kind="full"))) == {
        name for name, _ in backbone.named_parameters()
    }


def test_the_upper_layers_are_trained_and_nothing_below_them(backbone: torch.nn.Module) -> None:
    names = trainable(tuning.prepare(backbone, TopLayersTuning(kind="top_layers", layers=1)))
    assert names
    assert all(name.startswith("encoder.layer.1.") for name in names)


def test_more_layers_than_there_are_is_an_error_that_says_how_many_there_are(
    backbone: torch.nn.Module,
) -> None:
    with pytest.raises(ConfigError, match="has 2 layers"):
        tuning.prepare(backbone, TopLayersTuning(kind="top_layers", layers=3))


def test_an_adapter_is_attached(backbone: torch.nn.Module) -> None:
    names = trainable(tuning.prepare(backbone, LowRankAdapter(rank=2)))
    assert {name.split(".")[-3] for name in names} == {"lora_A", "lora_B"}


def test_rates_fall_by_the_decay_from_layer_to_layer(backbone: torch.nn.Module) -> None:
    factors = tuning.rate_factors(backbone, FullTuning(kind="full", layer_decay=0.5))
    assert factors["encoder.layer.1.output.dense.weight"] == 1.0
    assert factors["encoder.layer.0.output.dense.weight"] == 0.5
    assert factors["embeddings.word_embeddings.weight"] == factors["embeddings.LayerNorm.bias"] == 0.25
    assert tuning.rate_factors(backbone, FullTuning(kind="full")) == {}
    assert tuning.rate_factors(backbone, LowRankAdapter()) == {}


def test_tuned_weights_are_kept_alone_and_put_back(backbone: torch.nn.Module, tmp_path: Path) -> None:
    tuning.prepare(backbone, TopLayersTuning(kind="top_layers", layers=1))
    with torch.no_grad():
        for parameter in backbone.parameters():
            if parameter.requires_grad:
                parameter.add_(1.0)
    tuning.save_tuned(backbone, tmp_path)
    fresh = load_encoder(tmp_path)
    assert (tmp_path / "tuned.safetensors").stat().st_size < (tmp_path / "model.safetensors").stat().st_size
    tuning.load_tuned(fresh, tmp_path)
    for (name, ours), theirs in zip(backbone.named_parameters(), fresh.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, msg=name)


def test_tuned_weights_of_another_backbone_are_refused(backbone: torch.nn.Module, tmp_path: Path) -> None:
    tuning.prepare(backbone, TopLayersTuning(kind="top_layers", layers=1))
    tuning.save_tuned(backbone, tmp_path)
    other = torch.nn.Linear(3, 3)
    with pytest.raises(CheckpointError, match="another backbone"):
        tuning.load_tuned(other, tmp_path)


def test_a_way_to_tune_is_told_from_the_others_by_its_kind() -> None:
    read = TypeAdapter(Tuning).validate_python
    assert read({"kind": "adalora", "rank": 4}) == AllocatedAdapter(kind="adalora", rank=4)
    with pytest.raises(ValidationError, match="rank"):
        read({"kind": "ia3", "rank": 4})
    with pytest.raises(ValidationError, match="adalora"):
        read({"kind": "lorra"})


def test_settings_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValidationError, match="nothing to cut"):
        AllocatedAdapter(kind="adalora", rank=8, initial_rank=4)
    with pytest.raises(ValidationError, match="below 1"):
        AllocatedAdapter(kind="adalora", warm_share=0.6, settle_share=0.5)
    with pytest.raises(ValidationError, match="not among targets"):
        ScalingAdapter(kind="ia3", targets=("key",), feedforward=("output.dense",))
