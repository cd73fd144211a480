from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny import make_backbone

from reviewmine.errors import CheckpointError
from reviewmine.model import adapter
from reviewmine.model.backbone import load_encoder
from reviewmine.model.tuning_spec import (
    AdapterSpec,
    AllocatedAdapter,
    LowRankAdapter,
    PrefixAdapter,
    ScalingAdapter,
)

IDS = torch.randint(5, 30, (2, 6), generator=torch.Generator().manual_seed(0))
MASK = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]])
MERGEABLE: tuple[AdapterSpec, ...] = (
    LowRankAdapter(rank=4, alpha=8),
    LowRankAdapter(kind="dora", rank=4, alpha=8),
    AllocatedAdapter(kind="adalora", rank=2, initial_rank=4),
    ScalingAdapter(kind="ia3"),
)
PREFIX = PrefixAdapter(kind="prefix", num_tokens=3)
by_kind = pytest.mark.parametrize("spec", [*MERGEABLE, PREFIX], ids=lambda spec: spec.kind)
by_mergeable_kind = pytest.mark.parametrize("spec", MERGEABLE, ids=lambda spec: spec.kind)


def states(backbone: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = backbone.eval()(input_ids=IDS, attention_mask=MASK).last_hidden_state
    return found


def shaken(backbone: torch.nn.Module) -> torch.nn.Module:
    """The adapted backbone with its adapter moved away from its start, where it changes nothing."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in backbone.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    return backbone


@by_mergeable_kind
def test_a_fresh_adapter_changes_nothing(tmp_path: Path, spec: AdapterSpec) -> None:
    before = states(load_encoder(make_backbone(tmp_path)))
    torch.testing.assert_close(states(adapter.attach(load_encoder(tmp_path), spec)), before)


@by_kind
def test_an_adapter_alone_is_trainable(tmp_path: Path, spec: AdapterSpec) -> None:
    own = dict(load_encoder(make_backbone(tmp_path)).named_parameters())
    adapted = adapter.attach(load_encoder(tmp_path), spec)
    trainable = [p for p in adapted.parameters() if p.requires_grad]
    frozen = [p for p in adapted.parameters() if not p.requires_grad and p.numel() > 1]
    assert 0 < sum(p.numel() for p in trainable) < sum(p.numel() for p in own.values()) / 4
    assert sum(p.numel() for p in frozen) == sum(p.numel() for p in own.values())


@by_mergeable_kind
def test_saved_loaded_and_merged_it_answers_as_it_did_attached(tmp_path: Path, spec: AdapterSpec) -> None:
    adapted = shaken(adapter.attach(load_encoder(make_backbone(tmp_path)), spec))
    adapter.round_as_kept(adapted)
    attached = states(adapted)
    adapter.save(adapted, tmp_path)
    merged = adapter.load(load_encoder(tmp_path), spec, tmp_path)
    torch.testing.assert_close(states(merged), attached, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(attached, states(load_encoder(tmp_path)), atol=1e-3)
    assert type(merged) is type(load_encoder(tmp_path))


@by_kind
def test_it_is_kept_in_half_precision_and_answers_within_a_thousandth(
    tmp_path: Path, spec: AdapterSpec
) -> None:
    adapted = shaken(adapter.attach(load_encoder(make_backbone(tmp_path)), spec))
    adapter.save(adapted, tmp_path)
    assert {tensor.dtype for tensor in load_file(tmp_path / adapter.ADAPTER_FILE).values()} == {torch.float16}
    loaded = states(adapter.load(load_encoder(tmp_path), spec, tmp_path))
    torch.testing.assert_close(loaded, states(adapted), atol=1e-3, rtol=1e-3)


def test_a_number_that_half_precision_does_not_hold_is_refused(tmp_path: Path) -> None:
    adapted = adapter.attach(load_encoder(make_backbone(tmp_path)), LowRankAdapter(rank=4))
    next(p for p in adapted.parameters() if p.requires_grad).data[0, 0] = 1e5
    with pytest.raises(CheckpointError, match=r"numbers beyond 65504.* lower loop\.learning_rate"):
        adapter.save(adapted, tmp_path)
    assert not (tmp_path / adapter.ADAPTER_FILE).exists()


def test_a_prefix_stays_in_the_network_and_does_not_lengthen_its_answer(tmp_path: Path) -> None:
    assert not adapter.is_mergeable(PREFIX)
    adapted = shaken(adapter.attach(load_encoder(make_backbone(tmp_path)), PREFIX))
    adapter.round_as_kept(adapted)
    attached = states(adapted)
    assert attached.shape[:2] == IDS.shape
    adapter.save(adapted, tmp_path)
    loaded = states(adapter.load(load_encoder(tmp_path), PREFIX, tmp_path))
    torch.testing.assert_close(loaded, attached)
    plain = states(adapter.backbone_of(adapted))
    torch.testing.assert_close(plain, states(load_encoder(tmp_path)))


def test_targets_that_the_backbone_does_not_have_are_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="wq"):
        adapter.attach(load_encoder(make_backbone(tmp_path)), LowRankAdapter(targets=("wq",)))


def test_an_adapter_of_another_shape_is_refused(tmp_path: Path) -> None:
    adapted = adapter.attach(load_encoder(make_backbone(tmp_path)), LowRankAdapter(rank=4))
    adapter.save(adapted, tmp_path)
    with pytest.raises(CheckpointError, match="another backbone"):
        adapter.load(load_encoder(tmp_path), LowRankAdapter(rank=8), tmp_path)
