"""How fast a network learns: the settings of the loop, the optimizer and its learning rates."""

import itertools

import torch
from pydantic import Field

from reviewmine.config import RunModel
from reviewmine.model.network import OpinionNetwork


class LoopSettings(RunModel):
    """How a network is trained; one step reads at most `budget_tokens`, padding included, over all workers."""

    epochs: int = Field(default=2, ge=1)
    budget_tokens: int = Field(default=2048, ge=64)
    learning_rate: float = Field(default=8e-4, gt=0)
    head_learning_rate: float = Field(default=2e-3, gt=0)
    weight_decay: float = Field(default=0.01, ge=0)
    warmup_share: float = Field(default=0.06, ge=0, lt=1)
    clip_norm: float = Field(default=1.0, gt=0)
    report_steps: int = Field(default=200, ge=1)
    """Steps between two reports, each with a checkpoint from which the loop resumes."""


def make_optimizer(network: OpinionNetwork, settings: LoopSettings) -> torch.optim.AdamW:
    """AdamW over what is trainable: heads at their own rate, no decay on biases and norms."""
    heads = {id(parameter) for parameter in network.heads.parameters()}
    groups = []
    trainable = [parameter for parameter in network.parameters() if parameter.requires_grad]
    for in_head, decayed in itertools.product((False, True), (False, True)):
        members = [p for p in trainable if (id(p) in heads) == in_head and (p.ndim > 1) == decayed]
        rate = settings.head_learning_rate if in_head else settings.learning_rate
        decay = settings.weight_decay if decayed else 0.0
        if members:
            groups.append({"params": members, "lr": rate, "peak_lr": rate, "weight_decay": decay})
    return torch.optim.AdamW(groups, fused=next(network.parameters()).is_cuda)


def schedule(progress: float, warmup_share: float) -> float:
    """The share of the peak learning rate at `progress` in [0, 1): a straight rise, then a straight fall to zero."""
    if progress < warmup_share:
        return (progress + 1e-3) / (warmup_share + 1e-3)
    return (1 - progress) / (1 - warmup_share)
