"""What a checkpoint is worth on labelled examples: per class, calibrated or not, and by scikit-learn's arithmetic."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from scipy.stats import spearmanr
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    mean_absolute_error,
    precision_recall_fscore_support,
)

from reviewmine.errors import TrainingError
from reviewmine.labels import POLARITIES
from reviewmine.model.batching import padded, token_budget_batches
from reviewmine.model.checkpoint import Checkpoint
from reviewmine.model.device import fast_dtype, tokens_per_pass
from reviewmine.model.heads import IntensityHead, PolarityHead
from reviewmine.model.network import OpinionNetwork
from reviewmine.model.spec import HeadSpecs
from reviewmine.train.calibrate import natural_weights
from reviewmine.train.collate import EncodedExamples, encode_examples

Floats = npt.NDArray[np.float32]

CALIBRATION_BINS: Final = 15
RESAMPLES: Final = 2000


def evaluate(
    checkpoint: Checkpoint,
    examples: pa.Table,
    *,
    max_rows: int | None = None,
    seed: int = 0,
    titles: bool = True,
) -> dict[str, Any]:
    """The metrics of `checkpoint` on examples (EXAMPLES_SCHEMA), all of them or a seeded sample of `max_rows`.

    Without `titles` every review is read from its body alone. Raises TrainingError if no row can be read.
    """
    if max_rows is not None and max_rows < examples.num_rows:
        rows = np.random.default_rng(seed).permutation(examples.num_rows)[:max_rows]
        examples = examples.take(pa.array(np.sort(rows)))
    encoded = encode_examples(examples, checkpoint.encoder, pad_id=checkpoint.pad_id)
    if not len(encoded):
        raise TrainingError("evaluate: none of the examples has any text left after cleaning")
    decoded = checkpoint.decode(predict(checkpoint.network, encoded, titles=titles))
    return {
        "checkpoint": checkpoint.digest,
        "rows": len(encoded),
        "rows_without_text": examples.num_rows - len(encoded),
        "titles": titles,
        "polarity": polarity_metrics(encoded.labels["polarity"], decoded["polarity"]),
        "intensity": intensity_metrics(encoded.labels["intensity"], decoded["intensity"]),
    }


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
    """Metrics of logits [N, 3] and [N] decoded by `heads`, rows weighted so that polarities have natural shares."""
    weights = natural_weights(labels["polarity"], natural_shares)
    probabilities = PolarityHead.decode(logits["polarity"], heads.polarity.calibration).numpy()
    intensities = IntensityHead.decode(logits["intensity"], heads.intensity.calibration).numpy()
    return {
        "rows": len(weights),
        "polarity": polarity_metrics(labels["polarity"], probabilities, weights),
        "intensity": intensity_metrics(labels["intensity"], intensities, weights),
    }


def brief(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The few figures of `judge` that a progress line has room for."""
    wanted = {"polarity": ("macro_f1", "accuracy"), "intensity": ("spearman", "mae")}
    figures = {f"{head}_{name}": metrics[head].get(name) for head, names in wanted.items() for name in names}
    return {name: value for name, value in figures.items() if value is not None}


def polarity_metrics(labels: Floats, probabilities: Floats, weights: Floats | None = None) -> dict[str, Any]:
    """Macro-F1, accuracies, expected calibration error and per-class figures of probabilities [N, 3].

    `labels` [N] are class numbers, NaN where there is none; `weights` [N] count rows as more or fewer than one.
    """
    labelled = ~np.isnan(labels)
    if not labelled.any():
        return {"rows": 0}
    truth, given = labels[labelled].astype(int), probabilities[labelled]
    weight = None if weights is None else weights[labelled]
    found = given.argmax(axis=1)
    numbers = list(range(len(POLARITIES)))
    precision, recall, f1, support = precision_recall_fscore_support(
        truth, found, labels=numbers, sample_weight=weight, zero_division=0.0
    )
    present = np.isin(numbers, truth)
    confusion = confusion_matrix(truth, found, labels=numbers)
    interval = {"macro_f1_interval": macro_f1_interval(confusion)} if weights is None else {}
    return {
        "rows": int(labelled.sum()),
        "macro_f1": float(f1[present].mean()),
        **interval,
        "two_class_accuracy": two_class_accuracy(truth, given, weight),
        "accuracy": float(accuracy_score(truth, found, sample_weight=weight)),
        "calibration_error": calibration_error(truth, given, weight),
        "classes": {
            name: {
                "precision": float(precision[n]),
                "recall": float(recall[n]),
                "f1": float(f1[n]),
                "rows": float(support[n]),
            }
            for n, name in enumerate(POLARITIES)
        },
        "confusion": confusion.tolist(),
    }


def macro_f1_interval(confusion: npt.NDArray[np.int64], *, seed: int = 0) -> tuple[float, float]:
    """The middle 95% of macro-F1 over resampled rows, from the confusion counts [true, found] alone.

    Rows drawn with replacement fall into the cells of the table by a multinomial law, so whole tables are drawn
    (percentile bootstrap: Efron 1979). Classes that no row has are left out, as they are of macro-F1.
    """
    present = confusion.sum(axis=1) > 0
    rng = np.random.default_rng(seed)
    num_rows = confusion.sum()
    tables = rng.multinomial(num_rows, confusion.ravel() / num_rows, size=RESAMPLES).reshape(
        -1, *confusion.shape
    )
    hits = np.diagonal(tables, axis1=1, axis2=2)
    f1 = 2 * hits / np.maximum(tables.sum(axis=1) + tables.sum(axis=2), 1)
    low, high = np.quantile(f1[:, present].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


def two_class_accuracy(
    truth: npt.NDArray[np.int64], probabilities: Floats, weights: Floats | None = None
) -> float | None:
    """The share of negative and positive rows whose own class is the likelier of the two; None without such rows."""
    negative, positive = POLARITIES.index("negative"), POLARITIES.index("positive")
    polar = (truth == negative) | (truth == positive)
    if not polar.any():
        return None
    right = (probabilities[:, positive] > probabilities[:, negative]) == (truth == positive)
    return float(np.average(right[polar], weights=None if weights is None else weights[polar]))


def intensity_metrics(labels: Floats, intensities: Floats, weights: Floats | None = None) -> dict[str, Any]:
    """Spearman's rank correlation and mean absolute error of intensities [N] against labels [N], NaN where none."""
    labelled = ~np.isnan(labels)
    if not labelled.any():
        return {"rows": 0}
    truth, given = labels[labelled], intensities[labelled]
    weight = None if weights is None else weights[labelled]
    constant = np.ptp(truth) == 0 or np.ptp(given) == 0
    return {
        "rows": int(labelled.sum()),
        "spearman": None if constant else float(spearmanr(truth, given).statistic),
        "mae": float(mean_absolute_error(truth, given, sample_weight=weight)),
        "mae_of_constant": float(np.abs(truth - np.median(truth)).mean()),
    }


def calibration_error(
    truth: npt.NDArray[np.int64], probabilities: Floats, weights: Floats | None = None
) -> float:
    """Expected calibration error of the likeliest class: bins of equal width, |accuracy - confidence|, by weight.

    Source: Guo et al., On Calibration of Modern Neural Networks, ICML 2017, equation 3.
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == truth
    weight = np.ones_like(confidence) if weights is None else weights
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, weights=weight * (correct - confidence), minlength=CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / weight.sum())


def write_metrics(metrics: Mapping[str, Any], path: Path) -> None:
    """Write metrics as JSON, keys in the order given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")


def _autocasts(network: OpinionNetwork) -> bool:
    """Whether float32 weights should be multiplied in bfloat16 on their device; weights cast at load need no cast."""
    parameter = next(network.parameters())
    return parameter.dtype == torch.float32 and fast_dtype(parameter.device) == torch.bfloat16
