"""A checkpoint small enough to build in a test, and conformed reviews to send through it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import torch
from tiny import WIDTH, make_backbone

from reviewmine.contract.reviews import ReviewColumns, conform
from reviewmine.model.backbone import load_backbone
from reviewmine.model.checkpoint import save_checkpoint
from reviewmine.model.head_specs import OPINION_HEADS, HeadSpec, Pooling
from reviewmine.model.network import OpinionNetwork
from reviewmine.model.spec import BackboneSpec, Spec
from reviewmine.text.clean import CLEAN_VERSION

MAX_TOKENS: Final = 48


def make_checkpoint(
    root: Path, *, pooling: Pooling = "mean", heads: Mapping[str, HeadSpec] = OPINION_HEADS, seed: int = 0
) -> Path:
    """Write a random checkpoint for English that reads at most MAX_TOKENS tokens; the directory it is in."""
    backbone = load_backbone(str(make_backbone(root / "backbone", seed=seed)))
    spec = Spec(
        name="tiny",
        backbone=BackboneSpec(name="tiny", inside=True),
        max_tokens=MAX_TOKENS,
        clean_version=CLEAN_VERSION,
        languages=("en",),
        pooling=pooling,
        heads=dict(heads),
    )
    torch.manual_seed(0)
    network = OpinionNetwork(backbone.model, width=WIDTH, pooling=pooling, heads=heads)
    save_checkpoint(root / "checkpoint", spec=spec, network=network, tokenizer=backbone.tokenizer)
    return root / "checkpoint"


def make_conformed(bodies: Sequence[Any], *, first_row: int = 0, **columns: Sequence[Any]) -> pa.Table:
    """Conformed reviews [rows] with these bodies, in English unless a column `language` is given."""
    given: dict[str, Any] = {
        "review_id": [f"r{row}" for row in range(len(bodies))],
        "body": pa.array(
            bodies, pa.binary() if any(isinstance(body, bytes) for body in bodies) else pa.string()
        ),
        "language": ["en"] * len(bodies),
    }
    return conform(pa.table(given | columns), ReviewColumns(), where="reviews.parquet", first_row=first_row)
