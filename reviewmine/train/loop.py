"""The training loop: plain, the only one, and unaware of who runs it or how many others do.

Every worker runs the same steps over its share of each batch. A loss is divided by the number of labels in the
whole step and multiplied by the number of workers, so that the mean of gradients which DistributedDataParallel
takes is exactly the gradient that one worker would have computed.
"""

import itertools
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, Protocol

import torch
from pydantic import Field
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from reviewmine.config import RunModel
from reviewmine.errors import TrainingError
from reviewmine.model.device import fast_dtype
from reviewmine.model.network import OpinionNetwork
from reviewmine.train.collate import Batch, EncodedExamples, EpochBatches

WEIGHTS_FILE: Final = "trained.safetensors"
OPTIMIZER_FILE: Final = "optimizer.pt"
PROGRESS_FILE: Final = "progress.json"


class LoopSettings(RunModel):
    """How a network is trained; one step reads at most `budget_tokens`, padding included, over all workers."""

    epochs: int = Field(default=2, ge=1)
    budget_tokens: int = Field(default=2048, ge=64)
    learning_rate: float = Field(default=8e-4, gt=0)
    head_learning_rate: float = Field(default=2e-3, gt=0)
    weight_decay: float = Field(default=0.01, ge=0)
    warmup_share: float = Field(default=0.06, ge=0, lt=1)
    clip_norm: float = Field(default=1.0, gt=0)
    intensity_weight: float = Field(default=0.5, ge=0)
    report_steps: int = Field(default=200, ge=1)
    """Steps between two reports, each with a checkpoint from which the loop resumes."""


class Reporter(Protocol):
    """Who listens to the loop, and which worker of how many this one is.

    `report` is called equally often on every worker; only worker 0 brings a directory, which is the listener's
    to copy before it returns.
    """

    rank: int
    world_size: int

    def report(self, metrics: Mapping[str, float], checkpoint: Path | None) -> None: ...


class AloneReporter:
    """The reporter of a run with one worker: one line per report; checkpoints stay where they were written."""

    rank = 0
    world_size = 1

    def __init__(self, say: Callable[[str], None] = print) -> None:
        self._say = say
        self.checkpoint: Path | None = None

    def report(self, metrics: Mapping[str, float], checkpoint: Path | None) -> None:
        """Say the metrics and remember the checkpoint as the latest."""
        self._say("  ".join(f"{name} {value:.4g}" for name, value in metrics.items()))
        self.checkpoint = checkpoint


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
    meter = _Meter()
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
        meter.add(losses, batch.num_tokens)
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
    loss = losses["polarity"] + settings.intensity_weight * losses["intensity"]
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


def make_optimizer(network: OpinionNetwork, settings: LoopSettings) -> torch.optim.AdamW:
    """AdamW over what is trainable: heads at their own rate, no decay on biases and norms."""
    heads = {id(parameter) for head in network.heads.values() for parameter in head.parameters()}
    groups = []
    trainable = [parameter for parameter in network.parameters() if parameter.requires_grad]
    for in_head, decayed in itertools.product((False, True), (False, True)):
        members = [p for p in trainable if (id(p) in heads) == in_head and (p.ndim > 1) == decayed]
        rate = settings.head_learning_rate if in_head else settings.learning_rate
        decay = settings.weight_decay if decayed else 0.0
        if members:
            groups.append({"params": members, "lr": rate, "peak_lr": rate, "weight_decay": decay})
    return torch.optim.AdamW(groups, fused=next(network.parameters()).is_cuda)


def schedule(progress: float, warmup_share: float) -> float:
    """The share of the peak learning rate at `progress` in [0, 1): a straight rise, then a straight fall to zero."""
    if progress < warmup_share:
        return (progress + 1e-3) / (warmup_share + 1e-3)
    return (1 - progress) / (1 - warmup_share)


def keep(network: OpinionNetwork, optimizer: torch.optim.Optimizer, step: int, directory: Path) -> None:
    """Write what `restore` needs: trained tensors, optimizer, and the number of steps taken."""
    directory.mkdir(parents=True, exist_ok=True)
    save_file({name: p.detach().cpu().contiguous() for name, p in trained(network)}, directory / WEIGHTS_FILE)
    torch.save(optimizer.state_dict(), directory / OPTIMIZER_FILE)
    (directory / PROGRESS_FILE).write_text(json.dumps({"step": step}), encoding="utf-8")


def restore(network: OpinionNetwork, optimizer: torch.optim.Optimizer, directory: Path) -> int:
    """Load what `keep` wrote in `directory`; returns the number of steps taken when it was written."""
    load_trained(network, directory)
    optimizer.load_state_dict(torch.load(directory / OPTIMIZER_FILE, weights_only=True))
    step: int = json.loads((directory / PROGRESS_FILE).read_text(encoding="utf-8"))["step"]
    return step


def load_trained(network: OpinionNetwork, directory: Path) -> None:
    """Load the trained tensors that `keep` wrote in `directory` into `network`."""
    kept = load_file(directory / WEIGHTS_FILE)
    parameters = dict(trained(network))
    if kept.keys() != parameters.keys():
        raise TrainingError(
            f"{directory}: {len(kept)} trained tensors, expected {len(parameters)}; another run file"
        )
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(kept[name])


def trained(network: OpinionNetwork) -> Iterator[tuple[str, nn.Parameter]]:
    """The parameters that training changes, by name."""
    return ((name, p) for name, p in network.named_parameters() if p.requires_grad)


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
    """Mean losses, tokens per second and the time left, since the last reading."""

    def __init__(self) -> None:
        self._reset()

    def add(self, losses: Mapping[str, float], num_tokens: int) -> None:
        self._steps += 1
        self._tokens += num_tokens
        for name, loss in losses.items():
            self._losses[name] = self._losses.get(name, 0.0) + loss

    def read(self, step: int, total: int) -> dict[str, float]:
        seconds = time.monotonic() - self._since
        means = {f"{name}_loss": loss / self._steps for name, loss in self._losses.items()}
        rates = {"tokens_per_s": self._tokens / seconds, "left_s": (total - step) * seconds / self._steps}
        self._reset()
        return {**means, **rates}

    def _reset(self) -> None:
        self._losses: dict[str, float] = {}
        self._steps, self._tokens, self._since = 0, 0, time.monotonic()
