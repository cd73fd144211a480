import numpy as np
import pytest

from reviewmine.model.extractive import choose

X, Y, Z = np.eye(3, dtype=np.float32)


def chosen(vectors: list[np.ndarray], lengths: list[int], most_characters: int = 240) -> list[int]:
    return choose(np.stack(vectors), lengths, most_characters=most_characters)


def test_the_sentence_nearest_to_the_whole_review_comes_first() -> None:
    assert chosen([X, X + Y + Z, Y, Z], [60, 60, 60, 60])[0] == 1


def test_the_centroid_weighs_long_sentences_more() -> None:
    assert chosen([X, Y], [50, 150], most_characters=150) == [1]


def test_the_second_sentence_does_not_repeat_the_first() -> None:
    centre = 3 * X + Y
    assert chosen([centre, centre + 0.1 * Z, X + 2 * Y], [80, 79, 80]) == [0, 2]


def test_a_review_that_says_one_thing_is_summarised_by_one_sentence() -> None:
    assert chosen([X, X, X], [80, 80, 80]) == [0]


def test_exclamations_give_way_to_sentences_that_say_more() -> None:
    assert chosen([X + Y, X + 0.8 * Y + 0.3 * Z], [6, 90])[0] == 1


def test_two_sentences_fit_together_with_a_space_between() -> None:
    assert sorted(chosen([X + Y, X - 0.2 * Y], [100, 139])) == [0, 1]
    assert len(chosen([X + Y, X - 0.2 * Y], [100, 140])) == 1


def test_a_sentence_that_fits_is_preferred_to_one_that_must_be_cut() -> None:
    assert chosen([X, X + 2 * Y], [500, 100]) == [1]


def test_where_nothing_fits_the_most_central_sentence_is_chosen_alone() -> None:
    assert chosen([X, Y], [900, 500]) == [0]


def test_ties_go_to_the_earlier_sentence() -> None:
    assert chosen([X, X], [50, 50]) == [0]


def test_zero_vectors_are_chosen_by_their_length() -> None:
    zero = np.zeros(3, np.float32)
    assert chosen([zero, zero], [5, 50])[0] == 1


def test_the_choice_does_not_depend_on_the_scale_or_type_of_the_vectors() -> None:
    vectors = np.random.default_rng(7).normal(size=(8, 16))
    lengths = [40 + 5 * row for row in range(8)]
    small = choose(vectors.astype(np.float32), lengths, most_characters=200)
    assert small == choose(vectors * 1000, lengths, most_characters=200)


@pytest.mark.parametrize(
    ("shape", "num_lengths"), [((2, 3), 3), ((0, 3), 0), ((3,), 3), ((2, 3, 1), 2)], ids=str
)
def test_shapes_that_do_not_agree_are_refused(shape: tuple[int, ...], num_lengths: int) -> None:
    with pytest.raises(ValueError, match=r"expected \[S, H\] and \[S\]"):
        choose(np.zeros(shape, np.float32), [10] * num_lengths, most_characters=100)
