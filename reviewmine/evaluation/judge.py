"""Judging logits: predicted over labelled examples, decoded by heads, and put into figures."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from reviewmine.evaluation.metrics import (
    Floats,
    classification_metrics,
    regression_metrics,
    two_class_accuracy,
)
from reviewmine.evaluation.multilabel import multilabel_metrics
from reviewmine.evaluation.rows import natural_weights, token_rows
from reviewmine.examples.encoded import EncodedExamples
from reviewmine.model.batching import padded, token_budget_batches
from reviewmine.model.device import fast_dtype, tokens_per_pass
from reviewmine.model.head_specs import (
    ClassificationSpec,
    HeadSpec,
    MultilabelSpec,
    OrdinalSpec,
    RegressionSpec,
    TokensSpec,
)
from reviewmine.model.heads import decode
from reviewmine.model.network import OpinionNetwork

_BRIEF_OF_CLASSES: Final = ("macro_f1", "accuracy")
_BRIEF_OF_NUMBERS: Final = ("spearman", "mae")


def predict(
    network: OpinionNetwork, examples: EncodedExamples, *, titles: bool = True
) -> dict[str, torch.Tensor]:
    """The logits of every head, float32 on the CPU, in the order of the examples; of tokens [N, T, C]."""
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
        for name, head in network.heads.items():
            if head.reads_tokens:
                found[name] = [_widened(part, int(lengths.max())) for part in found[name]]
    order = torch.from_numpy(np.argsort(np.concatenate(batches)))
    return {name: torch.cat(parts)[order] for name, parts in found.items()}


def judge(
    logits: Mapping[str, torch.Tensor],
    labels: Mapping[str, Floats],
    heads: Mapping[str, HeadSpec],
    natural_shares: Mapping[str, Sequence[float]],
) -> dict[str, Any]:
    """Metrics of logits decoded by `heads`, rows weighted to the natural shares of classes where known.

    Heads that assume other shares show it in their calibration error here, as they would on an archive.
    """
    figures = {
        name: head_metrics(
            head,
            labels[name],
            decode(logits[name], head).numpy(),
            natural_weights(name, head, labels, natural_shares),
        )
        for name, head in heads.items()
    }
    return {"rows": len(next(iter(labels.values()))), **figures}


def head_metrics(
    head: HeadSpec, labels: Floats, answers: Floats, weights: Floats | None = None
) -> dict[str, Any]:
    """The metrics of the answers of one head against its labels, as EncodedExamples has them."""
    match head:
        case ClassificationSpec():
            return single_metrics(labels, answers, head.labels, weights)
        case MultilabelSpec():
            return multilabel_metrics(labels, answers, head.labels)
        case RegressionSpec() | OrdinalSpec():
            return single_metrics(labels, answers, None, weights)
        case TokensSpec():
            by_token, of_token = token_rows(labels, answers)
            return classification_metrics(by_token, of_token, head.classes)


def single_metrics(
    labels: Floats, answers: Floats, names: Sequence[str] | None, weights: Floats | None = None
) -> dict[str, Any]:
    """The metrics of one answer per review: of classes if they have `names`, else of numbers."""
    if names is None:
        return regression_metrics(labels, answers, weights)
    found = classification_metrics(labels, answers, names, weights)
    if found["rows"] and {"negative", "positive"} <= set(names):
        pair = (names.index("negative"), names.index("positive"))
        found["two_class_accuracy"] = two_class_accuracy(labels, answers, pair, weights)
    return found


def brief(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The few figures of `judge` that a progress line has room for; one that is undefined is left out."""
    figures = {
        f"{head}_{name}": found.get(name)
        for head, found in metrics.items()
        if isinstance(found, Mapping)
        for name in (*_BRIEF_OF_CLASSES, *_BRIEF_OF_NUMBERS)
    }
    return {name: value for name, value in figures.items() if value is not None}


def brief_names(heads: Mapping[str, HeadSpec]) -> list[str]:
    """The names of all figures that `brief` may give of these heads."""
    return [
        f"{name}_{figure}"
        for name, head in heads.items()
        for figure in (
            _BRIEF_OF_NUMBERS if isinstance(head, RegressionSpec | OrdinalSpec) else _BRIEF_OF_CLASSES
        )
    ]


def elsewhere(name: str) -> str:
    """The name of a brief figure of the rows in other languages; see examples.natural."""
    return f"elsewhere_{name}"


def write_metrics(metrics: Mapping[str, Any], path: Path) -> None:
    """Write metrics as JSON, keys in the order given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")


def _autocasts(network: OpinionNetwork) -> bool:
    """Whether float32 weights should be multiplied in bfloat16 on their device; weights cast at load need no cast."""
    parameter = next(network.parameters())
    return parameter.dtype == torch.float32 and fast_dtype(parameter.device) == torch.bfloat16


def _widened(logits: torch.Tensor, width: int) -> torch.Tensor:
    """Logits of tokens [B, T, C] as [B, `width`, C]: what is beyond is padding, and padding has no answer."""
    return torch.nn.functional.pad(logits[:, :width], (0, 0, 0, max(0, width - logits.shape[1])))
