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


def leanings_of(loaded: Checkpoint) -> WordLeanings:
    return WordLeanings(loaded, CPU)


def test_a_word_leans_as_a_review_of_that_word_alone(checkpoint: Path, loaded: Checkpoint) -> None:
    token_ids = Preparer(checkpoint)(make_conformed(["battery"]))["token_ids"][0].as_py()
    assert len(token_ids) == 3
    ids = torch.tensor([token_ids])
    probabilities = torch.softmax(loaded.network(ids, torch.ones_like(ids)).logits["polarity"], dim=-1)[0]
    leaning = leanings_of(loaded).of(np.array(token_ids[1:2]))
    np.testing.assert_allclose(leaning, [float(probabilities[2] - probabilities[0])], atol=1e-3)


def test_tokens_are_answered_alike_whatever_was_read_before_them(loaded: Checkpoint) -> None:
    tokens = np.array([9, 7, 9, 30, 5, *range(20, 100)])
    together, otherwise = leanings_of(loaded), leanings_of(loaded)
    otherwise.of(tokens[::-3])
    found = together.of(tokens)
    assert found.tolist() == otherwise.of(tokens).tolist()
    assert found[0] == found[2]
    assert (np.abs(found) <= 1).all()


def test_a_token_is_read_once(loaded: Checkpoint) -> None:
    read: list[int] = []

    def note(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], output: NetworkOutput) -> None:
        read.extend(inputs[0][:, 1].tolist())

    loaded.network.register_forward_hook(note)
    leanings = leanings_of(loaded)
    for tokens in ([9, 7, 9], [7, 30], [5, 30, 9]):
        leanings.of(np.array(tokens))
    assert sorted(set(read)) == [5, 7, 9, 30]
    assert len(read) == 3 * 64
    leanings.of(np.array([9, 30, 5, 7]))
    assert len(read) == 3 * 64


def test_no_tokens_have_no_leanings(loaded: Checkpoint) -> None:
    assert leanings_of(loaded).of(np.array([], np.int32)).shape == (0,)


def test_a_token_that_is_answered_with_no_number_leans_nowhere(loaded: Checkpoint) -> None:
    loaded.network.heads["polarity"].output.bias.data[:] = float("nan")
    assert leanings_of(loaded).of(np.array([9])).tolist() == [0.0]
