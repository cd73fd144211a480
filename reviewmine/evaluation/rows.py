"""Which rows a head is judged on and fitted to, and what each of them counts."""

from collections.abc import Mapping, Sequence

import numpy as np

from reviewmine.evaluation.metrics import Floats, class_weights
from reviewmine.model.head_specs import HeadSpec, OrdinalSpec, RegressionSpec


def token_rows(labels: Floats, answers: Floats) -> tuple[Floats, Floats]:
    """Labels [N, W] and answers or logits [N, T, C] of tokens as [M] and [M, C], a row for each labelled token."""
    width = min(labels.shape[1], answers.shape[1])
    labelled = ~np.isnan(labels[:, :width])
    return labels[:, :width][labelled], answers[:, :width][labelled]


def counts_of_labels(labels: Floats, answers: Floats) -> Floats:
    """What macro-F1 of labels is made of, row for row [N, 3 C]: told right, is, told, of each; NaN without labels.

    `labels` [N, C] are 0 or 1 and NaN where there are none, `answers` [N, C] probabilities, cut at one half.
    """
    is_so, told = labels == 1, answers >= 0.5
    counts = np.hstack([is_so & told, is_so, told]).astype(np.float32)
    counts[np.isnan(labels).any(axis=1)] = np.nan
    return counts


def counts_of_tokens(labels: Floats, answers: Floats) -> Floats:
    """The same of classes of tokens [N, 3 C], from class numbers [N, W] and answers [N, T, C]."""
    width = min(labels.shape[1], answers.shape[1])
    truth, found = labels[:, :width, None], answers[:, :width].argmax(axis=2)[:, :, None]
    classes, labelled = np.arange(answers.shape[2]), ~np.isnan(truth)
    is_so, told = truth == classes, (found == classes) & labelled
    counts = np.hstack([some.sum(axis=1) for some in (is_so & told, is_so, told)]).astype(np.float32)
    counts[~labelled.any(axis=(1, 2))] = np.nan
    return counts


def natural_weights(
    name: str, head: HeadSpec, labels: Mapping[str, Floats], natural_shares: Mapping[str, Sequence[float]]
) -> Floats | None:
    """A weight [N] per row that makes examples like an archive for the head `name`; None where shares are not known.

    Numbers go by the shares of polarity, which stars tell together with them; where no row has both, by none.
    """
    by = "polarity" if isinstance(head, RegressionSpec | OrdinalSpec) else name
    if by not in natural_shares:
        return None
    weights = class_weights(labels[by], natural_shares[by])
    return weights if by == name or weights[~np.isnan(labels[name])].any() else None
