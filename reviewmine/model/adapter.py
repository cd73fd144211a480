"""Adapters: attached to a backbone for training through PEFT, saved alone, merged into the weights at load."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast

import peft
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from reviewmine.errors import CheckpointError
from reviewmine.model.spec import AdapterSpec

ADAPTER_FILE: Final = "adapter.safetensors"


def attach(backbone: nn.Module, spec: AdapterSpec) -> nn.Module:
    """`backbone` with a fresh adapter, which alone is trainable; it answers as before until it is trained.

    Raises CheckpointError if no layer of the backbone has a name that `spec.targets` asks for.
    """
    config = peft.LoraConfig(
        r=spec.rank,
        lora_alpha=spec.alpha,
        lora_dropout=spec.dropout,
        target_modules=list(spec.targets),
    )
    try:
        with _known_warnings_quiet():
            return cast(nn.Module, peft.get_peft_model(backbone, config))
    except ValueError as refused:
        raise CheckpointError(f"adapter targets {', '.join(spec.targets)}: {refused}") from None


def adapter_weights(adapted: nn.Module) -> dict[str, Tensor]:
    """The adapter's own tensors by name, on the CPU and contiguous."""
    weights = peft.get_peft_model_state_dict(cast(Any, adapted))
    return {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}


def save(adapted: nn.Module, directory: Path) -> None:
    """Write the adapter of `adapted` alone into `directory`."""
    save_file(adapter_weights(adapted), directory / ADAPTER_FILE)


def load_merged(backbone: nn.Module, spec: AdapterSpec, directory: Path) -> nn.Module:
    """`backbone` with the adapter saved in `directory` folded into its weights, its own class again."""
    path = directory / ADAPTER_FILE
    try:
        weights = load_file(path)
    except (FileNotFoundError, SafetensorError) as unreadable:
        raise CheckpointError(f"{path}: cannot be read: {unreadable}") from None
    adapted = attach(backbone, spec)
    expected = adapter_weights(adapted)
    if found := {n for n, t in expected.items() if n not in weights or weights[n].shape != t.shape}:
        raise CheckpointError(
            f"{path}: {len(found)} of {len(expected)} adapter tensors are missing or of another shape "
            f"({min(found)} first); the adapter was trained on another backbone"
        )
    peft.set_peft_model_state_dict(cast(Any, adapted), weights)
    return merge(adapted)


def merge(adapted: nn.Module) -> nn.Module:
    """The backbone under an adapter, with the adapter folded into its weights."""
    return cast(nn.Module, cast(Any, adapted).merge_and_unload())


@contextmanager
def _known_warnings_quiet() -> Iterator[None]:
    """PEFT 0.21 asks transformers 5 for a property by its old name; it is theirs to mend."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing", category=FutureWarning)
        yield
