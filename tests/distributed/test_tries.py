"""What one submission id stands for on a cluster."""

import pytest

from reviewmine.distributed.tries import Try, latest_try, next_id


def test_an_id_that_no_job_has_is_taken_as_it_is() -> None:
    assert latest_try("daily", [Try("daily-2", "RUNNING"), Try("daily-try", "RUNNING")]) is None
    assert next_id("daily", None) == "daily"


def test_without_an_id_ray_chooses_one() -> None:
    assert next_id(None, None) is None


def test_the_latest_try_counts_and_not_the_first_or_the_one_that_sorts_last() -> None:
    jobs = [Try("daily-try10", "RUNNING"), Try("daily", "FAILED", 1), Try("daily-try9", "FAILED", 1)]
    latest = latest_try("daily", jobs)
    assert latest == jobs[0]
    assert next_id("daily", latest) == "daily-try11"


def test_an_id_that_begins_like_another_is_not_its_try() -> None:
    assert (
        latest_try("backfill-1", [Try("backfill-12", "RUNNING"), Try("backfill-1-try2-try2", "RUNNING")])
        is None
    )


@pytest.mark.parametrize(
    ("status", "exit_code", "stands"),
    [
        ("PENDING", None, True),
        ("RUNNING", None, True),
        ("SUCCEEDED", 0, True),
        ("FAILED", 3, True),
        ("FAILED", 1, False),
        ("FAILED", 4, False),
        ("FAILED", None, False),
        ("STOPPED", None, False),
    ],
)
def test_a_job_stands_while_it_runs_and_when_it_is_done_rejects_or_not(
    status: str, exit_code: int | None, stands: bool
) -> None:
    assert Try("daily", status, exit_code).stands is stands
