import pytest
import torch

from reviewmine.annotate.sentence_vectors import sentence_means


def test_a_sentence_is_the_mean_of_its_tokens() -> None:
    states = torch.randn(3, 16, 4, generator=torch.Generator().manual_seed(0))
    reviews, first, last = torch.tensor([[0, 0, 2], [1, 5, 0], [5, 9, 16]])
    means = sentence_means(states, reviews, first, last)
    expected = torch.stack([states[0, 1:5].mean(0), states[0, 5:9].mean(0), states[2].mean(0)])
    torch.testing.assert_close(means, expected)


def test_half_precision_states_are_summed_in_float32() -> None:
    states = torch.full((1, 512, 2), 1.0078125, dtype=torch.bfloat16)
    means = sentence_means(states, torch.tensor([0]), torch.tensor([0]), torch.tensor([512]))
    assert means.dtype == torch.float32
    torch.testing.assert_close(means, torch.full((1, 2), 1.0078125))


def test_no_sentences_give_no_vectors() -> None:
    nothing = torch.tensor([], dtype=torch.int64)
    assert sentence_means(torch.zeros(2, 16, 4), nothing, nothing, nothing).shape == (0, 4)


def test_shapes_that_do_not_agree_are_refused() -> None:
    one, two = torch.tensor([0]), torch.tensor([0, 1])
    with pytest.raises(ValueError, match="expected"):
        sentence_means(torch.zeros(2, 16, 4), one, one, two)
