"""Checkpoints made of others without training: an adapter folded into its backbone, all weights inside."""

import json
from pathlib import Path
from typing import Any

import torch

from reviewmine.errors import CheckpointError
from reviewmine.model.adapter import is_mergeable
from reviewmine.model.backbone import load_tokenizer
from reviewmine.model.checkpoint import load_checkpoint, save_checkpoint
from reviewmine.model.digest import METRICS_FILE, NOTES_FILE
from reviewmine.train.card import tell


def merge_checkpoint(source: Path, directory: Path) -> str:
    """Write the checkpoint `source` as `directory` with all its weights inside, and return the new digest.

    It answers as `source` does, up to rounding, and needs no backbone from elsewhere; being another set of files it is
    another checkpoint, with a digest of its own, and says whom it was derived from. Figures, card and notes go along.
    Raises CheckpointError if its adapter cannot be merged.
    """
    loaded = load_checkpoint(source, dtype=torch.float32)
    if loaded.spec.adapter is not None and not is_mergeable(loaded.spec.adapter):
        raise CheckpointError(
            f"{source}: a {loaded.spec.adapter.kind} adapter cannot be folded into weights; use the checkpoint as it is"
        )
    backbone = loaded.spec.backbone.model_copy(update={"inside": True, "tuned": False})
    spec = loaded.spec.model_copy(
        update={"backbone": backbone, "adapter": None, "derived_from": loaded.digest}
    )
    digest = save_checkpoint(directory, spec=spec, network=loaded.network, tokenizer=load_tokenizer(source))
    if (source / NOTES_FILE).is_file():
        (directory / NOTES_FILE).write_bytes((source / NOTES_FILE).read_bytes())
    tell(directory, _figures_of(source) | {"checkpoint": digest})
    return digest


def _figures_of(source: Path) -> dict[str, Any]:
    path = source / METRICS_FILE
    figures: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return figures
