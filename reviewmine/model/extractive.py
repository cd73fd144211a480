"""Extraction: the one or two sentences of a review that say what the review as a whole says.

The relevance of a sentence is a product of factors from 0 to 1, each a function here: centrality, breadth, and its
worth, which is agreement with the polarity of the review times information. The best sentence comes first; a
second is taken by maximal marginal relevance (Carbonell and Goldstein 1998), so that it does not repeat the first.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Numbers = NDArray[np.integer]

_BROAD_SHARE: Final = 1 / 6
"""A sentence shorter than this share of a summary, 40 of 240 characters, counts in proportion to its length."""
_HALF_INFORMED: Final = 0.5
"""The sum of cubed leanings at which information is a half: one strong opinion word, as `great` or `broken`."""
_PLAIN_TOKENS: Final = 16
"""A longer sentence must say more to inform as much: half of the sentences of reviews are no longer."""
_RELEVANCE_WEIGHT: Final = 0.7
"""Share of relevance against novelty when the second sentence is chosen; lambda of the source."""
_REDUNDANT_COSINE: Final = 0.9
_WORTHWHILE: Final = 0.5
"""The second sentence must be at least so relevant, relative to the first."""


def choose(
    vectors: Floats,
    num_characters: Sequence[int],
    *,
    most_characters: int,
    worth: Floats | None = None,
) -> list[int]:
    """Indices of at most two of S sentences that fit in `most_characters` with a space between, best first.

    `vectors` [S, H] are means of token states, `num_characters` [S] the lengths, `worth` [S] what else speaks for
    each sentence, from 0 to 1; all the same if None. Where no sentence fits, the best one is returned alone, to be
    cut. Ties go to the earlier sentence.

    Raises:
        ValueError: the shapes do not agree, or there is no sentence.
    """
    lengths = np.asarray(num_characters, dtype=np.float32)
    if lengths.ndim != 1 or not len(lengths) or vectors.ndim != 2 or len(vectors) != len(lengths):
        raise ValueError(f"vectors {vectors.shape}, lengths {lengths.shape}: expected [S, H] and [S], S > 0")
    worth = np.ones(len(lengths), np.float32) if worth is None else worth
    if worth.shape != lengths.shape:
        raise ValueError(f"worth {worth.shape}: expected one for each of {len(lengths)} sentences")
    relevance = centrality(vectors, lengths) * breadth(lengths, most_characters) * worth
    relevance = relevance / max(float(relevance.max()), 1e-12)
    fits = lengths <= most_characters
    first = int(np.argmax(np.where(fits, relevance, -1) if fits.any() else relevance))
    second = _second(
        _unit(vectors), relevance, fits_beside=lengths + lengths[first] + 1 <= most_characters, first=first
    )
    return [first] if second is None else [first, second]


def _second(units: Floats, relevance: Floats, *, fits_beside: NDArray[np.bool_], first: int) -> int | None:
    """The sentence that adds most to `first`, or None where the others fit ill, repeat it or say little."""
    cosines = units @ units[first]
    allowed = fits_beside & (cosines < _REDUNDANT_COSINE) & (relevance >= _WORTHWHILE * relevance[first])
    allowed[first] = False
    if not allowed.any():
        return None
    marginal = _RELEVANCE_WEIGHT * relevance - (1 - _RELEVANCE_WEIGHT) * (1 + cosines) / 2
    return int(np.argmax(np.where(allowed, marginal, -np.inf)))


# Factors ------------------------------------------------------------------------------------------------


def centrality(vectors: Floats, lengths: Floats) -> Floats:
    """How near each sentence [S] is to the whole: the cosine of its vector [S, H] to the centroid, from 0 to 1.

    The centroid weighs sentences by their `lengths` [S] (centroid-based summarization: Radev et al. 2004; with
    learned vectors: Rossiello et al. 2017). Where the network pools by mean, it is nearly what the heads read.
    """
    states = vectors.astype(np.float32)
    central: Floats = (1 + _unit(states) @ _unit(lengths.astype(np.float32) @ states)) / 2
    return central


def breadth(lengths: Floats, most_characters: int) -> Floats:
    """Whether each sentence [S] is long enough to say something: `Great!` is central to every happy review."""
    broad: Floats = np.minimum(1, lengths / (_BROAD_SHARE * most_characters))
    return broad


def worth(
    review: Floats, sentences: Floats | None, leanings: Floats, first_tokens: Numbers, last_tokens: Numbers
) -> Floats:
    """What speaks for each sentence [S] besides its place and length: agreement times information.

    `sentences` [S, 3] is None where the network cannot tell the polarity of a sentence; then all agree.
    """
    informed = information(review, leanings, first_tokens, last_tokens)
    return informed if sentences is None else informed * agreement(review, sentences)


def agreement(review: Floats, sentences: Floats) -> Floats:
    """How far each sentence [S] shares the polarity of its review, from 0 to 1.

    From probabilities by polarity [3] and [S, 3], it is 1 less what the sentence lacks of the review's foremost
    polarity. A sentence that has more of it loses nothing: it shows best why the review was judged so.
    """
    foremost = int(np.argmax(review))
    lacks: Floats = np.maximum(0, review[foremost] - sentences[:, foremost])
    return 1 - lacks


def information(review: Floats, leanings: Floats, first_tokens: Numbers, last_tokens: Numbers) -> Floats:
    """How much each sentence [S] has to say, from 0 to 1: the opinion words in it, as the network itself reads them.

    `leanings` [T] are what the polarity head says of each token of the review read alone, and beyond what it says of no
    token (see annotate.word_leanings), from -1 (negative) to 1; `review` [3] are its probabilities by polarity. In
    context every token leans as the whole review does, and a sentence on the reviewer's wife looks as happy as one on
    the sound; alone, `wife` says little and `crisp` much. A word that leans against the review counts in so far as the
    review is undecided. Cubes let a few strong words outweigh many faint ones; beyond 16 tokens their sum is divided by
    the root of the length, so that a tale does not win by its length; and the sum s becomes s / (s + a half): a second
    praise tells less than the first.
    The half-open ranges of tokens are `first_tokens` and `last_tokens` [S].
    """
    lean = float(review[-1] - review[0])
    weights = np.abs(leanings) * np.where(leanings * lean > 0, 1, 1 - abs(lean))
    sums = np.concatenate([[0.0], np.cumsum(weights.astype(np.float64) ** 3)])
    said = sums[last_tokens] - sums[first_tokens]
    said = said / np.sqrt(np.maximum(1, (last_tokens - first_tokens) / _PLAIN_TOKENS))
    informed: Floats = (said / (said + _HALF_INFORMED)).astype(np.float32)
    return informed


def _unit(vectors: Floats) -> Floats:
    """Vectors [..., H] of length one; a zero vector stays zero."""
    states = vectors.astype(np.float32)
    norms = np.linalg.norm(states, axis=-1, keepdims=True)
    units: Floats = states / np.maximum(norms, 1e-12)
    return units
