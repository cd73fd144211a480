"""Word leanings: what the polarity head says of single tokens, read alone, each once in the life of an annotator."""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from reviewmine.model.checkpoint import Checkpoint

_TOKENS_AT_ONCE: Final = 64
_DECIMALS: Final = 3


class WordLeanings:
    """The leanings of the tokens of one checkpoint's vocabulary, from -1 (negative) to 1 (positive).

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
        rows = [[*self._before, token, *self._behind] for token in tokens.tolist()]
        token_ids = torch.tensor(rows, device=self._device)
        logits = self._network(token_ids, torch.ones_like(token_ids)).logits["polarity"]
        probabilities = torch.softmax(logits.float(), dim=-1)
        leanings = (probabilities[:, -1] - probabilities[:, 0]).nan_to_num()
        return leanings.cpu().numpy().astype(np.float32).round(_DECIMALS)
