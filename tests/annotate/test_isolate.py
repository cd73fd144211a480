from collections.abc import Sequence

import pytest

from reviewmine.annotate.isolate import MAX_FAILED, isolated
from reviewmine.errors import CheckpointError


class Stage:
    """Works on numbers, raises for the broken ones, and remembers what it finished."""

    def __init__(self, *broken: int, error: type[Exception] = ValueError) -> None:
        self.broken = frozenset(broken)
        self.error = error
        self.finished: set[int] = set()
        self.num_calls = 0

    def __call__(self, numbers: Sequence[int]) -> None:
        self.num_calls += 1
        for number in numbers:
            if number in self.broken:
                raise self.error(f"cannot read {number}")
        self.finished.update(numbers)


def test_what_raises_nothing_runs_once_for_each_batch() -> None:
    stage = Stage()
    assert isolated(stage, [[1, 2, 3], [4]]) == frozenset()
    assert stage.num_calls == 2


def test_the_broken_reviews_are_found_and_all_others_finish(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage(3, 40, 41)
    assert isolated(stage, [list(range(50)), list(range(50, 60))]) == {3, 40, 41}
    assert stage.finished == set(range(60)) - {3, 40, 41}
    assert [record.message for record in caplog.records] == [
        f"a review cannot be annotated: ValueError: cannot read {number}" for number in (3, 40, 41)
    ]


def test_a_review_that_is_alone_may_fail() -> None:
    assert isolated(Stage(1), [[1]]) == {1}


def test_a_stage_that_fails_for_every_review_is_broken_itself() -> None:
    with pytest.raises(ValueError, match="cannot read 1"):
        isolated(Stage(1, 2, 3), [[1, 2], [3]])


def test_a_stage_that_fails_for_very_many_reviews_is_broken_itself() -> None:
    stage = Stage(*range(1000))
    with pytest.raises(ValueError, match=f"cannot read {MAX_FAILED}"):
        isolated(stage, [list(range(5000))])


@pytest.mark.parametrize("error", [CheckpointError, MemoryError])
def test_trouble_of_the_machine_or_the_checkpoint_is_no_reviews_fault(error: type[Exception]) -> None:
    stage = Stage(2, error=error)
    with pytest.raises(error):
        isolated(stage, [[1, 2, 3]])
    assert stage.num_calls == 1


def test_no_batches_and_empty_ones_fail_nothing() -> None:
    assert isolated(Stage(), []) == isolated(Stage(), [[]]) == frozenset()


def test_what_a_stage_quotes_of_a_review_is_masked_in_the_log_and_in_what_is_raised(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def stage(reviews: Sequence[str]) -> None:
        for review in reviews:
            if "@" in review:
                raise ValueError(f"cannot read {review!r}")

    isolated(stage, [["fine", "write to anna@example.org"]])
    assert [record.message for record in caplog.records] == [
        "a review cannot be annotated: ValueError: cannot read 'write to [mail]'"
    ]
    with pytest.raises(ValueError, match=r"cannot read 'a \[mail\]'"):
        isolated(stage, [["a b@example.org", "c d@example.org"]])
