"""Checkpoints: directories written once, loaded ready to annotate, and refused when anything in them differs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from reviewmine.errors import CheckpointError
from reviewmine.model import adapter, tuning, vocabulary
from reviewmine.model.backbone import load_backbone, load_encoder, quiet_transformers
from reviewmine.model.device import fast_dtype
from reviewmine.model.digest import write_digest
from reviewmine.model.heads import decode
from reviewmine.model.inspect import inspect_checkpoint
from reviewmine.model.network import OpinionNetwork
from reviewmine.model.spec import Spec, write_spec
from reviewmine.model.tokenizer import TOKENIZER_CONFIG_FILE, read_pad_id, read_tokenizer
from reviewmine.text.encode import TextEncoder

HEADS_FILE: Final = "heads.safetensors"
BACKBONE_FOLDER: Final = "backbone"


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A checkpoint ready to annotate: adapter merged, weights in the fast format of their device."""

    spec: Spec
    digest: str
    network: OpinionNetwork
    encoder: TextEncoder
    pad_id: int

    def decode(self, logits: Mapping[str, Tensor]) -> dict[str, npt.NDArray[np.float32]]:
        """Calibrated answers of logits, by head: probabilities [B, C] of classes or labels, numbers [B]."""
        return {name: decode(found, self.spec.heads[name]).cpu().numpy() for name, found in logits.items()}


def save_checkpoint(
    directory: Path, *, spec: Spec, network: OpinionNetwork, tokenizer: PreTrainedTokenizerFast
) -> str:
    """Write `network` as a new checkpoint and return its digest.

    With an adapter in the spec, the adapter is still attached and is written alone; with `backbone.inside` the
    whole encoder is written, with `backbone.tuned` those of its weights that are trainable, with
    `backbone.added_tokens` the rows of those. The backbone's own weights are left out where the spec names them by
    digest.
    """
    refuse_filled(directory)
    directory.mkdir(parents=True, exist_ok=True)
    write_spec(spec, directory)
    _save_tokenizer(tokenizer, directory)
    heads = {name: t.detach().cpu().contiguous() for name, t in network.heads.state_dict().items()}
    save_file(heads, directory / HEADS_FILE)
    if spec.adapter:
        adapter.save(network.backbone, directory)
    if spec.backbone.tuned:
        tuning.save_tuned(network.backbone, directory)
    if spec.backbone.added_tokens:
        vocabulary.save_rows(network.backbone, directory)
    if spec.backbone.inside:
        whole = adapter.backbone_of(network.backbone) if spec.adapter else network.backbone
        with quiet_transformers():
            cast(PreTrainedModel, whole).save_pretrained(directory / BACKBONE_FOLDER)
    return write_digest(directory)


def refuse_filled(directory: Path) -> None:
    """Raise CheckpointError if there is anything in `directory`, or a file in its place."""
    if directory.is_file():
        raise CheckpointError(f"{directory}: a file; expected a directory that is empty or not there yet")
    if directory.exists() and any(directory.iterdir()):
        raise CheckpointError(
            f"{directory}: not empty; a checkpoint is written once, into a directory of its own"
        )


def load_checkpoint(
    directory: str | Path,
    *,
    expected_digest: str | None = None,
    device: torch.device | str = "cpu",
    dtype: torch.dtype | None = None,
) -> Checkpoint:
    """Load the checkpoint in `directory` for annotation: evaluation mode, adapter merged, the device's fast format.

    Raises CheckpointError for anything that is not exactly what was written, that another edition wrote, or
    whose digest is not `expected_digest`.
    """
    directory = Path(directory)
    spec, found = inspect_checkpoint(directory, expected_digest=expected_digest)
    tokenizer = read_tokenizer(directory)
    bare = bare_encoder(spec, directory)
    vocabulary.fold_rows(bare)
    width = int(bare.config.hidden_size)
    encoder = adapter.load(bare, spec.adapter, directory) if spec.adapter else bare
    network = OpinionNetwork(encoder, width=width, pooling=spec.pooling, heads=spec.heads)
    _load_heads(network, directory / HEADS_FILE)
    network.to(device)
    network.backbone.to(dtype or fast_dtype(device))
    network.requires_grad_(False)
    return Checkpoint(
        spec=spec,
        digest=found,
        network=network.eval(),
        encoder=TextEncoder(tokenizer, max_tokens=spec.max_tokens),
        pad_id=read_pad_id(directory, tokenizer),
    )


def bare_encoder(spec: Spec, directory: Path) -> PreTrainedModel:
    """The encoder that a checkpoint describes, its added rows and tuned weights in place, without its adapter."""
    if spec.backbone.inside:
        encoder = load_encoder(directory / BACKBONE_FOLDER)
    else:
        named = load_backbone(spec.backbone.name, spec.backbone.revision, sha256=spec.backbone.sha256)
        encoder = named.model
    if spec.backbone.added_tokens:
        vocabulary.load_rows(encoder, directory)
    if spec.backbone.tuned:
        tuning.load_tuned(encoder, directory)
    return encoder


def _load_heads(network: OpinionNetwork, path: Path) -> None:
    try:
        network.heads.load_state_dict(load_file(path))
    except (FileNotFoundError, RuntimeError, SafetensorError) as unfit:
        raise CheckpointError(f"{path}: not the heads that the spec describes: {unfit}") from None


def _save_tokenizer(tokenizer: PreTrainedTokenizerFast, directory: Path) -> None:
    """Write the tokenizer's files and nothing that says where it was loaded from."""
    tokenizer.save_pretrained(directory)
    path = directory / TOKENIZER_CONFIG_FILE
    config = json.loads(path.read_text(encoding="utf-8"))
    for key in ("name_or_path", "is_local", "local_files_only"):
        config.pop(key, None)
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
