"""What reviewmine_backfill.py decides: ranges, the job of each and its id, what to do next, what an end means.

Only the standard library: Airflow's environment needs `ray[default]` beside this, and not reviewmine.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

HOME = "/home/ray/reviewmine"
"""Where the image of cluster/image has jobs/."""

EXIT_USAGE, EXIT_DONE_WITH_REJECTS, EXIT_RESUMABLE = 2, 3, 4
RUNNING = frozenset({"PENDING", "RUNNING"})
Ending = Literal["done", "done with rejects", "try again", "never"]


@dataclass(frozen=True)
class Job:
    """A job of the cluster: its status as Ray names it, and its driver's exit code, once known."""

    status: str
    exit_code: int | None = None


@dataclass(frozen=True)
class Step:
    """What a look at the cluster calls for: submit this id, wait for it, or take note of how it ended."""

    kind: Literal["submit", "wait", "ended"]
    submission_id: str


def month_ranges(first: str, last: str, months: int) -> list[str]:
    """Ranges `2024-07..2024-12` of so many months that cover `first` to `last`, the newest first and whole.

    Raises ValueError for what is no month `YYYY-MM`, a last before the first, or fewer than one month.
    """
    begin, end = _month_number(first), _month_number(last)
    if end < begin or months < 1:
        raise ValueError(
            f"{first} to {last} by {months} months: expected an earlier, a later month, and 1 or more"
        )
    return [
        f"{_month(max(begin, upper - months + 1))}..{_month(upper)}"
        for upper in range(end, begin - 1, -months)
    ]


def entrypoint(archive: str, table: str, partitions: str, num_actors: int) -> str:
    """The command of the job that brings one range up to date with so many of the cluster's GPUs."""
    run_file = f"{HOME}/jobs/runs/backfill.toml"
    command = [
        "python",
        f"{HOME}/jobs/backfill.py",
        archive,
        table,
        "--run",
        run_file,
        "--partitions",
        partitions,
        "--num-actors",
        str(num_actors),
    ]
    return shlex.join([*command, "--json"])


def submission_id(run_id: str, partitions: str, try_number: int) -> str:
    """The id of one try at one range in one run of the DAG: the same however often it is asked for."""
    words = re.sub(r"[^A-Za-z0-9]+", "-", f"reviewmine {run_id} {partitions}").strip("-")
    return f"{words}-try{try_number}"


def running(jobs: Mapping[str, Job], run_id: str, partitions: str) -> list[str]:
    """The ids of this range's jobs that are under way, whichever try sent them."""
    of_range = re.compile(re.escape(submission_id(run_id, partitions, 0).removesuffix("0")) + r"[0-9]+")
    return sorted(name for name, job in jobs.items() if of_range.fullmatch(name) and job.status in RUNNING)


def next_step(jobs: Mapping[str, Job], run_id: str, partitions: str, try_number: int) -> Step:
    """What to do next for a range, from the cluster's jobs alone, so that a task may forget and ask again.

    A job that runs is waited for, whichever try sent it: a task that was cleared or lost does not start a second one.
    Otherwise each try sends one job. One that an earlier try saw end well is sent again when a person clears the task,
    and finds its partitions fresh.
    """
    if under_way := running(jobs, run_id, partitions):
        return Step("wait", under_way[-1])
    mine = submission_id(run_id, partitions, try_number)
    return Step("ended" if mine in jobs else "submit", mine)


def ending(job: Job) -> Ending:
    """What the end of a job means to a scheduler.

    Stopped and resumable (4), stopped by hand, failed (1) and lost without a code are worth another try; wrong use (2)
    is wrong however often it is tried.
    """
    if job.status == "SUCCEEDED":
        return "done"
    if job.exit_code == EXIT_DONE_WITH_REJECTS:
        return "done with rejects"
    return "never" if job.exit_code == EXIT_USAGE else "try again"


def _month_number(month: str) -> int:
    if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", month):
        raise ValueError(f"{month!r}: expected a month, YYYY-MM")
    return int(month[:4]) * 12 + int(month[5:]) - 1


def _month(number: int) -> str:
    return f"{number // 12:04d}-{number % 12 + 1:02d}"
