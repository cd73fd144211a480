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
