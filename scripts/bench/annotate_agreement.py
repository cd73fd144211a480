"""Agreement: how often the labels in the device's fast number format are those of float32."""

from dataclasses import dataclass

import numpy as np
import torch
from annotate_measures import Machine
from annotate_reviews import BenchReviews

from reviewmine.annotate.annotator import Annotator
from reviewmine.annotate.prepare import Preparer
from reviewmine.labels import ANNOTATED_STATUSES
from reviewmine.model.checkpoint import load_checkpoint
from reviewmine.model.inspect import builtin_checkpoint

LABELS = ("polarity", "intensity_level")


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Of the annotated rows, the share whose label is the same, by label."""

    num_rows: int
    shares: dict[str, float]


def agreement(reviews: BenchReviews, machine: Machine) -> Agreement | None:
    """The labels of the built-in checkpoint in bfloat16 beside float32; None where the fast format is float32."""
    if not machine.has_bf16:
        return None
    prepared = Preparer(builtin_checkpoint(), annotate_unsupported=True)(reviews.conformed)
    annotator = Annotator(builtin_checkpoint(), device=machine.device)
    fast = annotator(prepared)
    exact = load_checkpoint(builtin_checkpoint(), device=machine.device, dtype=torch.float32)
    annotator.network = exact.network
    slow = annotator(prepared)
    is_annotated = np.isin(fast["status"].to_numpy(), [*ANNOTATED_STATUSES])
    shares = {
        name: float((fast[name].to_numpy() == slow[name].to_numpy())[is_annotated].mean()) for name in LABELS
    }
    return Agreement(num_rows=int(is_annotated.sum()), shares=shares)
