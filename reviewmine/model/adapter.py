"""Adapters: attached to a backbone for training through PEFT, saved alone, merged where they can be."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast

import peft
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from reviewmine.errors import CheckpointError
from reviewmine.model.tuning_spec import (
    AdapterSpec,
    AllocatedAdapter,
    LowRankAdapter,
    PrefixAdapter,
    ScalingAdapter,
)

ADAPTER_FILE: Final = "adapter.safetensors"
_ADAPTER: Final = "default"
_STEPS_NOT_YET_KNOWN: Final = 1_000_000


def attach(backbone: nn.Module, spec: AdapterSpec) -> nn.Module:
    """`backbone` with a fresh adapter, which alone is trainable.

    Until it is trained it answers as before, a prefix excepted: that takes part in attention from the start.
    Raises CheckpointError if no layer of the backbone has a name that the adapter's targets ask for.
    """
    try:
        with _known_warnings_quiet():
            return cast(nn.Module, peft.get_peft_model(cast(Any, backbone), _config(spec)))
    except ValueError as refused:
        targets = f"targets {', '.join(spec.targets)}" if not isinstance(spec, PrefixAdapter) else spec.kind
        raise CheckpointError(f"adapter {targets}: {refused}") from None


def is_mergeable(spec: AdapterSpec) -> bool:
    """Whether the adapter can be folded into the weights of its backbone."""
    return not isinstance(spec, PrefixAdapter)


def adapter_weights(adapted: nn.Module) -> dict[str, Tensor]:
    """The adapter's own tensors by name, on the CPU and contiguous; ranks that AdaLoRA cut are zeros."""
    with _all_ranks(adapted):
        weights = peft.get_peft_model_state_dict(cast(Any, adapted), save_embedding_layers=False)
    return {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}


def save(adapted: nn.Module, directory: Path) -> None:
    """Write the adapter of `adapted` alone, in half precision, into `directory`.

    Raises CheckpointError for a number that half precision does not hold.
    """
    weights = {name: tensor.half() for name, tensor in adapter_weights(adapted).items()}
    if lost := sorted(name for name, tensor in weights.items() if not tensor.isfinite().all()):
        raise CheckpointError(
            f"adapter: {lost[0]} cannot be kept: it has numbers beyond {torch.finfo(torch.half).max:g}, or none; "
            "train with a lower loop.learning_rate"
        )
    save_file(weights, directory / ADAPTER_FILE)


def round_as_kept(adapted: nn.Module) -> None:
    """Round what is trainable in `adapted`, the adapter and rows of new tokens, to the numbers that are kept of it."""
    with torch.no_grad():
        for parameter in adapted.parameters():
            if parameter.requires_grad:
                parameter.copy_(parameter.half())


def load(backbone: nn.Module, spec: AdapterSpec, directory: Path) -> nn.Module:
    """`backbone` with the adapter saved in `directory`: folded into its weights if it can be, else attached."""
    adapted = attach(backbone, spec)
    restore(adapted, directory)
    return merge(adapted) if is_mergeable(spec) else adapted


def restore(adapted: nn.Module, directory: Path) -> None:
    """Give the adapter of `adapted` the weights saved in `directory`. Raises CheckpointError if they do not fit."""
    path = directory / ADAPTER_FILE
    try:
        weights = load_file(path)
    except (FileNotFoundError, SafetensorError) as unreadable:
        raise CheckpointError(f"{path}: cannot be read: {unreadable}") from None
    expected = adapter_weights(adapted)
    if found := {n for n, t in expected.items() if n not in weights or weights[n].shape != t.shape}:
        raise CheckpointError(
            f"{path}: {len(found)} of {len(expected)} adapter tensors are missing or of another shape "
            f"({min(found)} first); the adapter was trained on another backbone"
        )
    peft.set_peft_model_state_dict(cast(Any, adapted), weights)


def merge(adapted: nn.Module) -> nn.Module:
    """The backbone under an adapter, with the adapter folded into its weights, its own class again."""
    return cast(nn.Module, cast(Any, adapted).merge_and_unload())


def backbone_of(adapted: nn.Module) -> nn.Module:
    """The backbone under an adapter that cannot be merged, as it was before."""
    return cast(nn.Module, cast(Any, adapted).get_base_model())


def _config(spec: AdapterSpec) -> peft.PeftConfig:
    match spec:
        case LowRankAdapter():
            return peft.LoraConfig(
                r=spec.rank,
                lora_alpha=spec.alpha,
                lora_dropout=spec.dropout,
                target_modules=list(spec.targets),
                use_dora=spec.kind == "dora",
            )
        case AllocatedAdapter():
            return peft.AdaLoraConfig(
                init_r=spec.initial_rank,
                target_r=spec.rank,
                lora_alpha=spec.alpha,
                lora_dropout=spec.dropout,
                target_modules=list(spec.targets),
                total_step=_STEPS_NOT_YET_KNOWN,
            )
        case ScalingAdapter():
            return peft.IA3Config(
                target_modules=list(spec.targets), feedforward_modules=list(spec.feedforward)
            )
        case PrefixAdapter():
            return peft.PrefixTuningConfig(num_virtual_tokens=spec.num_tokens, task_type="FEATURE_EXTRACTION")


@contextmanager
def _all_ranks(adapted: nn.Module) -> Iterator[None]:
    """AdaLoRA saves cut ranks as smaller tensors plus a pattern; with zeros in their place one shape fits every run."""
    config = cast(Any, adapted).peft_config[_ADAPTER]
    pattern = getattr(config, "rank_pattern", None)
    if not isinstance(config, peft.AdaLoraConfig) or pattern is None:
        yield
        return
    config.rank_pattern = None
    try:
        yield
    finally:
        config.rank_pattern = pattern


@contextmanager
def _known_warnings_quiet() -> Iterator[None]:
    """PEFT 0.21 asks transformers 5 for a property by its old name; it is theirs to mend."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing", category=FutureWarning)
        yield
