import numpy as np
import pytest
import torch
from torch import nn

from reviewmine.errors import TrainingError
from reviewmine.model.vocabulary import ExtendedEmbedding
from reviewmine.train.leaning import lean_rows

GOOD, BAD, PLAIN = 1, 2, 3
"""Known tokens."""
LIKED, DISLIKED, EITHER = 6, 7, 8
"""Added tokens."""


def a_table() -> ExtendedEmbedding:
    """Six known rows, of which the first two axes tell nothing and the third tells good from bad; three added ones."""
    known = nn.Embedding(6, 4)
    with torch.no_grad():
        known.weight.normal_(generator=torch.Generator().manual_seed(0))
        known.weight[:, 2] = torch.tensor([0.0, 1.0, -1.0, 0.0, 0.0, 0.0])
    return ExtendedEmbedding(known, torch.zeros(3, 4))


def texts(num_texts: int, good: int, bad: int, either: int) -> tuple[list[np.ndarray], np.ndarray]:
    rng = np.random.default_rng(1)
    liked = rng.integers(0, 2, num_texts).astype(np.float32)
    fill = rng.integers(3, 6, (num_texts, 3))
    token_ids = [
        np.array([*row, good if like else bad, either], np.int32)
        for row, like in zip(fill, liked, strict=True)
    ]
    return token_ids, liked


def test_units_start_on_the_side_of_the_texts_they_stand_in_and_the_known_rows_stay() -> None:
    table = a_table()
    before = table.known.weight.detach().clone()
    known, liked = texts(300, GOOD, BAD, PLAIN)
    new, liked_too = texts(300, LIKED, DISLIKED, EITHER)
    lean_rows(table, 3, known + new, np.concatenate([liked, liked_too]))
    torch.testing.assert_close(table.known.weight.detach(), before)
    axis = before[GOOD] - before[BAD]
    sides = table.added.weight.detach() @ axis
    assert sides[0] > 0.5
    assert sides[1] < -0.5
    assert abs(sides[2]) < min(sides[0], -sides[1]) / 3


def test_texts_whose_mind_is_not_known_move_nothing() -> None:
    known, liked = texts(300, GOOD, BAD, PLAIN)
    new, liked_too = texts(300, LIKED, DISLIKED, EITHER)
    unknown, _ = texts(100, DISLIKED, LIKED, EITHER)
    alone, beside = a_table(), a_table()
    lean_rows(alone, 3, known + new, np.concatenate([liked, liked_too]))
    silent = np.full(100, np.nan, np.float32)
    lean_rows(beside, 3, known + new + unknown, np.concatenate([liked, liked_too, silent]))
    torch.testing.assert_close(alone.added.weight, beside.added.weight)


def test_rows_that_an_earlier_run_trained_stay_where_they_are() -> None:
    table = a_table()
    earlier = torch.tensor([0.1, 0.2, 0.3, 0.4])
    with torch.no_grad():
        table.added.weight[0] = earlier
    known, liked = texts(300, GOOD, BAD, PLAIN)
    new, liked_too = texts(300, EITHER, DISLIKED, LIKED)
    lean_rows(table, 2, known + new, np.concatenate([liked, liked_too]))
    torch.testing.assert_close(table.added.weight[0].detach(), earlier)
    sides = table.added.weight.detach() @ (table.known.weight[GOOD] - table.known.weight[BAD]).detach()
    assert sides[1] < -0.5
    assert sides[2] > 0.5
    lean_rows(table, 0, known, liked)


@pytest.mark.parametrize(
    ("with_units", "message"), [(True, "texts with new units"), (False, "texts without")]
)
def test_without_both_kinds_of_texts_there_is_nothing_to_lean_on(with_units: bool, message: str) -> None:
    known, liked = texts(50, GOOD, BAD, PLAIN)
    new, liked_too = texts(50, LIKED, DISLIKED, EITHER)
    (liked_too if with_units else liked)[:] = 1.0
    with pytest.raises(TrainingError, match=f"{message}.* not both positive and negative"):
        lean_rows(a_table(), 3, known + new, np.concatenate([liked, liked_too]))
