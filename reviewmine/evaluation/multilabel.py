"""Figures of heads that give each review any number of labels."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from reviewmine.evaluation.metrics import Floats, areas_of


def multilabel_metrics(labels: Floats, probabilities: Floats, names: Sequence[str]) -> dict[str, Any]:
    """F1 of each of `names` [C], their mean and that over all decisions, of probabilities [N, C] cut at one half.

    ROC AUC and PR AUC of each are over all cuts.

    `labels` [N, C] are 0 or 1, NaN in rows without; `accuracy` is the share of rows of which every label is right, and
    `brier` the mean square of what probabilities are off. Macro-F1 is over the labels that occur.
    """
    labelled = ~np.isnan(labels).any(axis=1)
    if not labelled.any():
        return {"rows": 0}
    truth, given = labels[labelled].astype(int), probabilities[labelled]
    found = (given >= 0.5).astype(int)
    right, told, support = (truth & found).sum(axis=0), found.sum(axis=0), truth.sum(axis=0)
    precision, recall = right / np.maximum(told, 1), right / np.maximum(support, 1)
    f1 = 2 * right / np.maximum(told + support, 1)
    micro_f1 = 2 * right.sum() / max(1, told.sum() + support.sum())
    occurs = support > 0
    return {
        "rows": int(labelled.sum()),
        "macro_f1": float(f1[occurs].mean()) if occurs.any() else 0.0,
        "micro_f1": float(micro_f1),
        "accuracy": float((truth == found).all(axis=1).mean()),
        "brier": float(np.square(given - truth).mean()),
        "labels": {
            name: {
                "precision": float(precision[n]),
                "recall": float(recall[n]),
                "f1": float(f1[n]),
                **areas_of(truth[:, n] == 1, given[:, n]),
                "rows": int(support[n]),
            }
            for n, name in enumerate(names)
        },
    }
