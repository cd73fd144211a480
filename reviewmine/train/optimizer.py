"""How fast a network learns: its parameters in groups, the optimizer over them, and their learning rates."""

import math
from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import torch
from torch import nn

from reviewmine.model.network import OpinionNetwork
from reviewmine.train.settings import LoopSettings

_NONE: Final[Mapping[str, float]] = MappingProxyType({})


def parameter_groups(
    network: OpinionNetwork, settings: LoopSettings, rate_factors: Mapping[str, float] = _NONE
) -> list[dict[str, Any]]:
    """What is trainable, in groups of one learning rate and decay; heads have a rate of their own.

    Biases and norms are not decayed. `rate_factors` multiplies the rate of a parameter, by its name in
    `network`; 1 for one that is not named.
    """
    heads = {id(parameter) for head in network.heads.values() for parameter in head.parameters()}
    groups: defaultdict[tuple[float, float], list[nn.Parameter]] = defaultdict(list)
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            rate = settings.head_learning_rate if id(parameter) in heads else settings.learning_rate
            decay = settings.weight_decay if parameter.ndim > 1 else 0.0
            groups[rate * rate_factors.get(name, 1.0), decay].append(parameter)
    return [
        {"params": members, "lr": rate, "peak_lr": rate, "weight_decay": decay}
        for (rate, decay), members in groups.items()
    ]


def make_optimizer(groups: list[dict[str, Any]], settings: LoopSettings) -> torch.optim.Optimizer:
    """AdamW with decoupled decay, one kernel for all its tensors where the device has one, or SGD with momentum."""
    if settings.optimizer == "sgd":
        return torch.optim.SGD(groups, momentum=settings.momentum)
    return torch.optim.AdamW(groups, fused=groups[0]["params"][0].device.type in ("cuda", "cpu"))


def set_rates(optimizer: torch.optim.Optimizer, step: int, num_steps: int, settings: LoopSettings) -> None:
    """Give every group its learning rate for `step` of `num_steps`, counted from 0."""
    share = rate_share(step / num_steps, settings)
    for group in optimizer.param_groups:
        group["lr"] = group["peak_lr"] * share


def rate_share(progress: float, settings: LoopSettings) -> float:
    """The share of the peak learning rate at `progress` in [0, 1): a straight rise, then what the schedule says."""
    warmup = settings.warmup_share
    if progress < warmup:
        return (progress + 1e-3) / (warmup + 1e-3)
    done = (progress - warmup) / (1 - warmup)
    match settings.schedule:
        case "linear":
            return 1 - done
        case "cosine":
            return (1 + math.cos(math.pi * done)) / 2
        case "constant":
            return 1.0
