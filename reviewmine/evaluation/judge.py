"""Judging logits: predicted over labelled examples, decoded by heads, and put into figures."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from reviewmine.evaluation.metrics import (
    Floats,
    class_weights,
    classification_metrics,
    regression_metrics,
    two_class_accuracy,
)
from reviewmine.examples.encoded import EncodedExamples
from reviewmine.model.batching import padded, token_budget_batches
from reviewmine.model.device import fast_dtype, tokens_per_pass
from reviewmine.model.heads import IntensityHead, PolarityHead
from reviewmine.model.network import OpinionNetwork
from reviewmine.model.spec import HeadSpecs


def predict(
    network: OpinionNetwork, examples: EncodedExamples, *, titles: bool = True
) -> dict[str, torch.Tensor]:
    """The logits of every head, float32 on the CPU, in the order of the examples: polarity [N, 3], intensity [N]."""
    device = next(network.parameters()).device
    token_ids = examples.with_title if titles else examples.without_title
    lengths = np.array([len(ids) for ids in token_ids], dtype=np.int64)
    found: dict[str, list[torch.Tensor]] = {name: [] for name in network.heads}
    batches = token_budget_batches(lengths, budget_tokens=tokens_per_pass(device))
    network.eval()
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=_autocasts(network)):
        for rows in batches:
            filled, mask = padded([token_ids[row] for row in rows], examples.pad_id)
            output = network(torch.from_numpy(filled).to(device), torch.from_numpy(mask).to(device))
            for name, logits in output.logits.items():
                found[name].append(logits.float().cpu())
    order = torch.from_numpy(np.argsort(np.concatenate(batches)))
    return {name: torch.cat(parts)[order] for name, parts in found.items()}


def judge(
    logits: Mapping[str, torch.Tensor],
    labels: Mapping[str, Floats],
    heads: HeadSpecs,
    natural_shares: Sequence[float],
) -> dict[str, Any]:
    """Metrics of logits [N, 3] and [N] decoded by `heads`, rows weighted so that polarities have natural shares.

    Heads that assume other shares show it in their calibration error here, as they would on an archive.
    """
    weights = class_weights(labels["polarity"], natural_shares)
    probabilities = PolarityHead.decode(logits["polarity"], heads.polarity.calibration).numpy()
    intensities = IntensityHead.decode(logits["intensity"], heads.intensity.calibration).numpy()
    return {
        "rows": len(weights),
        "polarity": head_metrics(labels["polarity"], probabilities, heads.polarity.labels, weights),
        "intensity": head_metrics(labels["intensity"], intensities, None, weights),
    }


def head_metrics(
    labels: Floats, answers: Floats, names: Sequence[str] | None, weights: Floats | None = None
) -> dict[str, Any]:
    """The metrics of one head, of classes if they have `names`, else of numbers."""
    if names is None:
        return regression_metrics(labels, answers, weights)
    found = classification_metrics(labels, answers, names, weights)
    if found["rows"] and {"negative", "positive"} <= set(names):
        pair = (names.index("negative"), names.index("positive"))
        found["two_class_accuracy"] = two_class_accuracy(labels, answers, pair, weights)
    return found


def brief(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The few figures of `judge` that a progress line has room for."""
    wanted = {"polarity": ("macro_f1", "accuracy"), "intensity": ("spearman", "mae")}
    figures = {f"{head}_{name}": metrics[head].get(name) for head, names in wanted.items() for name in names}
    return {name: value for name, value in figures.items() if value is not None}


def write_metrics(metrics: Mapping[str, Any], path: Path) -> None:
    """Write metrics as JSON, keys in the order given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")


def _autocasts(network: OpinionNetwork) -> bool:
    """Whether float32 weights should be multiplied in bfloat16 on their device; weights cast at load need no cast."""
    parameter = next(network.parameters())
    return parameter.dtype == torch.float32 and fast_dtype(parameter.device) == torch.bfloat16
