from itertools import pairwise
from pathlib import Path

import torch
from tiny import WIDTH, make_backbone

from reviewmine.model.backbone import load_encoder
from reviewmine.model.network import OpinionNetwork
from reviewmine.train.optimizer import LoopSettings, make_optimizer, schedule


def test_the_learning_rate_rises_to_its_peak_and_falls_to_nothing() -> None:
    rates = [schedule(step / 100, 0.1) for step in range(100)]
    assert 0 < rates[0] < rates[5] < rates[10] == 1.0
    assert all(later < earlier for earlier, later in pairwise(rates[10:]))
    assert rates[-1] < 0.02


def test_biases_and_norms_are_not_decayed_and_heads_have_their_own_rate(tmp_path: Path) -> None:
    network = OpinionNetwork(load_encoder(make_backbone(tmp_path)), width=WIDTH, pooling="mean")
    settings = LoopSettings(learning_rate=0.01, head_learning_rate=0.1, weight_decay=0.5)
    groups = make_optimizer(network, settings).param_groups
    found = {(group["lr"], group["weight_decay"]) for group in groups}
    assert found == {(0.01, 0.5), (0.01, 0.0), (0.1, 0.5), (0.1, 0.0)}
    assert all((p.ndim > 1) == (group["weight_decay"] > 0) for group in groups for p in group["params"])


def test_what_is_frozen_is_not_optimized(tmp_path: Path) -> None:
    network = OpinionNetwork(load_encoder(make_backbone(tmp_path)), width=WIDTH, pooling="mean")
    network.backbone.requires_grad_(False)
    optimized = [p for group in make_optimizer(network, LoopSettings()).param_groups for p in group["params"]]
    assert len(optimized) == 4
    assert all(isinstance(p, torch.nn.Parameter) for p in optimized)
