"""The training loop: plain, the only one, and unaware of who runs it or how many others do.

Every worker runs the same steps over its share of each batch, validates at the same steps, and decides by the
same figures. What a step draws at random follows from seed, step and worker, so a run can be cut anywhere.
"""

import itertools
import math
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from reviewmine.errors import Diverged, TrainingError
from reviewmine.examples.encoded import EncodedExamples
from reviewmine.model.allocation import Allocation
from reviewmine.model.network import OpinionNetwork
from reviewmine.model.tuning_spec import AllocatedAdapter
from reviewmine.train.averaging import AveragedWeights
from reviewmine.train.collate import Batch, EpochBatches
from reviewmine.train.meter import Meter, flop_per_token
from reviewmine.train.optimizer import make_optimizer, parameter_groups, set_rates
from reviewmine.train.parallel import as_worker_0_says, cut_up_again, gathered
from reviewmine.train.reporter import Reporter
from reviewmine.train.resume import Learner, Progress, keep, restore
from reviewmine.train.robust import check_dropout
from reviewmine.train.settings import LoopSettings
from reviewmine.train.step import Taken, seed_step, take_step


def fit(
    network: OpinionNetwork,
    examples: EncodedExamples,
    settings: LoopSettings,
    reporter: Reporter,
    *,
    seed: int,
    title_drop: float,
    scratch: Path,
    forward: nn.Module | None = None,
    validate: Callable[[], Mapping[str, float]] = dict,
    resume_from: Path | None = None,
    rate_factors: Mapping[str, float] | None = None,
    allocated: AllocatedAdapter | None = None,
    peak_gflops: float | None = None,
) -> None:
    """Train what is trainable in `network`, in place.

    `forward` is what `parallel.placed` made of `network`; without it the network is called bare. `validate` is
    called at the end of each epoch, on every worker. `resume_from` is a directory that an earlier run of the same
    settings reported. `rate_factors` multiplies learning rates by the name of a parameter; `allocated` is the
    adapter of the backbone if its ranks are to be cut on the way; `peak_gflops` is what one worker's device can do.
    Raises Diverged if a gradient is not finite, TrainingError if memory runs out.
    """
    if settings.r_drop:
        check_dropout(network)
    steps = _StepPlan(examples, settings, reporter, seed=seed, title_drop=title_drop)
    optimizer = make_optimizer(parameter_groups(network, settings, rate_factors or {}), settings)
    averaged = AveragedWeights(network, settings, steps.total) if settings.average != "none" else None
    allocation = Allocation(network.backbone, allocated, steps.total) if allocated else None
    learner = Learner(network=network, optimizer=optimizer, averaged=averaged, allocation=allocation)
    progress = Progress(num_steps=steps.total)
    if resume_from is not None:
        progress = restore(learner, resume_from, num_steps=steps.total)
    shelf = _Shelf(scratch, reporter, resume_from if progress.best_step is not None else None)
    meter = Meter(reporter.world_size, flop_per_token=flop_per_token(network), peak_gflops=peak_gflops)
    watch = _Watch(settings)
    network.train()
    for step, epoch, passes in steps.after(progress.step):
        if _is_over(progress, settings):
            return
        set_rates(optimizer, step, steps.total, settings)
        seed_step(seed, step, reporter.rank)
        taken = take_step(
            network if forward is None else forward,
            network,
            passes,
            optimizer,
            settings,
            reporter.world_size,
            allocation,
        )
        if allocation is not None:
            allocation.after_step(step)
        watch.look(step, epoch, taken)
        if averaged is not None:
            averaged.add(step)
        meter.add(taken.losses, passes)
        progress = replace(progress, step=step + 1)
        due = steps.due(step + 1, settings)
        if not due.figures:
            continue
        watch.look()
        metrics = {"step": step + 1, "steps": steps.total, "epoch": epoch, "gradient_norm": float(taken.norm)}
        metrics |= meter.read(steps.total - step - 1)
        if due.validation:
            with averaged.in_place() if averaged else nullcontext():
                figures = as_worker_0_says(dict(validate()))
                cut_up_again(network)
            network.train()
            metrics |= figures
            progress = _judged(progress, figures, settings)
            if progress.best is not None:
                metrics["best"] = progress.best
        if due.checkpoint:
            shelf.report(metrics, learner, progress)
        else:
            reporter.note(metrics)
        meter.restart()


def _judged(progress: Progress, figures: Mapping[str, float], settings: LoopSettings) -> Progress:
    """The progress after a validation that gave `figures`."""
    metric = settings.best_metric
    if metric is None:
        return progress
    if metric not in figures:
        raise TrainingError(
            f"loop.best_metric: validation gives no {metric!r}; expected one of {', '.join(figures) or 'none'}"
        )
    value = figures[metric]
    is_better = math.isfinite(value) and (
        progress.best is None or settings.is_better(value, than=progress.best)
    )
    return progress.validated(value, is_better)


def _is_over(progress: Progress, settings: LoopSettings) -> bool:
    return settings.patience is not None and progress.num_worse >= settings.patience


@dataclass(frozen=True)
class _Due:
    """What is due after a step."""

    figures: bool
    checkpoint: bool
    validation: bool


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
        halves = 2 if settings.r_drop else 1
        self._epochs = [
            EpochBatches(
                examples,
                budget_tokens=settings.budget_tokens,
                micro_tokens=settings.micro_tokens and max(1, settings.micro_tokens // halves),
                title_drop=title_drop,
                seed=seed,
                epoch=epoch,
                rank=reporter.rank,
                world_size=reporter.world_size,
            )
            for epoch in range(settings.epochs)
        ]
        self._epoch_ends = set(itertools.accumulate(len(batches) for batches in self._epochs))
        self.total = sum(len(batches) for batches in self._epochs)

    def after(self, first_step: int) -> Iterator[tuple[int, int, list[Batch]]]:
        """(step, epoch, passes) from step `first_step` on, both counted from 0."""
        everything = (
            (epoch, batches, i) for epoch, batches in enumerate(self._epochs) for i in range(len(batches))
        )
        for step, (epoch, batches, i) in enumerate(everything):
            if step >= first_step:
                yield step, epoch, batches[i]

    def due(self, num_taken: int, settings: LoopSettings) -> _Due:
        """What is due when so many steps are taken."""
        validation = num_taken in self._epoch_ends or (
            settings.validate_steps is not None and num_taken % settings.validate_steps == 0
        )
        checkpoint = validation or num_taken % settings.checkpoint_steps == 0
        return _Due(checkpoint or num_taken % settings.report_steps == 0, checkpoint, validation)


class _Watch:
    """Stops a run whose gradient is not finite; looks one step behind, so that no device waits for the other."""

    def __init__(self, settings: LoopSettings) -> None:
        self._settings = settings
        self._last: tuple[int, int, Taken] | None = None

    def look(self, step: int = 0, epoch: int = 0, taken: Taken | None = None) -> None:
        """Look at the step before, and remember this one.

        Raises Diverged with step, epoch and examples; on every worker at once, since the norm is that of all.
        """
        before, self._last = self._last, (step, epoch, taken) if taken else None
        if before is None or math.isfinite(float(before[2].norm)):
            return
        step, epoch, taken = before
        mine = zip(taken.rows, taken.is_finite.tolist(), strict=True)
        rows = gathered(taken.rows)
        to_blame = gathered([row for row, is_finite in mine if not is_finite])
        losses = ", ".join(f"{name} {float(loss):.4g}" for name, loss in taken.losses.items())
        blamed = (
            f"all {len(rows)} examples of the batch have"
            if len(to_blame) == len(rows)
            else f"of the {len(rows)} examples of the batch, rows {', '.join(map(str, to_blame)) or 'none'} have"
        )
        raise Diverged(
            f"step {step} (epoch {epoch}): the gradient is not finite, losses are {losses}; {blamed} logits that "
            f"are not finite; lower loop.learning_rate, now {self._settings.learning_rate:g}, or look at the "
            f"examples; rows of the batch: {', '.join(map(str, rows))}",
            rows=to_blame or rows,
        )


class _Shelf:
    """The directories that are reported from, in `scratch`: the latest, and the best weights in it."""

    def __init__(self, scratch: Path, reporter: Reporter, best: Path | None) -> None:
        self._scratch, self._reporter, self._best = scratch, reporter, best
        self._latest: Path | None = None

    def report(self, metrics: Mapping[str, float], learner: Learner, progress: Progress) -> None:
        writes = self._reporter.rank == 0
        directory = self._scratch / f"step-{progress.step:06d}"
        keep(learner, progress, directory, best_from=self._best, writes=writes)
        self._reporter.report(metrics, directory if writes else None)
        if writes and self._latest is not None:
            shutil.rmtree(self._latest)
        self._latest = directory
        self._best = directory if progress.best_step is not None else None
