"""Leaning: where the rows of added units start, so that a network that reads one language has an inkling of another.

A unit that stands in reviews that were liked starts where liked words of the known vocabulary stand, as far out as a
linear model of the reviews weighs it; what else it means is left to training.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression

from reviewmine.errors import TrainingError
from reviewmine.model.vocabulary import ExtendedEmbedding

_FURTHEST: Final = 3.0
"""Weights of units beyond so many times their root mean square count as so many."""
_SPREAD: Final = 2.0
"""How far units spread along the direction, as a multiple of how far known tokens do."""
_MOST_STEPS: Final = 500

Floats = npt.NDArray[np.float64]
TokenIds = Sequence[npt.NDArray[np.int32]]


def lean_rows(
    table: ExtendedEmbedding, num_new: int, token_ids: TokenIds, liked: npt.NDArray[np.float32]
) -> None:
    """Move the last `num_new` rows of `table` along the direction that tells liked texts apart in all rows before.

    `token_ids` are those of N texts; `liked` [N] is 1 where a text is positive, 0 where it is negative and NaN where
    that is not known. The direction is that of a logistic regression on the mean row of each text that has no new
    unit; how far a unit is moved, its weight in one on TF-IDF of the new units in the others (both by L2).
    Raises TrainingError if either kind of text lacks positive or negative ones.
    """
    if not num_new:
        return
    num_before = table.added.num_embeddings - num_new
    first = table.known.num_embeddings + num_before
    has_units = np.array([bool((some >= first).any()) for some in token_ids])
    rows: dict[bool, npt.NDArray[np.intp]] = {}
    for kind in (True, False):
        rows[kind] = np.flatnonzero((has_units == kind) & ~np.isnan(liked))
        if len(np.unique(liked[rows[kind]])) < 2:
            raise TrainingError(
                f"vocabulary.start leaning: the training texts {'with' if kind else 'without'} new units are not "
                "both positive and negative, so there is nothing to lean on; add a set, or start = 'noise'"
            )
    rows_before = torch.cat([table.known.weight.detach(), table.added.weight.detach()[:num_before]])
    known = rows_before.double().cpu().numpy()
    direction = _direction(known, [token_ids[row] for row in rows[False]], liked[rows[False]])
    weights = _weights([token_ids[row] - first for row in rows[True]], liked[rows[True]], num_new)
    spread = np.sqrt((weights**2).mean()) or 1.0
    reach = np.clip(weights / spread, -_FURTHEST, _FURTHEST)
    moves = np.outer(reach * _SPREAD * (known @ direction).std(), direction)
    with torch.no_grad():
        table.added.weight[num_before:] += torch.from_numpy(moves).to(table.added.weight)


def _direction(known: Floats, token_ids: TokenIds, liked: npt.NDArray[np.float32]) -> Floats:
    """The unit vector [H] along which mean rows of texts tell whether they are liked."""
    centre, spread = known.mean(axis=0), known.std(axis=0)
    means = np.stack([known[some].mean(axis=0) for some in token_ids])
    fitted = LogisticRegression(max_iter=_MOST_STEPS).fit((means - centre) / spread, liked)
    direction: Floats = fitted.coef_[0] / spread
    return direction / np.linalg.norm(direction)


def _weights(units: TokenIds, liked: npt.NDArray[np.float32], num_units: int) -> Floats:
    """What each unit [num_units] says for a text's being liked, 0 for one that is in none; numbers below 0 are none."""
    distinct = [np.unique(some[some >= 0]) for some in units]
    ends = np.cumsum([0, *(len(some) for some in distinct)])
    there: Any = csr_matrix(
        (np.ones(ends[-1]), np.concatenate(distinct), ends), shape=(len(units), num_units)
    )
    tfidf = TfidfTransformer().fit(there)
    fitted = LogisticRegression(C=4.0, max_iter=_MOST_STEPS).fit(tfidf.transform(there), liked)
    weights: Floats = fitted.coef_[0] * tfidf.idf_
    return weights
