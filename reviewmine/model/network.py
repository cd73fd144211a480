"""The one network: an encoder whose single pass feeds every head and the sentence vectors of the summary."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from reviewmine.errors import CheckpointError
from reviewmine.model.head_specs import OPINION_HEADS, HeadSpec, Pooling, pooling_of
from reviewmine.model.heads import HeadsByName, Objective, make_head


class NetworkOutput(NamedTuple):
    """What one pass over B reviews of at most T tokens gives: states [B, T, H], pooled [B, H], logits by head."""

    token_states: Tensor
    pooled: Tensor
    logits: dict[str, Tensor]


class OpinionNetwork(nn.Module):
    """An encoder of the Hugging Face kind (`last_hidden_state`) with heads on it.

    `pooling` is that of heads whose spec does not name another; `objectives` are for training alone.
    """

    def __init__(
        self,
        backbone: nn.Module,
        *,
        width: int,
        pooling: Pooling,
        heads: Mapping[str, HeadSpec] = OPINION_HEADS,
        objectives: Mapping[str, Objective] | None = None,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.pooling = pooling
        made = {name: make_head(spec, width, (objectives or {}).get(name)) for name, spec in heads.items()}
        try:
            self.heads = HeadsByName(made)
        except KeyError as taken:  # torch keeps some names to itself
            raise CheckpointError(f"heads: {taken.args[0]}; give the head another name") from None

    def forward(self, token_ids: Tensor, attention_mask: Tensor) -> NetworkOutput:
        """Token ids and mask, both [B, T] and whole numbers, to states, pooled state and logits."""
        if token_ids.ndim != 2 or token_ids.shape != attention_mask.shape:
            raise ValueError(
                f"token ids {tuple(token_ids.shape)} and attention mask {tuple(attention_mask.shape)}: "
                "expected the same shape [reviews, tokens]"
            )
        states = self.backbone(input_ids=token_ids, attention_mask=attention_mask).last_hidden_state
        pooled = {self.pooling: pool(states, attention_mask, self.pooling)}
        logits = {}
        for name, head in self.heads.items():
            if head.reads_tokens:
                read = states
            else:
                pooling = pooling_of(head.spec, self.pooling)
                if pooling not in pooled:
                    pooled[pooling] = pool(states, attention_mask, pooling)
                read = pooled[pooling]
            logits[name] = head(read.to(head.output.weight.dtype))
        return NetworkOutput(states, pooled[self.pooling], logits)


def pool(states: Tensor, attention_mask: Tensor, pooling: Pooling) -> Tensor:
    """One state [B, H] for the token states [B, T, H] of each review."""
    return states[:, 0] if pooling == "cls" else mean_of_tokens(states, attention_mask)


def mean_of_tokens(states: Tensor, attention_mask: Tensor) -> Tensor:
    """The mean [B, H] of the states [B, T, H] where the mask [B, T] is one, summed in float32."""
    mask = attention_mask.unsqueeze(-1)
    total = (states * mask).sum(dim=1, dtype=torch.float32)
    return (total / mask.sum(dim=1).clamp(min=1)).to(states.dtype)


def disable_dropout(network: nn.Module) -> None:
    """Turn every dropout of `network` off; on a CPU its random numbers cost a quarter of a training step."""
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
