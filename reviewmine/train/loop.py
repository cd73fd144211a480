"""The training loop: plain, the only one, and unaware of who runs it or how many others do.

Every worker runs the same steps over its share of each batch. A loss is divided by the number of labels in the
whole step and multiplied by the number of workers, so that the mean of gradients which DistributedDataParallel
takes is exactly the gradient that one worker would have computed.
"""

import itertools
import math
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from reviewmine.errors import TrainingError
from reviewmine.examples.encoded import EncodedExamples
from reviewmine.model.device import fast_dtype
from reviewmine.model.network import OpinionNetwork
from reviewmine.train.collate import Batch, EpochBatches
from reviewmine.train.optimizer import LoopSettings, make_optimizer, schedule
from reviewmine.train.reporter import Reporter
from reviewmine.train.resume import keep, restore


def fit(
    network: OpinionNetwork,
    examples: EncodedExamples,
    settings: LoopSettings,
    reporter: Reporter,
    *,
    seed: int,
    title_drop: float,
    scratch: Path,
    parallel: nn.Module | None = None,
    validate: Callable[[], Mapping[str, float]] = dict,
    resume_from: Path | None = None,
) -> None:
    """Train what is trainable in `network`, in place.

    `parallel` is `network` wrapped by the caller (DistributedDataParallel); without it the network is called
    bare. `validate` is called at the end of each epoch, on every worker. `resume_from` is a directory that an
    earlier run of the same settings reported: its optimizer, step and weights are taken up again.
    Raises TrainingError, naming the step, if a loss is not finite.
    """
    steps = _StepPlan(examples, settings, reporter, seed=seed, title_drop=title_drop)
    device = next(network.parameters()).device
    optimizer = make_optimizer(network, settings)
    first_step = restore(network, optimizer, resume_from) if resume_from else 0
    network.train()
    meter = _Meter(reporter.world_size)
    for step, epoch, batch in steps.after(first_step):
        for group in optimizer.param_groups:
            group["lr"] = group["peak_lr"] * schedule(step / steps.total, settings.warmup_share)
        losses = take_step(
            parallel or network, network, batch.to(device), optimizer, settings, reporter.world_size
        )
        if not all(math.isfinite(loss) for loss in losses.values()):
            raise TrainingError(
                f"step {step} (epoch {epoch}): loss is {losses}; lower loop.learning_rate, now {settings.learning_rate}"
            )
        meter.add(losses, batch)
        ends_epoch = step + 1 in steps.epoch_ends
        if ends_epoch or (step + 1) % settings.report_steps == 0:
            metrics = {
                "step": step + 1,
                "steps": steps.total,
                "epoch": epoch,
                **meter.read(step + 1, steps.total),
            }
            if ends_epoch:
                metrics |= validate()
                network.train()
            directory = scratch / f"step-{step + 1:06d}"
            if reporter.rank == 0:
                keep(network, optimizer, step + 1, directory)
            reporter.report(metrics, directory if reporter.rank == 0 else None)


def take_step(
    forward: nn.Module,
    network: OpinionNetwork,
    batch: Batch,
    optimizer: torch.optim.Optimizer,
    settings: LoopSettings,
    world_size: int = 1,
) -> dict[str, float]:
    """One optimizer step on one batch; returns this worker's share of each head's mean loss."""
    device = batch.token_ids.device
    with torch.autocast(device.type, torch.bfloat16, enabled=fast_dtype(device) == torch.bfloat16):
        logits = forward(batch.token_ids, batch.attention_mask).logits
    losses = head_losses(network, logits, batch)
    loss = torch.stack([network.heads[name].objective.weight * one for name, one in losses.items()]).sum()
    optimizer.zero_grad(set_to_none=True)
    (loss * world_size).backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_([p for p in network.parameters() if p.requires_grad], settings.clip_norm)
    optimizer.step()
    return {name: float(value.detach()) for name, value in losses.items()}


def head_losses(network: OpinionNetwork, logits: Mapping[str, Tensor], batch: Batch) -> dict[str, Tensor]:
    """Each head's loss over this worker's rows, divided by the number of its labels in the whole step."""
    return {
        name: head.loss(logits[name], batch.labels[name], batch.labelled[name])
        / max(1, batch.num_labels[name])
        for name, head in network.heads.items()
    }


class _StepPlan:
    """All steps of all epochs, counted before the first is taken, so that any can be resumed from."""

    def __init__(
        self,
        examples: EncodedExamples,
        settings: LoopSettings,
        reporter: Reporter,
        *,
        seed: int,
        title_drop: float,
    ) -> None:
        self._epochs = [
            EpochBatches(
                examples,
                budget_tokens=settings.budget_tokens,
                title_drop=title_drop,
                seed=seed,
                epoch=epoch,
                rank=reporter.rank,
                world_size=reporter.world_size,
            )
            for epoch in range(settings.epochs)
        ]
        self.epoch_ends = set(itertools.accumulate(len(batches) for batches in self._epochs))
        self.total = sum(len(batches) for batches in self._epochs)

    def after(self, first_step: int) -> Iterator[tuple[int, int, Batch]]:
        """(step, epoch, batch) from step `first_step` on, both counted from 0."""
        everything = (
            (epoch, batches, i) for epoch, batches in enumerate(self._epochs) for i in range(len(batches))
        )
        for step, (epoch, batches, i) in enumerate(everything):
            if step >= first_step:
                yield step, epoch, batches[i]


class _Meter:
    """Mean losses, tokens per second and the time left, since the last reading.

    One worker speaks for all: its loss is that of its own rows, its tokens are counted as often as there are workers,
    which overstates them by the little that the first share of a step is longer than the others.
    """

    def __init__(self, world_size: int) -> None:
        self._world_size = world_size
        self._reset()

    def add(self, losses: Mapping[str, float], batch: Batch) -> None:
        self._steps += 1
        self._tokens += batch.num_tokens * self._world_size
        for name, loss in losses.items():
            self._loss_sums[name] += loss * batch.num_labels[name]
            self._num_labels[name] += int(batch.labelled[name].sum())

    def read(self, step: int, total: int) -> dict[str, float]:
        seconds = time.monotonic() - self._since
        means = {
            f"{name}_loss": total_loss / max(1, self._num_labels[name])
            for name, total_loss in self._loss_sums.items()
        }
        rates = {"tokens_per_s": self._tokens / seconds, "left_s": (total - step) * seconds / self._steps}
        self._reset()
        return {**means, **rates}

    def _reset(self) -> None:
        self._loss_sums: defaultdict[str, float] = defaultdict(float)
        self._num_labels: Counter[str] = Counter()
        self._steps, self._tokens, self._since = 0, 0, time.monotonic()
