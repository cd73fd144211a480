"""Word leanings: what the polarity head says of single tokens, read alone, each once in the life of an annotator."""

import numpy as np
import torch
from numpy.typing import NDArray

from reviewmine.model.checkpoint import Checkpoint


class WordLeanings:
    """The leanings of the tokens of one checkpoint's vocabulary, from -1 (negative) to 1 (positive).

    A vocabulary costs as much as some hundreds of reviews if all of it is met, and nothing from then on.
    """

    def __init__(self, checkpoint: Checkpoint, device: torch.device, *, tokens_per_batch: int) -> None:
        self._network = checkpoint.network
        self._device = device
        (alone,) = checkpoint.encoder.encode([None], ["a"])
        first, last = alone.sentence_tokens[0]
        self._before, self._behind = alone.token_ids[:first], alone.token_ids[last:]
        width = len(self._before) + 1 + len(self._behind)
        self._tokens_at_once = max(1, tokens_per_batch // width)
        self._leanings = np.empty(0, np.float32)

    def of(self, token_ids: NDArray[np.integer]) -> NDArray[np.float32]:
        """The leaning of each token [T]; one that the network makes no number of leans nowhere."""
        distinct = np.unique(token_ids)
        if len(distinct) and distinct[-1] >= len(self._leanings):
            missing = int(distinct[-1]) + 1 - len(self._leanings)
            self._leanings = np.concatenate([self._leanings, np.full(missing, np.nan, np.float32)])
        unread = distinct[np.isnan(self._leanings[distinct])]
        for start in range(0, len(unread), self._tokens_at_once):
            tokens = unread[start : start + self._tokens_at_once]
            self._leanings[tokens] = self._read(tokens)
        leanings: NDArray[np.float32] = self._leanings[token_ids]
        return leanings

    @torch.inference_mode()
    def _read(self, tokens: NDArray[np.integer]) -> NDArray[np.float32]:
        """The leanings of tokens [N], each read between the special tokens of a review.

        They are not calibrated: calibration is for the shares of polarities among whole reviews.
        """
        rows = [[*self._before, token, *self._behind] for token in tokens.tolist()]
        token_ids = torch.tensor(rows, device=self._device)
        logits = self._network(token_ids, torch.ones_like(token_ids)).logits["polarity"]
        probabilities = torch.softmax(logits.float(), dim=-1)
        leanings = (probabilities[:, -1] - probabilities[:, 0]).nan_to_num()
        return leanings.cpu().numpy().astype(np.float32)
