"""From encoded examples to batches, bucketed by length under a budget of tokens.

The budget is global and the plan of an epoch depends on the seed alone: N workers take the same steps as one,
each reading its share of every batch, in as many passes as every other worker.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from reviewmine.examples.encoded import EncodedExamples
from reviewmine.model.batching import TRAINING_ROUND_TO, padded, token_budget_batches

_BUCKET_BATCHES: Final = 40


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What one worker reads in one pass, a part of its share of a step.

    `token_ids` and `attention_mask` are [B, T] int64; `labels` float32 and `labelled` bool by head, shaped as in
    EncodedExamples; `rows` [B] are numbers of examples; `num_labels` counts, by head, the labels in the whole step over
    all workers.
    """

    token_ids: Tensor
    attention_mask: Tensor
    labels: dict[str, Tensor]
    labelled: dict[str, Tensor]
    rows: npt.NDArray[np.int64]
    num_labels: dict[str, int]
    num_tokens: int

    def to(self, device: torch.device) -> "Batch":
        """The same batch on `device`, which need not have received it yet."""
        return replace(
            self,
            token_ids=self.token_ids.to(device, non_blocking=True),
            attention_mask=self.attention_mask.to(device, non_blocking=True),
            labels={name: labels.to(device, non_blocking=True) for name, labels in self.labels.items()},
            labelled={name: mask.to(device, non_blocking=True) for name, mask in self.labelled.items()},
        )

    def twice(self) -> "Batch":
        """Every row two times, the second copies behind the first, and as many labels."""
        return replace(
            self,
            token_ids=self.token_ids.repeat(2, 1),
            attention_mask=self.attention_mask.repeat(2, 1),
            labels={name: torch.cat([labels, labels]) for name, labels in self.labels.items()},
            labelled={name: torch.cat([mask, mask]) for name, mask in self.labelled.items()},
            rows=np.tile(self.rows, 2),
            num_labels={name: 2 * count for name, count in self.num_labels.items()},
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
        planned = token_budget_batches(lengths[rows], budget_tokens=budget_tokens, round_to=TRAINING_ROUND_TO)
        batches += [rows[batch] for batch in planned]
    return [batches[number] for number in rng.permutation(len(batches))]


def epoch_rows(
    examples: EncodedExamples, *, title_drop: float, seed: int, epoch: int
) -> npt.NDArray[np.bool_]:
    """Which of the N examples are read without their title in this epoch."""
    return np.random.default_rng([seed, epoch, 1]).random(len(examples)) < title_drop


class EpochBatches:
    """The steps of one epoch for one worker: `len` is the same on every worker, and so is what each step holds."""

    def __init__(
        self,
        examples: EncodedExamples,
        *,
        budget_tokens: int,
        title_drop: float,
        seed: int,
        epoch: int,
        micro_tokens: int | None = None,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        bare = epoch_rows(examples, title_drop=title_drop, seed=seed, epoch=epoch)
        self._examples = examples
        self._token_ids = [
            examples.without_title[row] if bare[row] else examples.with_title[row]
            for row in range(len(examples))
        ]
        self._lengths = np.array([len(ids) for ids in self._token_ids], dtype=np.int64)
        rng = np.random.default_rng([seed, epoch, 2])
        self._plan = plan_batches(self._lengths, budget_tokens=budget_tokens, rng=rng)
        self._micro_tokens = micro_tokens or budget_tokens
        self._rank, self._world_size = rank, world_size

    def __len__(self) -> int:
        return len(self._plan)

    def __iter__(self) -> Iterator[list[Batch]]:
        return (self[step] for step in range(len(self)))

    def __getitem__(self, step: int) -> list[Batch]:
        """This worker's share of step `step`, in as many passes as the other workers make of theirs."""
        rows = self._plan[step]
        num_labels = {
            name: int(np.count_nonzero(~np.isnan(values[rows])))
            for name, values in self._examples.labels.items()
        }
        passes = token_budget_batches(
            self._lengths[rows],
            budget_tokens=self._micro_tokens,
            round_to=TRAINING_ROUND_TO,
            num_shares=self._world_size,
        )
        return [self._share(rows[one], num_labels) for one in passes]

    def _share(self, rows: npt.NDArray[np.int64], num_labels: Mapping[str, int]) -> Batch:
        """What this worker reads of the `rows` of one pass; where they are fewer than workers, an unlabelled row."""
        mine = rows[self._rank :: self._world_size]
        labels = {name: values[mine] for name, values in self._examples.labels.items()}
        if not len(mine):
            mine, labels = (
                rows[:1],
                {name: np.full_like(values[:1], np.nan) for name, values in self._examples.labels.items()},
            )
        filled, mask = padded(
            [self._token_ids[row] for row in mine], self._examples.pad_id, TRAINING_ROUND_TO
        )
        return Batch(
            token_ids=torch.from_numpy(filled),
            attention_mask=torch.from_numpy(mask),
            labels={name: torch.from_numpy(np.nan_to_num(values)) for name, values in labels.items()},
            labelled={name: torch.from_numpy(~np.isnan(values)) for name, values in labels.items()},
            rows=mine,
            num_labels=dict(num_labels),
            num_tokens=int(mask.sum()),
        )
