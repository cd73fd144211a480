"""Robustness: word embeddings pushed to where a review is hardest, and two dropouts that are to agree."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from reviewmine.errors import TrainingError
from reviewmine.model.network import OpinionNetwork
from reviewmine.train.collate import Batch


class Push:
    """What is added to the word embeddings [B, T, H] of a batch: first nothing, then the hardest step there is.

    The fast gradient method of Miyato, Dai and Goodfellow (ICLR 2017), per review: a review's step does not
    depend on what else is in its batch, so that workers and passes take the same one. It is added to what the
    embedding gives, not to its weights, so that it also works where those are frozen.
    """

    def __init__(self, length: float) -> None:
        self._length = length
        self._added: Tensor | None = None
        self._step: Tensor | None = None

    def __call__(self, module: nn.Module, given: object, embedded: Tensor) -> Tensor:
        """The forward hook."""
        if self._step is not None:
            return embedded + self._step
        self._added = torch.zeros_like(embedded, requires_grad=True)
        return embedded + self._added

    def turn(self) -> None:
        """Turn the gradient that the first pass left into the step that the second one adds."""
        if self._added is None or self._added.grad is None:
            raise TrainingError(
                "loop.adversarial: no gradient reaches the word embeddings; this backbone does not call them once"
            )
        gradient = self._added.grad
        norms = gradient.flatten(1).norm(dim=1).clamp(min=1e-12)
        self._step = self._length * gradient / norms[:, None, None]
        self._added = None


@contextmanager
def pushing(network: OpinionNetwork, length: float) -> Iterator[Push]:
    """A Push on the word embeddings of `network`, of `length` per review, for one batch."""
    push = Push(length)
    backbone: Any = network.backbone
    hooked = backbone.get_input_embeddings().register_forward_hook(push)
    try:
        yield push
    finally:
        hooked.remove()


def disagreement(network: OpinionNetwork, logits: Mapping[str, Tensor], batch: Batch) -> Tensor:
    """How much the halves of a batch that holds every row twice disagree, a mean over the labels of the whole step.

    R-Drop (Liang et al., NeurIPS 2021): half the symmetric Kullback-Leibler divergence between what each head holds
    for likely in one pass and in the other. What has no label is left out.
    """
    total = torch.zeros((), device=batch.token_ids.device)
    for name, both in logits.items():
        labelled = batch.labelled[name].chunk(2)[0]
        one, other = network.heads[name].log_shares(both).chunk(2)
        divergences = ((one.exp() - other.exp()) * (one - other)).sum(dim=-1) / 2
        if labelled.ndim > 1:  # tokens beyond the shorter of the two are padding
            width = min(labelled.shape[1], divergences.shape[1])
            labelled, divergences = labelled[:, :width], divergences[:, :width]
        total = total + (divergences * labelled).sum() / max(1, batch.num_labels[name] // 2)
    return total


def check_dropout(network: nn.Module) -> None:
    """Raise TrainingError if no dropout of `network` is on, without which two passes cannot disagree."""
    if not any(isinstance(module, nn.Dropout) and module.p > 0 for module in network.modules()):
        raise TrainingError(
            "loop.r_drop: no dropout is on, so two passes agree; set dropout = true or head_dropout"
        )
