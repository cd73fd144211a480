from pathlib import Path

import pytest
import torch
from tiny import make_backbone

from reviewmine.errors import CheckpointError
from reviewmine.model import adapter
from reviewmine.model.backbone import load_encoder
from reviewmine.model.spec import AdapterSpec

IDS = torch.randint(5, 30, (2, 6), generator=torch.Generator().manual_seed(0))


def states(backbone: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = backbone.eval()(
            input_ids=IDS, attention_mask=torch.ones_like(IDS)
        ).last_hidden_state
    return found


def shaken(backbone: torch.nn.Module) -> torch.nn.Module:
    """The adapted backbone with its adapter moved away from its start, where it changes nothing."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in backbone.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    return backbone


def test_a_fresh_adapter_changes_nothing_and_alone_is_trainable(tmp_path: Path) -> None:
    before = states(load_encoder(make_backbone(tmp_path)))
    adapted = adapter.attach(load_encoder(tmp_path), AdapterSpec(rank=4))
    torch.testing.assert_close(states(adapted), before)
    assert {name.split(".")[-3] for name, p in adapted.named_parameters() if p.requires_grad} == {
        "lora_A",
        "lora_B",
    }


def test_saved_loaded_and_merged_it_answers_as_it_did_attached(tmp_path: Path) -> None:
    spec = AdapterSpec(rank=4, alpha=8)
    adapted = shaken(adapter.attach(load_encoder(make_backbone(tmp_path)), spec))
    attached = states(adapted)
    adapter.save(adapted, tmp_path)
    merged = adapter.load_merged(load_encoder(tmp_path), spec, tmp_path)
    torch.testing.assert_close(states(merged), attached, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(attached, states(load_encoder(tmp_path)), atol=1e-3)
    assert type(merged) is type(load_encoder(tmp_path))


def test_targets_that_the_backbone_does_not_have_are_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="wq"):
        adapter.attach(load_encoder(make_backbone(tmp_path)), AdapterSpec(targets=("wq",)))


def test_an_adapter_of_another_shape_is_refused(tmp_path: Path) -> None:
    adapted = adapter.attach(load_encoder(make_backbone(tmp_path)), AdapterSpec(rank=4))
    adapter.save(adapted, tmp_path)
    with pytest.raises(CheckpointError, match="another backbone"):
        adapter.load_merged(load_encoder(tmp_path), AdapterSpec(rank=8), tmp_path)
