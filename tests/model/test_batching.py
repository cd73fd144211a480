import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewmine.model.batching import padded, padded_width, token_budget_batches


@given(st.lists(st.integers(1, 600), max_size=200), st.integers(1, 4096), st.sampled_from([1, 8, 16]))
def test_every_row_is_in_one_batch_and_no_batch_of_two_exceeds_the_budget(
    lengths: list[int], budget: int, round_to: int
) -> None:
    batches = token_budget_batches(np.array(lengths, np.int64), budget_tokens=budget, round_to=round_to)
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    for batch in batches:
        width = padded_width(max(lengths[row] for row in batch), round_to)
        assert width % round_to == 0
        assert len(batch) == 1 or len(batch) * width <= budget


def test_rows_of_like_length_are_batched_together_longest_first() -> None:
    batches = token_budget_batches(np.array([10, 200, 12, 190, 11]), budget_tokens=512)
    assert [batch.tolist() for batch in batches] == [[1, 3], [2, 4, 0]]


def test_the_budget_counts_padded_tokens() -> None:
    batches = token_budget_batches(np.full(8, 17), budget_tokens=128)
    assert [len(batch) for batch in batches] == [4, 4]


def test_a_row_above_the_budget_makes_a_batch_alone() -> None:
    batches = token_budget_batches(np.array([3, 500]), budget_tokens=64)
    assert [batch.tolist() for batch in batches] == [[1], [0]]


def test_rows_of_one_length_keep_their_order() -> None:
    (batch,) = token_budget_batches(np.full(5, 9), budget_tokens=512)
    assert batch.tolist() == [0, 1, 2, 3, 4]


def test_no_rows_make_no_batches() -> None:
    assert token_budget_batches(np.array([], np.int64), budget_tokens=64) == []


@pytest.mark.parametrize(("lengths", "budget"), [([0, 3], 64), ([[3, 4]], 64), ([3], 0)])
def test_lengths_and_budgets_that_make_no_sense_are_refused(lengths: list[int], budget: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        token_budget_batches(np.array(lengths), budget_tokens=budget)


def test_padding_fills_the_end_of_each_row_and_the_mask_says_where() -> None:
    token_ids, mask = padded([np.array([5, 6, 7], np.int32), np.array([8], np.int32)], pad_id=1)
    assert token_ids.shape == mask.shape == (2, 16)
    assert token_ids[:, :4].tolist() == [[5, 6, 7, 1], [8, 1, 1, 1]]
    assert mask.sum(axis=1).tolist() == [3, 1]
    assert (token_ids[mask == 0] == 1).all()
