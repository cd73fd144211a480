import pytest
from made_answers import make_answers

from reviewmine.evaluation.robustness import changes


def test_changes_are_counted_on_the_rows_that_were_read_again() -> None:
    before = make_answers([0, 0, 2, 2], [0, 0, 2, 0], intensities=[1, 0.5, 1, 1])
    after = make_answers([0, 2, 2], [2, 2, 2], intensities=[0.8, 1, 0.5])
    found = changes(before, [0, 2, 3], after)
    assert found["polarity"] == pytest.approx(
        {"accuracy_before": 2 / 3, "accuracy": 2 / 3, "flip_rate": 2 / 3}
    )
    assert found["intensity"]["mean_shift"] == pytest.approx((0.2 + 0 + 0.5) / 3)


def test_rows_without_a_label_are_left_out() -> None:
    nan = float("nan")
    assert "polarity" not in changes(make_answers([nan], [0]), [0], make_answers([nan], [2]))
