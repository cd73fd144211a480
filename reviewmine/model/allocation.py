"""Allocation: what AdaLoRA wants of a training loop besides gradients: a penalty on each loss, a cut after each step.

Source: Zhang et al., Adaptive Budget Allocation for Parameter-Efficient Fine-Tuning, ICLR 2023; the arithmetic is
that of PEFT.
"""

from typing import Any, cast

import peft
import torch
from torch import Tensor, nn

from reviewmine.model.tuning_spec import AllocatedAdapter

CUT_EVERY_STEPS = 10


class Allocation:
    """The budget of ranks of an AdaLoRA adapter over `total_steps` steps."""

    def __init__(self, adapted: nn.Module, spec: AllocatedAdapter, total_steps: int) -> None:
        self._adapted = cast(peft.PeftModel, adapted)
        self._spec = spec
        self._config = cast(Any, self._adapted.peft_config["default"])
        self._config.total_step = total_steps
        self._config.tinit = int(spec.warm_share * total_steps)
        self._config.tfinal = int(spec.settle_share * total_steps)
        self._config.deltaT = min(CUT_EVERY_STEPS, max(1, total_steps // 20))

    def penalty(self) -> Tensor:
        """`orthogonality` times the mean, over the factors of all layers, of ||P'P - I|| (Frobenius), a scalar."""
        gaps = []
        for name, factor in self._adapted.named_parameters():
            if ".lora_A." in name or ".lora_B." in name:
                gram = factor @ factor.T if ".lora_A." in name else factor.T @ factor
                gaps.append(torch.linalg.matrix_norm(gram - torch.eye(len(gram), device=gram.device)))
        return self._spec.orthogonality * torch.stack(gaps).mean()

    def add_penalty(self) -> None:
        """Add the gradient of the penalty to what is there; equal workers add equal ones, so none is exchanged."""
        factors = [p for p in self._adapted.parameters() if p.requires_grad and p.ndim == 2]
        gradients = torch.autograd.grad(self.penalty(), factors, allow_unused=True)
        for factor, gradient in zip(factors, gradients, strict=True):
            if gradient is not None:
                factor.grad = gradient if factor.grad is None else factor.grad + gradient

    def after_step(self, step: int) -> None:
        """Weigh the singular values by the gradients of step `step` (counted from 0), and cut those over the budget."""
        cast(Any, self._adapted.base_model).update_and_allocate(step)

    def state(self) -> dict[str, Any]:
        """What an exact resume needs: running means of importance and the pattern of ranks that are left."""
        ranks = self._allocator
        return {
            "importance": ranks.exp_avg_ipt,
            "uncertainty": ranks.exp_avg_unc,
            "pattern": self._config.rank_pattern,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what `state` gave."""
        ranks = self._allocator
        device = next(self._adapted.parameters()).device
        ranks.exp_avg_ipt, ranks.exp_avg_unc = (
            {name: mean.to(device) for name, mean in state[what].items()}
            for what in ("importance", "uncertainty")
        )
        ranks.ipt = {name: torch.zeros_like(mean) for name, mean in ranks.exp_avg_ipt.items()}
        self._config.rank_pattern = state["pattern"]

    @property
    def _allocator(self) -> Any:
        return cast(Any, self._adapted.base_model).rankallocator
