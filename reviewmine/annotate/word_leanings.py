"""Word leanings: what the polarity head says of single tokens, read alone, each once in the life of an annotator."""

from functools import cached_property
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reviewmine.model.checkpoint import Checkpoint

_TOKENS_AT_ONCE: Final = 64
_DECIMALS: Final = 3


class WordLeanings:
    """The leanings of the tokens of one checkpoint's vocabulary, from -1 (negative) to 1 (positive).

    A head that learnt from more complaints than an archive has takes every short text for one, `to` and `be` among
    them. So a token leans as the head says of it, or as it says beyond what it says of no token at all, whichever is
    less, and nowhere where these two differ in direction.

    A vocabulary costs as much as some hundreds of reviews if all of it is met, and nothing from then on.
    """

    def __init__(self, checkpoint: Checkpoint, device: torch.device) -> None:
        self._network = checkpoint.network
        self._device = device
        (alone,) = checkpoint.encoder.encode([None], ["a"])
        first, last = alone.sentence_tokens[0] if alone.sentence_tokens else (0, len(alone.token_ids))
        self._before, self._behind = alone.token_ids[:first], alone.token_ids[last:]
        self._leanings = np.empty(0, np.float32)

    def of(self, token_ids: NDArray[np.integer]) -> NDArray[np.float32]:
        """The leaning of each token [T]; one that the network makes no number of leans nowhere."""
        distinct = np.unique(token_ids)
        if len(distinct) and distinct[-1] >= len(self._leanings):
            missing = int(distinct[-1]) + 1 - len(self._leanings)
            self._leanings = np.concatenate([self._leanings, np.full(missing, np.nan, np.float32)])
        unread = distinct[np.isnan(self._leanings[distinct])]
        for start in range(0, len(unread), _TOKENS_AT_ONCE):
            tokens = unread[start : start + _TOKENS_AT_ONCE]
            self._leanings[tokens] = self._read(np.resize(tokens, _TOKENS_AT_ONCE))[: len(tokens)]
        leanings: NDArray[np.float32] = self._leanings[token_ids]
        return leanings

    @torch.inference_mode()
    def _read(self, tokens: NDArray[np.integer]) -> NDArray[np.float32]:
        """The leanings of tokens [N], each read between the special tokens of a review.

        They are not calibrated: calibration is for the shares of polarities among whole reviews. They are rounded, and
        read in batches of one shape, so that they do not depend on which reviews an actor met first.
        """
        logits = self._logits([[*self._before, token, *self._behind] for token in tokens.tolist()])
        said, beyond = _directions(logits), _directions(logits - self._tilt)
        agreed = torch.where(said * beyond > 0, said.sign() * torch.minimum(said.abs(), beyond.abs()), 0)
        leanings: NDArray[np.float32] = agreed.nan_to_num().numpy().round(_DECIMALS)
        return leanings

    @cached_property
    def _tilt(self) -> Tensor:
        """By how much no token at all makes negative and positive likelier, in logits [3]; neutral stays."""
        if not (self._before or self._behind):  # a network cannot read nothing
            return torch.zeros(3)
        nothing = self._logits([[*self._before, *self._behind]])[0]
        half = (nothing[-1] - nothing[0]) / 2
        return torch.stack([-half, torch.zeros_like(half), half])

    def _logits(self, rows: list[list[int]]) -> Tensor:
        token_ids = torch.tensor(rows, device=self._device)
        logits: Tensor = self._network(token_ids, torch.ones_like(token_ids)).logits["polarity"]
        return logits.float().cpu()


def _directions(logits: Tensor) -> Tensor:
    """The probability of positive less that of negative [N] of logits [N, 3]."""
    probabilities = torch.softmax(logits, dim=-1)
    return probabilities[:, -1] - probabilities[:, 0]
