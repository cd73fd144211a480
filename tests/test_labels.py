"""Labels: what stars stand for, and where intensity levels begin."""

import pytest

from reviewmine.labels import (
    ANNOTATED_STATUSES,
    STATUSES,
    intensity_of_rating,
    polarity_of_rating,
)


def test_one_and_two_stars_are_negative_three_neutral_and_more_positive():
    found = [polarity_of_rating(rating) for rating in (1, 2, 3, 4, 5)]
    assert found == ["negative", "negative", "neutral", "positive", "positive"]


def test_intensity_is_the_distance_from_three_stars():
    assert [intensity_of_rating(rating) for rating in (1, 2, 3, 4, 5)] == [1, 0.5, 0, 0.5, 1]


@pytest.mark.parametrize("rating", [0, 5.5, -1, float("nan")])
def test_what_is_no_star_rating_is_refused(rating):
    with pytest.raises(ValueError, match="expected 1 to 5 stars"):
        polarity_of_rating(rating)
    with pytest.raises(ValueError, match="expected 1 to 5 stars"):
        intensity_of_rating(rating)


def test_the_annotated_statuses_are_among_the_statuses():
    assert set(STATUSES) > ANNOTATED_STATUSES
