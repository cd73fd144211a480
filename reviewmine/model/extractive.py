"""Extraction: the one or two sentences of a review that say what the review as a whole says.

Centrality is the cosine of a sentence's vector to the centroid of all sentences, each weighted by its length
(centroid-based summarization: Radev et al. 2004; with learned vectors: Rossiello et al. 2017). Where the
network pools by mean, that centroid is nearly what the polarity head reads: the summary shows what was judged.
The second sentence is taken by maximal marginal relevance (Carbonell and Goldstein 1998).
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

_INFORMATIVE_CHARACTERS: Final = 40
"""A sentence shorter than this counts in proportion: `Great!` is central to every happy review."""
_RELEVANCE_WEIGHT: Final = 0.7
"""Share of relevance against novelty when the second sentence is chosen; lambda of the source."""
_REDUNDANT_COSINE: Final = 0.9
_WORTHWHILE: Final = 0.6
"""The second sentence must be at least so relevant, relative to the first."""


def choose(
    vectors: NDArray[np.floating], num_characters: Sequence[int], *, most_characters: int
) -> list[int]:
    """Indices of at most two of S sentences that fit in `most_characters` with a space between, best first.

    `vectors` [S, H] are means of token states, `num_characters` [S] the lengths. Where no sentence fits, the
    best one is returned alone, to be cut. Ties go to the earlier sentence.

    Raises:
        ValueError: the shapes do not agree, or there is no sentence.
    """
    lengths = np.asarray(num_characters, dtype=np.float32)
    if lengths.ndim != 1 or not len(lengths) or vectors.ndim != 2 or len(vectors) != len(lengths):
        raise ValueError(f"vectors {vectors.shape}, lengths {lengths.shape}: expected [S, H] and [S], S > 0")
    states = vectors.astype(np.float32)
    units = _unit(states)
    relevance = (1 + units @ _unit(lengths @ states)) / 2 * np.minimum(1, lengths / _INFORMATIVE_CHARACTERS)
    fits = lengths <= most_characters
    first = int(np.argmax(np.where(fits, relevance, -1) if fits.any() else relevance))
    second = _second(
        units, relevance, fits_beside=lengths + lengths[first] + 1 <= most_characters, first=first
    )
    return [first] if second is None else [first, second]


def _second(
    units: NDArray[np.float32], relevance: NDArray[np.floating], *, fits_beside: NDArray[np.bool_], first: int
) -> int | None:
    """The sentence that adds most to `first`, or None where the others fit ill, repeat it or say little."""
    cosines = units @ units[first]
    allowed = fits_beside & (cosines < _REDUNDANT_COSINE) & (relevance >= _WORTHWHILE * relevance[first])
    allowed[first] = False
    if not allowed.any():
        return None
    marginal = _RELEVANCE_WEIGHT * relevance - (1 - _RELEVANCE_WEIGHT) * (1 + cosines) / 2
    return int(np.argmax(np.where(allowed, marginal, -np.inf)))


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors [..., H] of length one; a zero vector stays zero."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    units: NDArray[np.float32] = vectors / np.maximum(norms, 1e-12)
    return units
