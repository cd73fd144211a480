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


def directions(loaded: Checkpoint, rows: list[list[int]], tilt: float = 0.0) -> np.ndarray:
    ids = torch.tensor(rows)
    with torch.inference_mode():
        logits = loaded.network(ids, torch.ones_like(ids)).logits["polarity"].float()
    shares = torch.softmax(logits + torch.tensor([tilt / 2, 0, -tilt / 2]), dim=-1)
    return (shares[:, 2] - shares[:, 0]).numpy()


@pytest.mark.parametrize("tilt", [-1.5, 0.0, 1.5])
def test_a_token_leans_as_read_alone_and_never_more_than_it_does_beyond_no_token(
    checkpoint: Path, loaded: Checkpoint, tilt: float
) -> None:
    bias = loaded.network.heads["polarity"].output.bias.data
    bias += torch.tensor([-tilt / 2, 0, tilt / 2])
    (begin, _, end) = Preparer(checkpoint)(make_conformed(["battery"]))["token_ids"][0].as_py()
    empty = torch.tensor([[begin, end]])
    with torch.inference_mode():
        nothing = loaded.network(empty, torch.ones_like(empty)).logits["polarity"][0].float()
    tokens = np.arange(5, 60)
    rows = [[begin, token, end] for token in tokens.tolist()]
    said = directions(loaded, rows)
    beyond = directions(loaded, rows, tilt=float(nothing[2] - nothing[0]))
    found = leanings_of(loaded).of(tokens)
    differ = said * beyond <= 0
    assert (found[differ] == 0).all()
    smaller = np.where(np.abs(said) < np.abs(beyond), said, beyond)
    np.testing.assert_allclose(found[~differ], smaller[~differ], atol=1e-3)
    assert tilt == 0 or differ.any()


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
    num_empty: list[int] = []

    def note(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], output: NetworkOutput) -> None:
        rows, width = inputs[0].shape
        if width == 2:
            num_empty.append(rows)
        else:
            read.extend(inputs[0][:, 1].tolist())

    loaded.network.register_forward_hook(note)
    leanings = leanings_of(loaded)
    for tokens in ([9, 7, 9], [7, 30], [5, 30, 9]):
        leanings.of(np.array(tokens))
    assert sorted(set(read)) == [5, 7, 9, 30]
    assert len(read) == 3 * 64
    leanings.of(np.array([9, 30, 5, 7]))
    assert len(read) == 3 * 64
    assert num_empty == [1]


def test_no_tokens_have_no_leanings(loaded: Checkpoint) -> None:
    assert leanings_of(loaded).of(np.array([], np.int32)).shape == (0,)


def test_without_special_tokens_a_token_leans_as_read_alone(loaded: Checkpoint) -> None:
    leanings = leanings_of(loaded)
    leanings._before, leanings._behind = [], []
    found = leanings.of(np.array([9, 30]))
    np.testing.assert_allclose(found, directions(loaded, [[9], [30]]), atol=1e-3)


def test_a_token_that_is_answered_with_no_number_leans_nowhere(loaded: Checkpoint) -> None:
    loaded.network.heads["polarity"].output.bias.data[:] = float("nan")
    assert leanings_of(loaded).of(np.array([9])).tolist() == [0.0]
