"""Tuning: which weights of a backbone a run trains, at which share of the learning rate, and how they are kept."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from reviewmine.errors import CheckpointError, ConfigError
from reviewmine.model import adapter
from reviewmine.model.tuning_spec import FullTuning, TopLayersTuning, Tuning, adapter_of
from reviewmine.model.vocabulary import added_to

TUNED_FILE: Final = "tuned.safetensors"


def prepare(backbone: nn.Module, tuning: Tuning) -> nn.Module:
    """`backbone` made ready for training: an adapter attached, or those of its own weights trainable that are to be.

    Rows added to its vocabulary are trained in any case.
    Raises ConfigError if more layers are asked for than there are, CheckpointError if an adapter does not fit.
    """
    if (added := adapter_of(tuning)) is not None:
        backbone = adapter.attach(backbone, added)
    else:
        backbone.requires_grad_(isinstance(tuning, FullTuning))
    if isinstance(tuning, TopLayersTuning):
        for parameter in _upper(backbone, tuning.layers):
            parameter.requires_grad_(True)
    if (extended := added_to(backbone)) is not None:
        extended.added.requires_grad_(True)
    return backbone


def rate_factors(backbone: nn.Module, tuning: Tuning) -> dict[str, float]:
    """The share of the learning rate that each parameter of `backbone` learns with, by its name; those not named: 1.

    The top layer has 1, the layer below it `layer_decay`, and so on down to the embeddings
    (layer-wise decay: Howard and Ruder, ACL 2018).
    """
    decay = getattr(tuning, "layer_decay", 1.0)
    if decay == 1.0:
        return {}
    prefix, layers = _layers_of(backbone)
    below = _embeddings_prefix(backbone)
    factors = {}
    for name, _ in backbone.named_parameters():
        if name.startswith(prefix):
            factors[name] = decay ** (len(layers) - 1 - int(name.removeprefix(prefix).split(".", 1)[0]))
        elif name.startswith(below):
            factors[name] = decay ** len(layers)
    return factors


def save_tuned(backbone: nn.Module, directory: Path) -> None:
    """Write those weights of `backbone` into `directory` that were trainable, rows added to its vocabulary apart."""
    extended = added_to(backbone)
    rows = extended.added.weight if extended else None
    tensors = {
        name: parameter.detach().cpu().contiguous()
        for name, parameter in backbone.named_parameters()
        if parameter.requires_grad and parameter is not rows
    }
    save_file(tensors, directory / TUNED_FILE)


def load_tuned(backbone: nn.Module, directory: Path) -> None:
    """Put the weights that `save_tuned` wrote in `directory` in place of the backbone's own.

    Raises CheckpointError if the file cannot be read or has a weight that the backbone lacks.
    """
    path = directory / TUNED_FILE
    try:
        tensors = load_file(path)
    except (FileNotFoundError, SafetensorError) as unreadable:
        raise CheckpointError(f"{path}: cannot be read: {unreadable}") from None
    parameters = dict(backbone.named_parameters())
    unfit = [n for n, t in tensors.items() if n not in parameters or parameters[n].shape != t.shape]
    if unfit:
        raise CheckpointError(
            f"{path}: {unfit[0]} is not a weight of this backbone, or has another shape there; "
            "the checkpoint was made of another backbone"
        )
    with torch.no_grad():
        for name, tensor in tensors.items():
            parameters[name].copy_(tensor)


def _upper(backbone: nn.Module, num_layers: int) -> Iterator[nn.Parameter]:
    """The parameters of the upper layers, and of what is neither a layer nor an embedding: norms behind the last."""
    prefix, layers = _layers_of(backbone)
    if num_layers > len(layers):
        raise ConfigError(
            f"tuning.layers is {num_layers}, but the backbone has {len(layers)} layers; lower it, or tune in full"
        )
    below = _embeddings_prefix(backbone)
    for name, parameter in backbone.named_parameters():
        if name.startswith(prefix):
            if int(name.removeprefix(prefix).split(".", 1)[0]) >= len(layers) - num_layers:
                yield parameter
        elif not name.startswith(below):
            yield parameter


def _layers_of(backbone: nn.Module) -> tuple[str, nn.ModuleList]:
    """The list of the backbone's layers and the prefix of its parameters' names, its trailing dot included."""
    wanted = int(cast(Any, backbone).config.num_hidden_layers)
    for name, module in backbone.named_modules():
        if isinstance(module, nn.ModuleList) and len(module) == wanted:
            return f"{name}.", module
    raise CheckpointError(
        f"{type(backbone).__name__}: no list of {wanted} layers found in it, so its upper layers are unknown; "
        "tune it in full or through an adapter"
    )


def _embeddings_prefix(backbone: nn.Module) -> str:
    """The prefix of the names of all embedding weights: the part of the backbone that holds the token embedding."""
    table = cast(Any, backbone).get_input_embeddings()
    path: str = next(name for name, module in backbone.named_modules() if module is table)
    return path.split(".", 1)[0] + "."
