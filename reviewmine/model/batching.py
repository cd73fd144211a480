"""Batches by a budget of tokens: reviews of like length together, so that little of a batch is padding."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

ROUND_TO: Final = 16
"""Widths are multiples of this: a CPU builds its kernels anew for every shape it has not seen."""
TRAINING_ROUND_TO: Final = 8
"""Widths of training are multiples of this, whatever device trains, so that all take the same steps: a GPU's matrix
units ask for no more."""


def padded_width(longest: int, round_to: int = ROUND_TO) -> int:
    """The width in tokens of a batch whose longest row has `longest` tokens."""
    return -(-longest // round_to) * round_to


def token_budget_batches(
    lengths: NDArray[np.int64], *, budget_tokens: int, round_to: int = ROUND_TO, num_shares: int = 1
) -> list[NDArray[np.int64]]:
    """Row numbers in batches of at most `budget_tokens` padded tokens, longest rows first, each row in one batch.

    Args:
        lengths: tokens of each row [rows], at least one.
        budget_tokens: upper bound of rows times padded width; a single row that is wider makes a batch alone.
        round_to: widths are rounded up to a multiple of this many tokens.
        num_shares: how many read each batch, its rows dealt out in turn; the budget is that of one of them.

    Raises:
        ValueError: a length, the budget or the rounding is below one, or `lengths` is not one-dimensional.
    """
    lengths = np.asarray(lengths)
    if lengths.ndim != 1 or (lengths.size and lengths.min() < 1):
        raise ValueError(f"lengths of shape {lengths.shape}: expected [rows], each row of at least one token")
    if budget_tokens < 1 or round_to < 1:
        raise ValueError(f"a budget of {budget_tokens} tokens rounded to {round_to}: expected at least one")
    order = np.argsort(-lengths, kind="stable")
    batches = []
    first = 0
    while first < len(order):
        width = padded_width(int(lengths[order[first]]), round_to)
        last = first + num_shares * max(1, budget_tokens // width)
        batches.append(order[first:last])
        first = last
    return batches


def padded(
    token_ids: list[NDArray[np.int32]], pad_id: int, round_to: int = ROUND_TO
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of token ids as (token ids [rows, width] filled up with `pad_id`, attention mask [rows, width])."""
    lengths = np.array([len(ids) for ids in token_ids])
    mask = np.arange(padded_width(int(lengths.max()), round_to)) < lengths[:, None]
    filled = np.full(mask.shape, pad_id, np.int64)
    filled[mask] = np.concatenate(token_ids)
    return filled, mask.astype(np.int64)
