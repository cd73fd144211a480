import numpy as np
import pytest

from reviewmine.model.extractive import agreement, breadth, centrality, choose, information, worth

X, Y, Z = np.eye(3, dtype=np.float32)
NEGATIVE, NEUTRAL, POSITIVE = np.eye(3, dtype=np.float32)
TORN = np.float32([0.5, 0.0, 0.5])


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


def test_a_sentence_of_worth_is_chosen_before_a_more_central_one() -> None:
    vectors = np.stack([X + Y, X, X + Y])
    assert choose(vectors, [60, 60, 60], most_characters=100, worth=np.array([0.2, 0.9, 0.3])) == [1]


def test_a_second_sentence_of_little_worth_is_left_out() -> None:
    vectors = np.stack([X + Y, X - 0.2 * Y])
    assert choose(vectors, [80, 80], most_characters=240, worth=np.array([1.0, 0.9])) == [0, 1]
    assert choose(vectors, [80, 80], most_characters=240, worth=np.array([1.0, 0.2])) == [0]


def test_where_nothing_is_of_any_worth_the_first_sentence_is_chosen() -> None:
    assert choose(np.stack([X, Y]), [80, 80], most_characters=100, worth=np.zeros(2)) == [0]


def test_worth_of_another_number_of_sentences_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one for each of 2"):
        choose(np.stack([X, Y]), [80, 80], most_characters=100, worth=np.ones(3))


def test_centrality_is_one_at_the_centroid_and_half_across_it() -> None:
    central = centrality(np.stack([X, X, Z - X, Y]), np.array([50, 50, 0, 0]))
    np.testing.assert_allclose(central, [1, 1, (1 - np.sqrt(0.5)) / 2, 0.5], atol=1e-6)


def test_breadth_grows_to_a_sixth_of_a_summary() -> None:
    np.testing.assert_allclose(breadth(np.array([10, 40, 90]), 240), [0.25, 1, 1])
    np.testing.assert_allclose(breadth(np.array([10, 20]), 120), [0.5, 1])


def test_a_sentence_agrees_as_far_as_it_shares_the_foremost_polarity() -> None:
    sentences = np.float32([[0.1, 0.1, 0.8], [0.0, 0.0, 1.0], [0.7, 0.2, 0.1]])
    np.testing.assert_allclose(agreement(np.float32([0.1, 0.1, 0.8]), sentences), [1, 1, 0.3], atol=1e-6)


def informed(review: np.ndarray, *sentences: list[float]) -> list[float]:
    ends = np.cumsum([len(sentence) for sentence in sentences])
    starts = np.concatenate([[0], ends[:-1]])
    leanings = np.concatenate([np.float32(sentence) for sentence in sentences])
    return information(review, leanings, starts, ends).tolist()  # type: ignore[no-any-return]


def test_a_sentence_with_opinion_words_informs_more_than_one_without() -> None:
    plain, opinion, more = informed(POSITIVE, [0.1, -0.2, 0.1, 0.1], [0.1, 0.8, 0.1], [0.8, 0.9])
    assert plain < 0.01 < 0.4 < opinion < more < 1


def test_one_strong_word_outweighs_many_faint_ones() -> None:
    strong, faint = informed(POSITIVE, [0.9], [0.2] * 20)
    assert strong > faint


def test_of_two_sentences_that_say_the_same_the_shorter_informs_more() -> None:
    short, longer, tale = informed(POSITIVE, [0.9], [0.9, *[0.0] * 15], [0.9, *[0.0] * 63])
    assert short == longer > tale > short / 2


def test_words_against_the_review_count_only_where_it_is_undecided() -> None:
    assert informed(POSITIVE, [-0.9])[0] == 0
    assert informed(NEGATIVE, [0.9])[0] == 0
    assert informed(NEGATIVE, [-0.9])[0] > 0.5
    both = informed(TORN, [-0.9], [0.9])
    assert both[0] == both[1] > 0.5


def test_a_sentence_without_tokens_informs_of_nothing() -> None:
    assert information(POSITIVE, np.float32([0.9]), np.array([0, 1]), np.array([1, 1])).tolist()[1] == 0


def test_worth_is_agreement_times_information_or_information_alone() -> None:
    leanings, first, last = np.float32([0.9, 0.8]), np.array([0, 1]), np.array([1, 2])
    alone = worth(POSITIVE, None, leanings, first, last)
    np.testing.assert_array_equal(alone, information(POSITIVE, leanings, first, last))
    sentences = np.stack([POSITIVE, NEUTRAL])
    np.testing.assert_allclose(worth(POSITIVE, sentences, leanings, first, last), alone * [1, 0])
