from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_checkpoint import make_conformed

from reviewmine.annotate.prepare import Preparer
from reviewmine.annotate.word_leanings import WordLeanings
from reviewmine.model.checkpoint import Checkpoint, load_checkpoint
from reviewmine.model.network import NetworkOutput

CPU = torch.device("cpu")


@pytest.fixture
def loaded(checkpoint: Path) -> Checkpoint:
    return load_checkpoint(checkpoint)


def leanings_of(loaded: Checkpoint, tokens_per_batch: int = 64) -> WordLeanings:
    return WordLeanings(loaded, CPU, tokens_per_batch=tokens_per_batch)


def test_a_word_leans_as_a_review_of_that_word_alone(checkpoint: Path, loaded: Checkpoint) -> None:
    token_ids = Preparer(checkpoint)(make_conformed(["battery"]))["token_ids"][0].as_py()
    assert len(token_ids) == 3
    ids = torch.tensor([token_ids])
    probabilities = torch.softmax(loaded.network(ids, torch.ones_like(ids)).logits["polarity"], dim=-1)[0]
    leaning = leanings_of(loaded).of(np.array(token_ids[1:2]))
    np.testing.assert_allclose(leaning, [float(probabilities[2] - probabilities[0])], atol=1e-6)


def test_tokens_are_answered_in_their_order_whatever_the_batches(loaded: Checkpoint) -> None:
    tokens = np.array([9, 7, 9, 30, 5])
    together, one_by_one = leanings_of(loaded).of(tokens), leanings_of(loaded, tokens_per_batch=1).of(tokens)
    np.testing.assert_allclose(together, one_by_one, atol=1e-6)
    assert together[0] == together[2]
    assert (np.abs(together) <= 1).all()


def test_a_token_is_read_once(loaded: Checkpoint) -> None:
    read: list[int] = []

    def note(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], output: NetworkOutput) -> None:
        read.extend(inputs[0][:, 1].tolist())

    loaded.network.register_forward_hook(note)
    leanings = leanings_of(loaded)
    for tokens in ([9, 7, 9], [7, 30], [5, 30, 9]):
        leanings.of(np.array(tokens))
    assert sorted(read) == [5, 7, 9, 30]


def test_no_tokens_have_no_leanings(loaded: Checkpoint) -> None:
    assert leanings_of(loaded).of(np.array([], np.int32)).shape == (0,)


def test_a_token_that_is_answered_with_no_number_leans_nowhere(loaded: Checkpoint) -> None:
    loaded.network.polarity.output.bias.data[:] = float("nan")
    assert leanings_of(loaded).of(np.array([9])).tolist() == [0.0]
