"""One step: the gradient of a whole batch, gathered in passes that fit, and what the optimizer makes of it."""

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from reviewmine.errors import TrainingError
from reviewmine.model.allocation import Allocation
from reviewmine.model.device import fast_dtype
from reviewmine.model.network import OpinionNetwork
from reviewmine.train.collate import Batch
from reviewmine.train.parallel import trained, whole
from reviewmine.train.robust import disagreement, pushing
from reviewmine.train.settings import LoopSettings


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What a step came to: this worker's share of each head's mean loss, the norm of the gradient over all workers.

    `rows` [B] are the numbers of the examples that this worker read, `is_finite` [B] whether their logits are.
    Nothing here has been waited for yet.
    """

    losses: dict[str, Tensor]
    norm: Tensor
    rows: list[int]
    is_finite: Tensor


def seed_step(seed: int, step: int, rank: int) -> None:
    """Draw everything random in a step from the run's seed, the step and the worker, not from what came before.

    So a run that is resumed at any step goes on with the same dropout as one that was not disturbed, and no state
    of a generator has to be kept.
    """
    drawn = np.random.SeedSequence([seed, step, rank]).generate_state(1)[0]
    torch.manual_seed(int(drawn))
    np.random.seed(drawn)
    random.seed(int(drawn))


def take_step(
    forward: nn.Module,
    network: OpinionNetwork,
    passes: Sequence[Batch],
    optimizer: torch.optim.Optimizer,
    settings: LoopSettings,
    world_size: int = 1,
    allocation: Allocation | None = None,
) -> Taken:
    """One optimizer step on this worker's share of a batch, in one pass or several."""
    optimizer.zero_grad(set_to_none=True)
    device = next(network.parameters()).device
    losses: dict[str, Tensor] = {}
    finite: list[Tensor] = []
    for number, batch in enumerate(passes):
        try:
            found, logits = _gradient(
                forward, network, batch.to(device), settings, world_size, last=number + 1 == len(passes)
            )
        except (torch.OutOfMemoryError, RuntimeError) as refused:
            if not _is_out_of_memory(refused):
                raise
            raise TrainingError(_what_to_lower(batch, device, settings, world_size)) from None
        losses = {name: losses[name] + loss if losses else loss for name, loss in found.items()}
        finite.append(_finite_rows(logits, len(batch.rows)))
    if allocation is not None:
        allocation.add_penalty()
    parameters = [parameter for _, parameter in trained(network)]
    norm = whole(nn.utils.clip_grad_norm_(parameters, settings.clip_norm)).detach()
    optimizer.step()
    rows = [int(row) for batch in passes for row in batch.rows]
    return Taken(losses=losses, norm=norm, rows=rows, is_finite=torch.cat(finite))


def head_losses(network: OpinionNetwork, logits: Mapping[str, Tensor], batch: Batch) -> dict[str, Tensor]:
    """Each head's loss over this worker's rows, divided by the number of its labels in the whole step."""
    return {
        name: head.loss(logits[name], batch.labels[name], batch.labelled[name])
        / max(1, batch.num_labels[name])
        for name, head in network.heads.items()
    }


def _gradient(
    forward: nn.Module,
    network: OpinionNetwork,
    batch: Batch,
    settings: LoopSettings,
    world_size: int,
    *,
    last: bool,
) -> tuple[dict[str, Tensor], Mapping[str, Tensor]]:
    """Add the gradient of one pass to what is there; its losses, and the logits that they are of.

    The loss is multiplied by the number of workers, so that the mean of gradients which they take together is
    exactly the gradient that one worker would have computed. They take it once, in the last pass.
    """
    if not settings.adversarial:
        with _together(forward, last):
            return _pass(forward, network, batch, settings, world_size)
    with pushing(network, settings.adversarial) as push:
        with _together(forward, False):
            found = _pass(forward, network, batch, settings, world_size)
        push.turn()
        with _together(forward, last):
            _pass(forward, network, batch, settings, world_size)
    return found


def _pass(
    forward: nn.Module, network: OpinionNetwork, batch: Batch, settings: LoopSettings, world_size: int
) -> tuple[dict[str, Tensor], Mapping[str, Tensor]]:
    read = batch.twice() if settings.r_drop else batch
    device = read.token_ids.device
    fast = settings.precision == "fastest" and fast_dtype(device) == torch.bfloat16
    with torch.autocast(device.type, torch.bfloat16, enabled=fast):
        logits = forward(read.token_ids, read.attention_mask).logits
    losses = head_losses(network, logits, read)
    loss = torch.stack([network.heads[name].objective.weight * one for name, one in losses.items()]).sum()
    if settings.r_drop:
        loss = loss + settings.r_drop * disagreement(network, logits, read)
    (loss * world_size).backward()  # type: ignore[no-untyped-call]
    return (
        {name: one.detach() for name, one in losses.items()},
        {name: one.detach() for name, one in logits.items()},
    )


def _together(forward: nn.Module, last: bool) -> AbstractContextManager[None]:
    """Whether workers exchange gradients in this pass: under DDP in the last, under FSDP always, as they are cut."""
    no_sync: Callable[[], AbstractContextManager[None]] | None = getattr(forward, "no_sync", None)
    return nullcontext() if last or no_sync is None else no_sync()


def _finite_rows(logits: Mapping[str, Tensor], num_rows: int) -> Tensor:
    """Which of B rows have finite logits of every head [B]; the second copies of `Batch.twice` count as well."""
    each = [
        torch.isfinite(one).reshape(-1, num_rows, one[0].numel()).all(-1).all(0) for one in logits.values()
    ]
    return torch.stack(each).all(0)


def _is_out_of_memory(raised: Exception) -> bool:
    """A full accelerator has an error of its own, a full host says it in words."""
    return isinstance(raised, torch.OutOfMemoryError) or "can't allocate memory" in str(raised)


def _what_to_lower(batch: Batch, device: torch.device, settings: LoopSettings, world_size: int) -> str:
    rows, width = batch.token_ids.shape
    held = settings.micro_tokens or settings.budget_tokens // world_size
    others = [
        *([] if settings.gradient_checkpointing else ["set loop.gradient_checkpointing = true"]),
        *([] if settings.parallel == "fsdp" else ["loop.parallel = 'fsdp' on more workers"]),
        *(["take loop.r_drop out"] if settings.r_drop else []),
        "lower max_tokens",
    ]
    return (
        f"out of memory on {device} in a pass of {rows} reviews of {width} tokens; lower loop.micro_tokens, now "
        f"{held if settings.micro_tokens else f'not set, so up to {held}'}, to {max(16, rows * width // 2)} or less: "
        f"steps stay what they are, in more passes. If one review is too much, {', or '.join(others)}"
    )
