import pytest

from reviewmine.distributed.trial import reason_of
from reviewmine.errors import TrainingError


class Caused(Exception):
    """What Ray raises of a trial: the error that ended it is its cause."""

    def __init__(self, cause: Exception) -> None:
        super().__init__("Traceback (most recent call last):\n  ...")
        self.cause = cause


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError(), "ValueError"),
        (Caused(KeyError()), "KeyError"),
        (Caused(TrainingError("two\nlines")), "two lines"),
        (RuntimeError("Traceback\n  File x\nRuntimeError: no room"), "RuntimeError: no room"),
    ],
)
def test_a_trial_that_failed_says_why_on_one_line(error: Exception, reason: str) -> None:
    assert reason_of(error) == reason
