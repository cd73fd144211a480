"""Tries: the Ray jobs that one submission id stands for, `ID`, `ID-try2` and so on; a schedule may send it twice."""

from collections.abc import Iterable
from dataclasses import dataclass

from reviewmine.errors import EXIT_DONE_WITH_REJECTS


@dataclass(frozen=True)
class Try:
    """One job of a cluster: its submission id, its status as Ray names it, and its driver's exit code, once known."""

    id: str
    status: str
    exit_code: int | None = None

    @property
    def stands(self) -> bool:
        """Whether it runs, or has done what it was sent for; another with rejects would reject the same files."""
        return self.status not in ("FAILED", "STOPPED") or self.exit_code == EXIT_DONE_WITH_REJECTS


def latest_try(submission_id: str, jobs: Iterable[Try]) -> Try | None:
    """The last of the tries of `submission_id` among the `jobs` of a cluster; None where there is none."""
    tries = {number: job for job in jobs if (number := _number(submission_id, job.id))}
    return tries[max(tries)] if tries else None


def next_id(submission_id: str | None, latest: Try | None) -> str | None:
    """The id of the try after `latest`; None, for Ray to choose one, where no id is asked for."""
    if submission_id is None or latest is None:
        return submission_id
    return f"{submission_id}-try{_number(submission_id, latest.id) + 1}"


def _number(submission_id: str, job_id: str) -> int:
    """Which try of `submission_id` the job is, from 1; 0 if it is none."""
    if job_id == submission_id:
        return 1
    number = job_id.removeprefix(f"{submission_id}-try")
    return int(number) if number != job_id and number.isdecimal() else 0
