"""From encoded examples to batches, bucketed by length under a budget of tokens.

The budget is global and the plan of an epoch depends on the seed alone: N workers take the same steps as one,
each reading its share of every batch.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from reviewmine.examples.encoded import EncodedExamples
from reviewmine.model.batching import padded, token_budget_batches

_BUCKET_BATCHES: Final = 40


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One worker's share of a step.

    `token_ids` and `attention_mask` are [B, T] int64; `labels` float32 and `labelled` bool by head, shaped as in
    EncodedExamples; `num_labels` counts, by head, the labels in the whole step over all workers.
    """

    token_ids: Tensor
    attention_mask: Tensor
    labels: dict[str, Tensor]
    labelled: dict[str, Tensor]
    num_labels: dict[str, int]
    num_tokens: int

    def to(self, device: torch.device) -> "Batch":
        """The same batch on `device`."""
        return Batch(
            token_ids=self.token_ids.to(device),
            attention_mask=self.attention_mask.to(device),
            labels={name: labels.to(device) for name, labels in self.labels.items()},
            labelled={name: labelled.to(device) for name, labelled in self.labelled.items()},
            num_labels=self.num_labels,
            num_tokens=self.num_tokens,
        )


def plan_batches(
    lengths: npt.NDArray[np.int64], *, budget_tokens: int, rng: np.random.Generator
) -> list[npt.NDArray[np.int64]]:
    """Batches of row numbers, every row once, of similar `lengths` [N] and at most `budget_tokens` when padded.

    Rows are shuffled, then sorted by length inside buckets of some forty batches, then batches are shuffled:
    little padding, and yet every epoch mixes differently.
    """
    order = rng.permutation(len(lengths))
    buckets = np.cumsum(lengths[order]) // (_BUCKET_BATCHES * budget_tokens)
    batches: list[npt.NDArray[np.int64]] = []
    for bucket in np.unique(buckets):
        rows = order[buckets == bucket]
        batches += [rows[batch] for batch in token_budget_batches(lengths[rows], budget_tokens=budget_tokens)]
    return [batches[number] for number in rng.permutation(len(batches))]


def epoch_rows(
    examples: EncodedExamples, *, title_drop: float, seed: int, epoch: int
) -> npt.NDArray[np.bool_]:
    """Which of the N examples are read without their title in this epoch."""
    return np.random.default_rng([seed, epoch, 1]).random(len(examples)) < title_drop


class EpochBatches:
    """The batches of one epoch for one worker: `len` is the same on every worker, and so is what each step holds."""

    def __init__(
        self,
        examples: EncodedExamples,
        *,
        budget_tokens: int,
        title_drop: float,
        seed: int,
        epoch: int,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        bare = epoch_rows(examples, title_drop=title_drop, seed=seed, epoch=epoch)
        self._examples = examples
        self._token_ids = [
            examples.without_title[row] if bare[row] else examples.with_title[row]
            for row in range(len(examples))
        ]
        lengths = np.array([len(ids) for ids in self._token_ids], dtype=np.int64)
        rng = np.random.default_rng([seed, epoch, 2])
        self._plan = plan_batches(lengths, budget_tokens=budget_tokens, rng=rng)
        self._rank, self._world_size = rank, world_size

    def __len__(self) -> int:
        return len(self._plan)

    def __iter__(self) -> Iterator[Batch]:
        return (self[step] for step in range(len(self)))

    def __getitem__(self, step: int) -> Batch:
        """This worker's share of step `step`; where a step has fewer rows than workers, an unlabelled row."""
        rows = self._plan[step]
        labels = {name: values[rows] for name, values in self._examples.labels.items()}
        num_labels = {name: int(np.count_nonzero(~np.isnan(values))) for name, values in labels.items()}
        share = slice(self._rank, None, self._world_size)
        if self._rank < len(rows):
            mine, my_labels = rows[share], {name: values[share] for name, values in labels.items()}
        else:
            mine, my_labels = (
                rows[:1],
                {name: np.full_like(values[:1], np.nan) for name, values in labels.items()},
            )
        return collate(
            [self._token_ids[row] for row in mine], my_labels, num_labels, pad_id=self._examples.pad_id
        )


def collate(
    token_ids: list[npt.NDArray[np.int32]],
    labels: Mapping[str, npt.NDArray[np.float32]],
    num_labels: Mapping[str, int],
    *,
    pad_id: int,
) -> Batch:
    """Pad B rows of token ids to one width and set their labels beside them."""
    filled, mask = padded(token_ids, pad_id)
    return Batch(
        token_ids=torch.from_numpy(filled),
        attention_mask=torch.from_numpy(mask),
        labels={name: torch.from_numpy(np.nan_to_num(values)) for name, values in labels.items()},
        labelled={name: torch.from_numpy(~np.isnan(values)) for name, values in labels.items()},
        num_labels=dict(num_labels),
        num_tokens=int(mask.sum()),
    )
