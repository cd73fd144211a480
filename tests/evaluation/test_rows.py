import numpy as np
import pytest

from reviewmine.evaluation.rows import counts_of_labels, counts_of_tokens, natural_weights, token_rows
from reviewmine.model.head_specs import OPINION_HEADS, OrdinalSpec

NOTHING = np.nan


def test_each_token_with_a_class_is_a_row_of_its_own() -> None:
    labels = np.array([[NOTHING, 1, 0, NOTHING], [2, NOTHING, NOTHING, NOTHING]], np.float32)
    answers = np.arange(18, dtype=np.float32).reshape(2, 3, 3)
    by_token, of_token = token_rows(labels, answers)
    assert by_token.tolist() == [1, 0, 2]
    assert of_token.tolist() == [[3, 4, 5], [6, 7, 8], [9, 10, 11]]


def test_labels_and_tokens_are_counted_review_by_review() -> None:
    labels = np.array([[1, 0], [NOTHING, NOTHING], [1, 1]], np.float32)
    found = counts_of_labels(labels, np.array([[0.7, 0.6], [1, 1], [0.2, 0.5]], np.float32))
    assert found[[0, 2]].tolist() == [[1, 0, 1, 0, 1, 1], [0, 1, 1, 1, 0, 1]]
    assert np.isnan(found[1]).all()
    of_tokens = np.array([[NOTHING, 1, 0, 1], [NOTHING] * 4], np.float32)
    answers = np.eye(2, dtype=np.float32)[[[1, 1, 0], [0, 0, 0]]]
    found = counts_of_tokens(of_tokens, answers)
    assert found[0].tolist() == [1, 1, 1, 1, 1, 1]
    assert np.isnan(found[1]).all()


def test_classes_are_weighted_to_their_shares_and_numbers_to_those_of_polarity() -> None:
    labels = {
        "polarity": np.array([0, 2, 2, NOTHING], np.float32),
        "intensity": np.array([1, 1, 0.5, 0.5], np.float32),
        "force": np.array([NOTHING, NOTHING, NOTHING, 1], np.float32),
    }
    shares = {"polarity": (0.5, 0.0, 0.5)}
    for name in ("polarity", "intensity"):
        weights = natural_weights(name, OPINION_HEADS[name], labels, shares)
        assert weights == pytest.approx([1.5, 0.75, 0.75, 0])
        assert natural_weights(name, OPINION_HEADS[name], labels, {}) is None
    assert natural_weights("force", OrdinalSpec(), labels, shares) is None
