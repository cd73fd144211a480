"""The one network: an encoder whose single pass feeds every head and the sentence vectors of the summary."""

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from reviewmine.model.heads import IntensityHead, PolarityHead


class NetworkOutput(NamedTuple):
    """What one pass over B reviews of at most T tokens gives: states [B, T, H], pooled [B, H], logits by head."""

    token_states: Tensor
    pooled: Tensor
    logits: dict[str, Tensor]


class OpinionNetwork(nn.Module):
    """An encoder of the Hugging Face kind (`last_hidden_state`) with a polarity and an intensity head on it."""

    def __init__(
        self,
        backbone: nn.Module,
        *,
        width: int,
        pooling: Literal["mean", "cls"],
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.pooling = pooling
        self.polarity = PolarityHead(width, label_smoothing=label_smoothing)
        self.intensity = IntensityHead(width)

    @property
    def heads(self) -> dict[str, PolarityHead | IntensityHead]:
        """The heads by name; the names are those of their logits and of the labels."""
        return {"polarity": self.polarity, "intensity": self.intensity}

    def forward(self, token_ids: Tensor, attention_mask: Tensor) -> NetworkOutput:
        """Token ids and mask, both [B, T] and whole numbers, to states, pooled state and logits."""
        if token_ids.ndim != 2 or token_ids.shape != attention_mask.shape:
            raise ValueError(
                f"token ids {tuple(token_ids.shape)} and attention mask {tuple(attention_mask.shape)}: "
                "expected the same shape [reviews, tokens]"
            )
        states = self.backbone(input_ids=token_ids, attention_mask=attention_mask).last_hidden_state
        pooled = states[:, 0] if self.pooling == "cls" else mean_of_tokens(states, attention_mask)
        logits = {name: head(pooled.to(head.output.weight.dtype)) for name, head in self.heads.items()}
        return NetworkOutput(states, pooled, logits)


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
