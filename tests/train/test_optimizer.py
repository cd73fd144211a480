from itertools import pairwise
from pathlib import Path

import pytest
import torch
from tiny import WIDTH, make_backbone

from reviewmine.model.backbone import load_encoder
from reviewmine.model.network import OpinionNetwork
from reviewmine.train.optimizer import make_optimizer, parameter_groups, rate_share, set_rates
from reviewmine.train.settings import LoopSettings


@pytest.fixture
def network(tmp_path: Path) -> OpinionNetwork:
    return OpinionNetwork(load_encoder(make_backbone(tmp_path)), width=WIDTH, pooling="mean")


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_the_learning_rate_rises_to_its_peak_and_falls_to_nothing(schedule):
    settings = LoopSettings(schedule=schedule, warmup_share=0.1)
    rates = [rate_share(step / 100, settings) for step in range(100)]
    assert 0 < rates[0] < rates[5] < rates[10] == 1.0
    assert all(later < earlier for earlier, later in pairwise(rates[10:]))
    assert rates[-1] < 0.02
    assert rates[55] == pytest.approx(0.5)


def test_a_constant_rate_stays_at_its_peak_after_the_warmup():
    settings = LoopSettings(schedule="constant", warmup_share=0.1)
    assert [rate_share(progress, settings) for progress in (0.1, 0.5, 0.99)] == [1.0, 1.0, 1.0]
    assert rate_share(0.05, settings) < 1


def test_biases_and_norms_are_not_decayed_and_heads_have_their_own_rate(network):
    settings = LoopSettings(learning_rate=0.01, head_learning_rate=0.1, weight_decay=0.5)
    groups = make_optimizer(parameter_groups(network, settings), settings).param_groups
    found = {(group["lr"], group["weight_decay"]) for group in groups}
    assert found == {(0.01, 0.5), (0.01, 0.0), (0.1, 0.5), (0.1, 0.0)}
    assert all((p.ndim > 1) == (group["weight_decay"] > 0) for group in groups for p in group["params"])


def test_a_parameter_may_have_a_factor_on_its_rate_and_keeps_it_through_the_schedule(network):
    settings = LoopSettings(learning_rate=0.01, warmup_share=0.0)
    name = "backbone.embeddings.word_embeddings.weight"
    optimizer = make_optimizer(parameter_groups(network, settings, {name: 0.5}), settings)
    set_rates(optimizer, 50, 100, settings)
    embeddings = dict(network.named_parameters())[name]
    (rate,) = {group["lr"] for group in optimizer.param_groups for p in group["params"] if p is embeddings}
    assert rate == pytest.approx(0.0025)


def test_what_is_frozen_is_not_optimized(network):
    network.backbone.requires_grad_(False)
    groups = parameter_groups(network, LoopSettings())
    optimized = [p for group in groups for p in group["params"]]
    assert len(optimized) == 4
    assert all(isinstance(p, torch.nn.Parameter) for p in optimized)


def test_sgd_has_the_momentum_that_was_asked_for(network):
    settings = LoopSettings(optimizer="sgd", momentum=0.7)
    optimizer = make_optimizer(parameter_groups(network, settings), settings)
    assert isinstance(optimizer, torch.optim.SGD)
    assert {group["momentum"] for group in optimizer.param_groups} == {0.7}
