"""Parallel: a network placed on the device of its worker, among its fellows, and its tensors whole again."""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.utils.checkpoint import checkpoint

from reviewmine.errors import TrainingError
from reviewmine.model.network import OpinionNetwork
from reviewmine.train.settings import LoopSettings


def placed(
    network: OpinionNetwork, settings: LoopSettings, *, device: torch.device, world_size: int = 1
) -> nn.Module:
    """What the loop calls to pass forward through `network`, which is moved to `device`, and cut up if so asked.

    Needs torch's process group where there is more than one worker.
    """
    if settings.gradient_checkpointing:
        _checkpoint_layers(network)
    forward: nn.Module = network
    if world_size > 1 and settings.parallel == "fsdp":
        _cut_up(network, device, world_size)
    else:
        network.to(device)
        if world_size > 1:
            forward = nn.parallel.DistributedDataParallel(
                network, device_ids=[device] if device.type == "cuda" else None
            )
    return cast(nn.Module, torch.compile(forward, dynamic=True)) if settings.compile else forward


def _checkpoint_layers(network: OpinionNetwork) -> None:
    """Let every layer keep only what goes in, and be passed through again on the way back."""
    layers: list[Any] = list(_layers(network.backbone))
    if not layers:
        raise TrainingError(
            "loop.gradient_checkpointing: this backbone has no list of layers; take it out, and lower loop.micro_tokens"
        )
    for layer in layers:
        layer.forward = _computed_again(layer.forward)


def _computed_again(forward: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(forward)
    def checkpointed(*given: Any, **named: Any) -> Any:
        if not torch.is_grad_enabled():
            return forward(*given, **named)
        return checkpoint(forward, *given, use_reentrant=False, **named)

    return checkpointed


def _cut_up(network: OpinionNetwork, device: torch.device, world_size: int) -> None:
    """FSDP2: one layer at a time is moved to the device and cut, so that no device ever holds the whole."""
    mesh = init_device_mesh(device.type, (world_size,))
    for layer in _layers(network):
        fully_shard(layer, mesh=mesh)
    fully_shard(network, mesh=mesh)


def cut_up_again(network: nn.Module) -> None:
    """After a pass without a way back FSDP leaves the weights outside of layers whole: cut them up as they were."""
    for module in network.modules():
        if isinstance(module, FSDPModule):
            module.reshard()


def _layers(module: nn.Module) -> Iterator[nn.Module]:
    """The members of the outermost lists of modules: the layers of an encoder of any kind."""
    for child in module.children():
        if isinstance(child, nn.ModuleList):
            yield from child
        else:
            yield from _layers(child)


def trained(network: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """The parameters that training changes, by name."""
    return ((name, p) for name, p in network.named_parameters() if p.requires_grad)


def local(tensor: Tensor) -> Tensor:
    """This worker's part of a tensor; all of one that is not cut up."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def whole(tensor: Tensor) -> Tensor:
    """All of a tensor, on every worker; where it is cut up, every worker has to ask at the same time."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def cut_like(tensor: Tensor, other: Tensor) -> Tensor:
    """`tensor`, which every worker has whole, on the device of `other` and cut up as that is."""
    if isinstance(other, DTensor):
        moved = tensor.to(local(other).device)
        return distribute_tensor(moved, other.device_mesh, other.placements, src_data_rank=None)
    return tensor.to(other.device)


def summed(tensor: Tensor) -> Tensor:
    """The sum of a tensor over all workers, in place."""
    if dist.is_initialized():
        dist.all_reduce(tensor)
    return tensor


def gathered(rows: list[int]) -> list[int]:
    """The rows of all workers, in order."""
    if not dist.is_initialized():
        return sorted(rows)
    everyone: list[list[int]] = [[]] * dist.get_world_size()
    dist.all_gather_object(everyone, rows)
    return sorted(row for one in everyone for row in one)


def as_worker_0_says(figures: dict[str, float]) -> dict[str, float]:
    """Worker 0's figures on every worker: what is decided by them is decided alike."""
    if not dist.is_initialized():
        return figures
    told = [figures]
    dist.broadcast_object_list(told)
    return told[0]
