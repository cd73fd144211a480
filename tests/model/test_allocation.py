from pathlib import Path

import pytest
import torch
from tiny import make_backbone

from reviewmine.model import adapter
from reviewmine.model.allocation import Allocation
from reviewmine.model.backbone import load_encoder
from reviewmine.model.tuning_spec import AllocatedAdapter

IDS = torch.randint(5, 30, (2, 6), generator=torch.Generator().manual_seed(0))
SPEC = AllocatedAdapter(kind="adalora", rank=2, initial_rank=6, warm_share=0.1, settle_share=0.3)
STEPS = 40


@pytest.fixture
def adapted(tmp_path: Path) -> torch.nn.Module:
    torch.manual_seed(0)
    return adapter.attach(load_encoder(make_backbone(tmp_path)), SPEC)


def live_ranks(adapted: torch.nn.Module) -> tuple[int, int]:
    """How many singular values are not zero, and over how many layers."""
    values = [p for name, p in adapted.named_parameters() if ".lora_E." in name]
    return sum(int(torch.count_nonzero(p)) for p in values), len(values)


def train(adapted: torch.nn.Module, allocation: Allocation, steps: range) -> None:
    trainable = [p for p in adapted.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(trainable, lr=0.1)
    for step in steps:
        states = adapted(input_ids=IDS, attention_mask=torch.ones_like(IDS)).last_hidden_state
        (states[..., 0].square().mean() + allocation.penalty()).backward()
        optimizer.step()
        allocation.after_step(step)
        optimizer.zero_grad()


def test_ranks_are_cut_to_the_budget_and_stay_cut(adapted: torch.nn.Module) -> None:
    train(adapted, Allocation(adapted, SPEC, STEPS), range(STEPS))
    live, num_layers = live_ranks(adapted)
    assert 0 < live <= SPEC.rank * num_layers


def test_what_was_cut_is_merged_and_saved_as_it_answers(adapted: torch.nn.Module, tmp_path: Path) -> None:
    train(adapted, Allocation(adapted, SPEC, STEPS), range(STEPS))
    adapter.save(adapted, tmp_path)
    mask = torch.ones_like(IDS)
    with torch.no_grad():
        attached = adapted.eval()(input_ids=IDS, attention_mask=mask).last_hidden_state
        merged = adapter.load(load_encoder(tmp_path), SPEC, tmp_path).eval()
        again = merged(input_ids=IDS, attention_mask=mask).last_hidden_state
    torch.testing.assert_close(again, attached, atol=1e-5, rtol=1e-4)


def test_the_penalty_is_none_for_orthonormal_factors_and_grows_from_there(adapted: torch.nn.Module) -> None:
    allocation = Allocation(adapted, SPEC, STEPS)
    with torch.no_grad():
        for name, factor in adapted.named_parameters():
            if ".lora_A." in name or ".lora_B." in name:
                torch.nn.init.orthogonal_(factor)
    assert float(allocation.penalty().detach()) == pytest.approx(0.0, abs=1e-5)
    with torch.no_grad():
        for name, factor in adapted.named_parameters():
            if ".lora_A." in name:
                factor.mul_(2)
    assert float(allocation.penalty().detach()) > 0.1


def test_taken_up_again_it_cuts_as_if_it_had_not_stopped(adapted: torch.nn.Module, tmp_path: Path) -> None:
    half = STEPS - 10
    allocation = Allocation(adapted, SPEC, STEPS)
    train(adapted, allocation, range(half))
    weights = {name: p.detach().clone() for name, p in adapted.named_parameters()}
    kept = allocation.state()
    kept = {k: dict(v) if isinstance(v, dict) else v for k, v in kept.items()}
    train(adapted, allocation, range(half, STEPS))
    second = adapter.attach(load_encoder(tmp_path), SPEC)
    with torch.no_grad():
        for name, parameter in second.named_parameters():
            parameter.copy_(weights[name])
    resumed = Allocation(second, SPEC, STEPS)
    resumed.restore(kept)
    train(second, resumed, range(half, STEPS))
    for (name, one), other in zip(adapted.named_parameters(), second.parameters(), strict=True):
        torch.testing.assert_close(one, other, msg=name)
