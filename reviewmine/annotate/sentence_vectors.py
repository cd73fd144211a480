"""Sentence vectors: the means of the token states of one encoder pass over the tokens of each sentence."""

from torch import Tensor
from torch.nn import functional as F


def sentence_means(
    token_states: Tensor, reviews: Tensor, first_tokens: Tensor, last_tokens: Tensor
) -> Tensor:
    """The vectors [S, H] of S sentences in float32, from token states [B, T, H] of B reviews.

    Args:
        reviews: the number of the review, below B, that each sentence stands in [S].
        first_tokens, last_tokens: the half-open range of tokens of each sentence in its review [S].

    Raises:
        ValueError: the shapes do not agree.
    """
    if token_states.ndim != 3 or not reviews.shape == first_tokens.shape == last_tokens.shape:
        raise ValueError(
            f"states {tuple(token_states.shape)}, sentences {tuple(reviews.shape)}, {tuple(first_tokens.shape)} and "
            f"{tuple(last_tokens.shape)}: expected [reviews, tokens, width] and [sentences] three times"
        )
    sums = F.pad(token_states.float().cumsum(dim=1), (0, 0, 1, 0))
    num_tokens = (last_tokens - first_tokens).clamp(min=1).unsqueeze(-1)
    means: Tensor = (sums[reviews, last_tokens] - sums[reviews, first_tokens]) / num_tokens
    return means
